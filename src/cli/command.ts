/**
 * What a command is: data that help and parsing are made from, and a function of its arguments.
 */
/** What a command may touch besides files: handed in, so that tests run commands in their own process. */
export interface Io {
  /** The answer: what a script would read. */
  readonly out: (text: string) => void;
  /** The talk: progress, warnings, errors. */
  readonly err: (text: string) => void;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What shows the talk is a terminal, and a person reads it; whether it has colours. Missing where it is a pipe or a file. */
  readonly terminal?: { readonly hasColors: boolean };
  /** Aborts when the user asks a running command to end (Ctrl-C). */
  readonly signal: AbortSignal;
}

/** An option, in commander's spelling: `--port <number>`. */
export interface OptionSpec {
  readonly flags: string;
  readonly summary: string;
  readonly default?: string | boolean;
}

/** The arguments and options of one call. */
export interface CommandInput {
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
}

/** A command of the terminal. `run` returns the exit code, and throws a `Failure` for what the user can put right. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  /** Not in the list of commands: for tools to run. */
  readonly isHidden?: boolean;
  /** In commander's spelling: `[target]`, `<target>`, `[pairs...]`. */
  readonly args: readonly { readonly name: string; readonly summary: string }[];
  readonly options: readonly OptionSpec[];
  readonly examples: readonly string[];
  run(input: CommandInput, io: Io): Promise<number>;
}
