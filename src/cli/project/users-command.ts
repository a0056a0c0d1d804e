/**
 * The user's own `build.command`: it may write what the application imports, so it runs before anything is bundled.
 */
import { spawn } from "node:child_process";
import { resolve } from "node:path";
import type { WrittenConfig } from "../../compile/wrangler-config.ts";
import { Failure } from "../failure.ts";

/** What a command needs to run as wrangler would run it. */
export interface CommandPlace {
  readonly cwd: string;
  /** Hears what the command prints. */
  readonly say: (text: string) => void;
}

/** The command of a configuration, and where it runs, relative to where wrangler is started; `undefined` if there is none. */
function usersCommand({ build }: WrittenConfig): { readonly command: string; readonly cwd: string } | undefined {
  const { command, cwd = "." } = (build ?? {}) as { command?: unknown; cwd?: unknown };
  return typeof command === "string" && command.trim() !== "" ? { command, cwd: String(cwd) } : undefined;
}

/** Runs the command of a configuration, if it has one. Rejects with a `Failure` that has what it printed if it fails. */
export async function runUsersCommand(users: WrittenConfig, { cwd, say }: CommandPlace): Promise<void> {
  const found = usersCommand(users);
  if (found === undefined) return;
  const child = spawn(found.command, { cwd: resolve(cwd, found.cwd), shell: true, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      say(text);
    });
  }
  const exitCode = await new Promise<number | null>((done, fail) => {
    child.on("error", fail);
    child.on("close", done);
  });
  if (exitCode !== 0)
    throw new Failure(`build.command of wrangler's configuration, ${JSON.stringify(found.command)}, ended with ${exitCode}:\n${said}`);
}
