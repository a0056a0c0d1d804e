/** A workerd of its own, how to reach it and how much computing it has used. */
import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

/** Linux counts a process's time in hundredths of a second. */
const TICK_US = 10_000;

/** How workerd is started, besides its config. */
export interface WorkerdOptions {
  /** Is given each line that it writes, its own warnings included; without it they go to standard error. */
  readonly logged?: (line: string) => void;
  /** Whether it has an inspector. */
  readonly hasInspector?: boolean;
  /** How many sockets its config has; 1 by default. */
  readonly sockets?: number;
}

interface Ports {
  /** Of the first socket. */
  readonly http: number;
  readonly all: Readonly<Record<string, number>>;
  readonly inspector: number | undefined;
}

export class WorkerdProcess implements Disposable {
  readonly url: string;
  /** Of all its sockets, by name. */
  readonly ports: Readonly<Record<string, number>>;
  readonly inspectorPort: number | undefined;
  readonly #process: ChildProcess;

  constructor(process: ChildProcess, { http, all, inspector }: Ports) {
    this.#process = process;
    this.ports = all;
    this.url = `http://127.0.0.1:${http}`;
    this.inspectorPort = inspector;
  }

  /** Starts workerd with a config, and resolves when it listens. */
  static async start(config: string, { logged, hasInspector = false, sockets = 1 }: WorkerdOptions = {}): Promise<WorkerdProcess> {
    const binary = createRequire(import.meta.url)("workerd") as { readonly default: string };
    const output = logged === undefined ? (["ignore", "inherit"] as const) : (["pipe", "pipe"] as const);
    const flags = [...(logged === undefined ? [] : ["--verbose"]), ...(hasInspector ? ["--inspector-addr=127.0.0.1:0"] : [])];
    const child = spawn(binary.default, ["serve", ...flags, "--control-fd=3", config], { stdio: ["ignore", ...output, "pipe"] });
    for (const stream of [child.stdout, child.stderr]) if (logged && stream) createInterface({ input: stream }).on("line", logged);
    let inspector: number | undefined;
    const all: Record<string, number> = {};
    for await (const line of createInterface({ input: child.stdio[3] as Readable })) {
      const { event, socket = "", port } = JSON.parse(line) as { readonly event: string; readonly socket?: string; readonly port?: number };
      if (event === "listen-inspector") inspector = port;
      if (event !== "listen" || port === undefined) continue;
      all[socket] = port;
      if (Object.keys(all).length === sockets) return new WorkerdProcess(child, { http: Object.values(all)[0]!, all, inspector });
    }
    throw new Error(`workerd ended before it listened, with exit code ${child.exitCode}. Its own message is above.`);
  }

  /** Its process. */
  get pid(): number {
    return this.#process.pid!;
  }

  /** Resolves with its exit code, or the signal that ended it, when it has ended. */
  get ended(): Promise<number | string | null> {
    const { exitCode, signalCode } = this.#process;
    if (exitCode !== null || signalCode !== null) return Promise.resolve(exitCode ?? signalCode);
    return new Promise((resolve) => this.#process.once("exit", (code, signal) => resolve(code ?? signal)));
  }

  /** The time on a processor that it has used so far, in microseconds. */
  get cpuUs(): number {
    // The name, in parentheses, may hold spaces.
    const fields = readFileSync(`/proc/${this.#process.pid}/stat`, "utf8").split(") ").at(-1)!.split(" ");
    return (Number(fields[11]) + Number(fields[12])) * TICK_US;
  }

  [Symbol.dispose](): void {
    this.#process.kill("SIGKILL");
  }
}
