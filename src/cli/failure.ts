/** Exit codes: the user's to fix, the command line's, ours. */
export const EXIT = { ok: 0, failed: 1, usage: 2, bug: 70 } as const;

/** Something the user can put right. The message is shown as it is, without a stack. */
export class Failure extends Error {
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = EXIT.failed) {
    super(message);
    this.name = "Failure";
    this.exitCode = exitCode;
  }
}

/** What the terminal shows of an error, and the exit code. Whatever is not the user's to fix is a bug of ours. */
export function reportOf(error: unknown): { text: string; exitCode: number } {
  if (error instanceof Failure) return { text: error.message, exitCode: error.exitCode };
  if (isUserError(error)) return { text: error.message, exitCode: EXIT.failed };
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { text: `This is a bug in edge-serve. Please report it with what follows.\n${detail}`, exitCode: EXIT.bug };
}

// Ours in `protocol/` and wrangler's own: both say what is wrong with something that the user wrote. Matched by name,
// because the application's copy of edge-serve, and wrangler's bundle, have classes of their own.
function isUserError(error: unknown): error is Error {
  return error instanceof Error && (error.name === "ConfigError" || error.constructor.name === "UserError" || error.name === "UserError");
}
