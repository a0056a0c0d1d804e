/** What a command may touch besides files: handed in, so that tests run commands in their own process. */
export interface Io {
  /** The answer: what a script would read. */
  readonly out: (text: string) => void;
  /** The talk: progress, warnings, errors. */
  readonly err: (text: string) => void;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborts when the user asks a running command to end (Ctrl-C). */
  readonly signal: AbortSignal;
}
