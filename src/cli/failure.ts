/**
 * What every command says alike: failures, exit codes, a port that is wrong, columns.
 */

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

/** `--port`; `undefined` where it is not given. */
export function portOf(text: unknown): number | undefined {
  if (text === undefined) return undefined;
  const port = typeof text === "string" && /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new Failure(`--port must be an integer from 0 to 65535, got ${JSON.stringify(text)}.`, EXIT.usage);
}

/** Plain aligned columns, two spaces apart; the last column is not padded. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>((all, row) => row.map((cell, index) => Math.max(all[index] ?? 0, cell.length)), []);
  return rows
    .map((row) => row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(widths[index] ?? 0))).join("  "))
    .join("\n");
}
