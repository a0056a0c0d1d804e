/**
 * A command in a process group of its own, which ends with the test.
 */
import { spawn } from "node:child_process";

/** A running command. */
export interface ProcessGroup extends AsyncDisposable {
  /** The first match in what it has printed or prints from now on. Rejects if it ends before. */
  says(pattern: RegExp): Promise<RegExpExecArray>;
  /** Its exit code, once it has ended, and all that it has printed. */
  readonly ended: Promise<{ readonly exitCode: number | null; readonly said: string }>;
}

/** Runs a module with this Node, as npm would in `cwd`. `--run` in its place runs a script of package.json. */
export function startNode(module: string, args: readonly string[], cwd: string): ProcessGroup {
  return startProgram(process.execPath, [module, ...args], cwd);
}

/** Runs a program. */
export function startProgram(file: string, args: readonly string[], cwd: string): ProcessGroup {
  // The test runner's own variables would make a vitest inside it believe that it is one of its workers.
  const inherited = Object.entries(process.env).filter(([name]) => !/^(VITEST|TEST|NODE_ENV|NODE_OPTIONS)/.test(name));
  const env = {
    ...Object.fromEntries(inherited),
    CI: "true",
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    WRANGLER_WRITE_LOGS: "false",
    NO_COLOR: "1",
  };
  const child = spawn(file, args, { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  let heard = () => {};
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
      heard();
    });
  }
  const ended = new Promise<{ exitCode: number | null; said: string }>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (exitCode) => resolve({ exitCode, said }));
  });
  return {
    ended,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        heard = () => {
          const match = pattern.exec(said);
          if (match !== null) resolve(match);
        };
        heard();
        void ended.then(
          ({ exitCode }) => reject(new Error(`It ended with ${exitCode} before it said ${pattern}. It said:\n${said}`)),
          reject,
        );
      }),
    [Symbol.asyncDispose]: async () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      } catch {
        // ESRCH: the group has ended already.
      }
      await ended;
    },
  };
}
