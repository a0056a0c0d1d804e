/**
 * What the wrangler was told that runs this process as its build command.
 *
 * wrangler has no word for an environment that is named by an empty text, and takes it for none: it would upload whatever was built. It
 * hands its build command no arguments, so they are looked up where the system shows them.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/** A running process: what started it, and how. */
interface ProcessEntry {
  readonly parent: number;
  readonly args: readonly string[];
}

const WRANGLER = /[\\/]wrangler-dist[\\/]cli\.js$/;
// wrangler, a shell, this process; and what a shell's script may put between.
const MAX_LEVELS = 6;

/**
 * The environment in wrangler's arguments, the last one that is given; `undefined` for none.
 *
 * @param args As they stand after the program.
 */
export function environmentIn(args: readonly string[]): string | undefined {
  let found: string | undefined;
  for (const [index, arg] of args.entries()) {
    if (arg === "--") break;
    const [, value] = /^(?:--env|-e)(?:=([^]*))?$/.exec(arg) ?? [undefined, null];
    if (value !== null) found = value ?? args[index + 1] ?? found;
  }
  return found;
}

/** The arguments of the wrangler above this process; `undefined` if there is none, or where the system does not say. */
export function wranglersArguments(
  look: (id: number) => ProcessEntry | undefined = LOOKS[process.platform] ?? lookByPs,
): string[] | undefined {
  let id = process.ppid;
  for (let level = 0; level < MAX_LEVELS && id > 1; level++) {
    const entry = look(id);
    if (entry === undefined) return undefined;
    const at = entry.args.findIndex((arg) => WRANGLER.test(arg));
    if (at >= 0) return entry.args.slice(at + 1);
    id = entry.parent;
  }
  return undefined;
}

const LOOKS: Partial<Record<NodeJS.Platform, (id: number) => ProcessEntry | undefined>> = { linux: lookInProc, win32: () => undefined };

function lookInProc(id: number): ProcessEntry | undefined {
  try {
    const args = readFileSync(`/proc/${id}/cmdline`, "utf8").split("\0").slice(0, -1);
    const [, parent] = /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${id}/status`, "utf8")) ?? [];
    return { parent: Number(parent), args };
  } catch {
    // It has ended, or the system hides it.
    return undefined;
  }
}

/** By `ps`, which writes arguments with one space between: an empty one is a space more. */
export function lookByPs(id: number): ProcessEntry | undefined {
  try {
    const said = execFileSync("ps", ["-ww", "-o", "ppid=,args=", "-p", String(id)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    const [, parent, args = ""] = /^\s*(\d+) (.*)$/m.exec(said) ?? [];
    return { parent: Number(parent), args: args.split(" ") };
  } catch {
    return undefined;
  }
}
