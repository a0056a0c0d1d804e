/**
 * A project in a temporary directory, and the command line run in it.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Io } from "../../src/cli/command.ts";
import { runCli } from "../../src/cli/program.ts";
import { OWN_ROOT } from "../../src/cli/project/own-package.ts";
import { type ProcessGroup, startNode } from "./process-group.ts";

/** What a command line did. */
export interface CliResult {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

/** A command line that goes on. */
export interface RunningCommand extends AsyncDisposable {
  /** All that it has said, once that includes the text. */
  says(text: string): Promise<string>;
}

interface PackageFile {
  readonly name: string;
  readonly bin?: string | Readonly<Record<string, string>>;
}

/** A directory that is gone when it is disposed. */
export class CliProject implements Disposable {
  readonly root: string = mkdtempSync(join(tmpdir(), "edge-serve-cli-"));

  constructor(files: Readonly<Record<string, string | Uint8Array>> = {}) {
    for (const [path, text] of Object.entries(files)) this.write(path, text);
  }

  write(path: string, content: string | Uint8Array): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), content);
  }

  /** Makes packages resolve from here as if they were installed: this repository's own, and those that it depends on. */
  install(...packages: readonly string[]): void {
    for (const name of packages) {
      const link = join(this.root, "node_modules", name);
      mkdirSync(dirname(link), { recursive: true });
      const source = name === "edge-serve" ? OWN_ROOT : join(OWN_ROOT, "node_modules", name);
      symlinkSync(source, link);
      this.#installCommands(source);
    }
  }

  // As npm does, so that the scripts of the project's package.json find them.
  #installCommands(source: string): void {
    const { name, bin = {} } = JSON.parse(readFileSync(join(source, "package.json"), "utf8")) as PackageFile;
    const folder = join(this.root, "node_modules", ".bin");
    mkdirSync(folder, { recursive: true });
    for (const [command, file] of Object.entries(typeof bin === "string" ? { [name]: bin } : bin)) {
      symlinkSync(join(source, file), join(folder, command));
    }
  }

  /** The text of a file; `undefined` if there is none. */
  read(path: string): string | undefined {
    const file = join(this.root, path);
    return existsSync(file) ? readFileSync(file, "utf8") : undefined;
  }

  /** Starts a script of the project's package.json, as `npm run` does. */
  script(name: string, ...args: readonly string[]): ProcessGroup {
    return startNode("--run", [name, "--", ...args], this.root);
  }

  /** Starts a command of an installed package. */
  command(name: string, args: readonly string[]): ProcessGroup {
    return startNode(join(this.root, "node_modules/.bin", name), args, this.root);
  }

  /** Runs the command line here, or in `cwd`. For a command that goes on: `onTalk` hears all it has said, `signal` ends it. */
  async run(
    argv: readonly string[],
    {
      cwd = this.root,
      signal,
      onTalk,
      terminal,
    }: { cwd?: string; signal?: AbortSignal; onTalk?: (said: string) => void; terminal?: Io["terminal"] | undefined } = {},
  ): Promise<CliResult> {
    let [out, err] = ["", ""];
    const exitCode = await runCli(argv, {
      out: (text) => {
        out += text;
        onTalk?.(out + err);
      },
      err: (text) => {
        err += text;
        onTalk?.(out + err);
      },
      cwd,
      env: process.env,
      signal: signal ?? new AbortController().signal,
      ...(terminal === undefined ? {} : { terminal }),
    });
    return { exitCode, out, err };
  }

  /** Starts a command line that goes on until it is disposed of. */
  start(argv: readonly string[], { terminal }: { terminal?: Io["terminal"] | undefined } = {}): RunningCommand {
    const end = new AbortController();
    let said = "";
    let heard: (() => void)[] = [];
    const result = this.run(argv, {
      signal: end.signal,
      terminal,
      onTalk: (all) => {
        said = all;
        for (const look of heard) look();
      },
    });
    return {
      says: (text) =>
        new Promise((resolve, reject) => {
          const look = () => {
            if (said.includes(text)) resolve(said);
          };
          heard = [...heard, look];
          look();
          void result.then(() => reject(new Error(`It ended before it said ${JSON.stringify(text)}. It said:\n${said}`)));
        }),
      [Symbol.asyncDispose]: async () => {
        end.abort();
        await result;
      },
    };
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Section 1's application: three deployments, one of them with two replicas. */
export const HELLO_APP = `import * as serve from "edge-serve";

class Hello { call() { return "Hello"; } }
class World { call() { return " world!"; } }
class Ingress {
  constructor(private hello: serve.DeploymentHandle<Hello>, private world: serve.DeploymentHandle<World>) {}
  async call() {
    const hello = this.hello.remote();
    const world = this.world.remote();
    return (await hello) + (await world);
  }
}

const hello = serve.deployment(Hello).bind();
const world = serve.deployment(World, { numReplicas: 2 }).bind();
export const app = serve.deployment(Ingress).bind(hello, world);
`;
