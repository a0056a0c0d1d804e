/**
 * The server's process, seen from the test.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { RuntimeLog } from "../cli/runtime/log-record.ts";
import type { Built, ServerMessage, StartMessage, TestMessage } from "./messages.ts";

/** What the test hears of the process while it runs. */
export interface ServerEvents {
  readonly onLog: (line: RuntimeLog) => void;
  /** Directories that the process leaves behind if it is killed. */
  readonly onScratch: (directories: readonly string[]) => void;
}

// How long a server may take to end by itself before it is killed.
const STOP_TIMEOUT_MS = 5000;

/** One process with one server in it. */
export class ServerChild {
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #events: ServerEvents;
  // Answered in order.
  readonly #flushes: (() => void)[] = [];
  #output = "";

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
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => (this.#output += text));
    }
  }

  /** Resolves once the server answers; rejects with what is wrong. */
  async start(message: StartMessage): Promise<{ url: string; built: Built }> {
    const ready = new Promise<{ url: string; built: Built }>((resolve, reject) => {
      this.#process.on("message", (reply: ServerMessage) => {
        if (reply.type === "ready") resolve(reply);
        else if (reply.type === "failed") reject(new Error(reply.message));
        else if (reply.type === "flushed") this.#flushes.shift()?.();
        else if (reply.type === "scratch") this.#events.onScratch(reply.directories);
        else this.#events.onLog(reply.line);
      });
      void this.#exited.then(() => reject(new Error(`The server's process ended before it was ready.\n${this.#output}`)));
    });
    this.#send(message);
    return ready;
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

  /** Ends the process and everything it started. */
  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.connected) {
      this.#send({ type: "stop" });
      const timer = setTimeout(() => void this.kill(), STOP_TIMEOUT_MS);
      await this.#exited;
      clearTimeout(timer);
    }
    // Whatever of the group is left.
    await this.kill();
  }

  #send(message: TestMessage): void {
    this.#process.send(message);
  }
}
