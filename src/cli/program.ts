/**
 * The command line: from arguments to a command, and from what it throws to an exit code.
 */
import { Command as Commander, CommanderError } from "commander";
import type { Command, Io } from "./command.ts";
import { EXIT, reportOf } from "./failure.ts";
import { ownVersion } from "./project/own-package.ts";

/**
 * Runs one command line, without the program's own name, and returns its exit code. Never throws, never exits.
 *
 * @param commands Those there are; all of them if it is left out.
 */
export async function runCli(argv: readonly string[], io: Io, commands?: readonly Command[]): Promise<number> {
  // Loaded here, so that a Node too old for some of them can run the others.
  const available = commands ?? (await import("./commands.ts")).COMMANDS;
  let exitCode: number = EXIT.ok;
  const program = new Commander("edge-serve")
    .description("Ray Serve's model of serving, on Cloudflare Workers and Durable Objects.")
    .version(ownVersion(), "-v, --version")
    .showSuggestionAfterError();
  settle(program, io);
  for (const command of available) {
    settle(
      addCommand(program, command, (input) => command.run(input, io).then((code) => void (exitCode = code))),
      io,
    );
  }
  try {
    if (argv.length === 0) program.outputHelp();
    else await program.parseAsync(argv, { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const { text, exitCode: code } = reportOf(error);
    io.err(`${text}\n`);
    return code;
  }
}

function settle(command: Commander, io: Io): void {
  command.exitOverride().configureOutput({ writeOut: io.out, writeErr: io.err });
}

type Run = (input: Parameters<Command["run"]>[0]) => Promise<void>;

function addCommand(program: Commander, { name, summary, isHidden = false, args, options, examples }: Command, run: Run): Commander {
  const command = program.command(name, { hidden: isHidden }).description(summary).allowExcessArguments(false);
  for (const arg of args) command.argument(arg.name, arg.summary);
  for (const option of options) command.option(option.flags, option.summary, option.default);
  command.addHelpText("after", `\nExamples:\n${examples.map((example) => `  $ ${example}\n`).join("")}`);
  return command.action((...values: unknown[]) => {
    const given = values.slice(0, args.length).flat() as (string | undefined)[];
    return run({ args: given.filter((value) => value !== undefined), options: command.opts() });
  });
}
