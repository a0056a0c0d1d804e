/**
 * The server's process, seen from the test.
 *
 * Invariants:
 *   P1. One process serves one server at a time. One whose server was stopped serves the next one of the same environment.
 *   P2. A process that waits for the next server keeps nobody from ending.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import type { RuntimeLog } from "../cli/runtime/log-record.ts";
import type { Built, ServerMessage, StartMessage, TestMessage } from "./messages.ts";

/** What the test hears of the process while it runs. */
export interface ServerEvents {
  readonly onLog: (line: RuntimeLog) => void;
  /** Directories that the process leaves behind if it is killed. */
  readonly onScratch: (directories: readonly string[]) => void;
}

type Ready = { readonly url: string; readonly built: Built };

// How long a server may take to end by itself before it is killed.
const STOP_TIMEOUT_MS = 5000;
/** How many servers a process serves, one after the other: what it forgets to give back does not add up for ever. */
const MAX_SERVED = 25;

/** The process that waits for the next server, if one does. */
const spare: { child?: ServerChild | undefined } = {};

/** One process with one server in it. */
export class ServerChild {
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;
  /** What it has from the test's process, which the user's code and wrangler read. */
  readonly #environment = environment();
  #events: ServerEvents;
  #starting: PromiseWithResolvers<Ready> | undefined;
  #stopped: (() => void) | undefined;
  // Answered in order.
  readonly #flushes: (() => void)[] = [];
  #output = "";
  #served = 1;

  /** The process that waits, or a new one. */
  static take(events: ServerEvents): ServerChild {
    const { child } = spare;
    spare.child = undefined;
    if (child !== undefined && child.#environment === environment()) return child.#begin(events);
    void child?.kill();
    return new ServerChild(events);
  }

  constructor(events: ServerEvents) {
    this.#events = events;
    // Beside this file, built or not.
    const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
    this.#process = fork(fileURLToPath(new URL(`./server-process.${extension}`, import.meta.url)), [], {
      detached: true,
      execArgv: [],
      serialization: "advanced",
      stdio: ["ignore", "pipe", "pipe", "ipc"],
    });
    this.#exited = once(this.#process, "exit");
    this.#process.on("message", (message: ServerMessage) => this.#hear(message));
    void this.#exited.then(() => this.#ended());
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => (this.#output += text));
    }
  }

  /** Resolves once the server answers; rejects with what is wrong. */
  async start(message: StartMessage): Promise<Ready> {
    // First, because what cannot be sent, such as a function among the arguments, waits for no answer.
    this.#send(message);
    this.#starting = Promise.withResolvers<Ready>();
    return this.#starting.promise;
  }

  /** Resolves when what has been logged so far has arrived, or the process has ended. */
  flush(): Promise<unknown> {
    if (!this.#process.connected) return Promise.resolve();
    this.#send({ type: "flush" });
    return Promise.race([new Promise<void>((resolve) => this.#flushes.push(resolve)), this.#exited]);
  }

  /** Ends the process and everything it started, at once. */
  async kill(): Promise<void> {
    try {
      if (this.#process.pid !== undefined) process.kill(-this.#process.pid, "SIGKILL");
    } catch {
      // ESRCH: the group has ended already.
    }
    await this.#exited;
  }

  /** Ends the server. Its process waits for the next one, or ends with everything that it started. */
  async stop(): Promise<void> {
    if (!(await this.#stop()) || spare.child !== undefined || this.#served >= MAX_SERVED) return this.kill();
    this.#keepsAlive(false);
    spare.child = this;
  }

  /** Returns whether the process can serve another one. */
  async #stop(): Promise<boolean> {
    if (this.#process.exitCode !== null || !this.#process.connected) return false;
    const stopped = new Promise<boolean>((resolve) => (this.#stopped = () => resolve(true)));
    this.#send({ type: "stop" });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => (timer = setTimeout(resolve, STOP_TIMEOUT_MS, false)));
    const isStopped = await Promise.race([stopped, late, this.#exited.then(() => false)]);
    clearTimeout(timer);
    return isStopped;
  }

  #begin(events: ServerEvents): this {
    this.#events = events;
    this.#served++;
    this.#output = "";
    this.#keepsAlive(true);
    return this;
  }

  #keepsAlive(isKept: boolean): void {
    const { channel, stdout, stderr } = this.#process;
    for (const handle of [this.#process, channel, stdout as Socket | null, stderr as Socket | null]) {
      if (isKept) handle?.ref();
      else handle?.unref();
    }
  }

  #hear(message: ServerMessage): void {
    if (message.type === "ready") this.#starting?.resolve(message);
    else if (message.type === "failed") this.#starting?.reject(new Error(message.message));
    else if (message.type === "stopped") this.#stopped?.();
    else if (message.type === "flushed") this.#flushes.shift()?.();
    else if (message.type === "scratch") this.#events.onScratch(message.directories);
    else this.#events.onLog(message.line);
  }

  #ended(): void {
    if (spare.child === this) spare.child = undefined;
    this.#starting?.reject(new Error(`The server's process ended before it was ready.\n${this.#output}`));
  }

  #send(message: TestMessage): void {
    this.#process.send(message);
  }
}

function environment(): string {
  return JSON.stringify([process.cwd(), Object.entries(process.env).toSorted()]);
}
