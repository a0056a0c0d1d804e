/**
 * A project in a temporary directory, and the command line run in it.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { runCli } from "../../src/cli/program.ts";

/** What a command line did. */
export interface CliResult {
  readonly exitCode: number;
  readonly out: string;
  readonly err: string;
}

/** A directory that is gone when it is disposed. */
export class CliProject implements Disposable {
  readonly root: string = mkdtempSync(join(tmpdir(), "edge-serve-cli-"));

  constructor(files: Readonly<Record<string, string>> = {}) {
    for (const [path, text] of Object.entries(files)) this.write(path, text);
  }

  write(path: string, text: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), text);
  }

  /** The text of a file; `undefined` if there is none. */
  read(path: string): string | undefined {
    const file = join(this.root, path);
    return existsSync(file) ? readFileSync(file, "utf8") : undefined;
  }

  /** Runs the command line here. For a command that goes on: `onTalk` hears all it has said, `signal` ends it. */
  async run(
    argv: readonly string[],
    { signal, onTalk }: { signal?: AbortSignal; onTalk?: (said: string) => void } = {},
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
      cwd: this.root,
      env: process.env,
      signal: signal ?? new AbortController().signal,
    });
    return { exitCode, out, err };
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
