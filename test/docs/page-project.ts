/**
 * The project that the code of one page makes up, as a reader would have it: in a directory of its own, with
 * edge-serve installed, and the tsconfig.json that `edge-serve init` writes.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";

/** What a program printed, and how it ended; `undefined` if it was killed. */
export interface Ended {
  readonly exitCode: number | undefined;
  readonly output: string;
  /** Of it, what went to standard output. */
  readonly answer: string;
}

const REPOSITORY = resolve(import.meta.dirname, "../..");

/** What a project of one's own would have installed. */
const INSTALLED = ["@cloudflare", "hono", "itty-router", "typescript", "vitest", "wrangler"];

export class PageProject implements Disposable {
  readonly root: string = realpathSync(mkdtempSync(join(tmpdir(), "edge-serve-docs-")));

  constructor(name: string) {
    const modules = join(this.root, "node_modules");
    mkdirSync(modules);
    for (const installed of INSTALLED) symlinkSync(join(REPOSITORY, "node_modules", installed), join(modules, installed));
    symlinkSync(REPOSITORY, join(modules, "edge-serve"));
    this.write("package.json", JSON.stringify({ name, private: true, type: "module" }));
    this.write("vitest.config.ts", readFileSync(join(REPOSITORY, "templates/init/vitest.config.ts"), "utf8"));
    const tsconfig = JSON.parse(readFileSync(join(REPOSITORY, "templates/init/tsconfig.json"), "utf8")) as { compilerOptions: object };
    // Stricter than a new project is, so that the code fits into a strict one as well.
    const strict = { noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true, noImplicitOverride: true };
    const include = ["src", "test", "worker-configuration.d.ts"];
    const types = ["@cloudflare/workers-types", "@cloudflare/vitest-plugin/types"];
    this.write(
      "tsconfig.json",
      JSON.stringify({ ...tsconfig, include, compilerOptions: { ...tsconfig.compilerOptions, ...strict, types } }),
    );
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
  }

  has(path: string): boolean {
    return existsSync(join(this.root, path));
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), "utf8");
  }

  /** Runs one of the repository's tools here. */
  run(tool: "tsc" | "vitest" | "edge-serve", args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
    const command = tool === "edge-serve" ? process.execPath : join(REPOSITORY, "node_modules/.bin", tool);
    return runToEnd(command, tool === "edge-serve" ? [join(REPOSITORY, "dist/src/cli/main.js"), ...args] : args, { cwd: this.root, env });
  }

  /** Runs a script of the page's own package.json, with the repository's tools. Fails if there is none, or if it fails. */
  async runScript(name: string): Promise<void> {
    const PATH = `${join(REPOSITORY, "node_modules/.bin")}${delimiter}${process.env["PATH"]}`;
    const { exitCode, output } = await runToEnd(process.execPath, ["--run", name], { cwd: this.root, env: { PATH } });
    if (exitCode !== 0) throw new Error(`The script ${name} ended with ${exitCode}. It said:\n${output}`);
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** How long a program may take. A test that runs one has to wait longer. */
export const TIMEOUT_MS = 300_000;

/** In a process group of its own, all of which ends when the program does, or when the time is over. */
function runToEnd(
  command: string,
  args: readonly string[],
  { cwd, env: more }: { cwd: string; env: Readonly<Record<string, string>> },
): Promise<Ended> {
  return new Promise((done, fail) => {
    // Vitest takes such variables for its own; the one that runs here is another.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("VITEST")));
    const child = spawn(command, args, { cwd, env: { ...env, ...more, NO_COLOR: "1" }, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    let [output, answer] = ["", ""];
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    child.stdout.on("data", (text: string) => (answer += text));
    const killGroup = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      } catch {
        // ESRCH: all of it has ended.
      }
    };
    const timer = setTimeout(killGroup, TIMEOUT_MS);
    child.on("error", fail);
    child.on("exit", killGroup);
    child.on("close", (code) => {
      clearTimeout(timer);
      done({ exitCode: code ?? undefined, output, answer });
    });
  });
}
