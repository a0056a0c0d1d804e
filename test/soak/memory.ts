/**
 * The memory of a workerd process: what its isolate's heap holds after a collection, and what the process has of its own.
 */
import { readFileSync } from "node:fs";
import type { WorkerdProcess } from "../../bench/workerd-process.ts";

const POKE_MS = 10;

/** What was read at one time, in bytes. */
export interface Memory {
  /** Used by JavaScript, after a full collection. */
  readonly heap: number;
  /** Anonymous memory of the process: heaps, stacks and what it has allocated, without files and shared code. */
  readonly anonymous: number;
  /** All that is resident. */
  readonly resident: number;
}

/** Reads the memory of one process by workerd's inspector and Linux's `/proc`. */
export class MemoryProbe implements Disposable {
  readonly #pid: number;
  readonly #url: string;
  readonly #socket: WebSocket;
  readonly #answers = new Map<number, (result: unknown) => void>();
  readonly #gone = Promise.withResolvers<never>();
  #last = 0;

  private constructor({ pid, url }: WorkerdProcess, socket: WebSocket) {
    this.#pid = pid;
    this.#url = url;
    this.#socket = socket;
    this.#gone.promise.catch(() => {});
    socket.addEventListener("close", () => this.#gone.reject(new Error("workerd has ended, or its inspector has.")));
    socket.addEventListener("message", ({ data }) => {
      const { id = 0, result } = JSON.parse(String(data)) as { readonly id?: number; readonly result?: unknown };
      this.#answers.get(id)?.(result);
      this.#answers.delete(id);
    });
  }

  /** @param workerd Started with its inspector. */
  static async attach(workerd: WorkerdProcess): Promise<MemoryProbe> {
    const targets = (await (await fetch(`http://127.0.0.1:${workerd.inspectorPort}/json`)).json()) as {
      readonly webSocketDebuggerUrl: string;
    }[];
    const target = targets[0];
    if (target === undefined) throw new Error("workerd's inspector shows no isolate.");
    const socket = new WebSocket(target.webSocketDebuggerUrl);
    await new Promise((resolve, reject) => {
      socket.addEventListener("open", resolve);
      socket.addEventListener("error", () => reject(new Error("workerd's inspector does not answer.")));
    });
    return new MemoryProbe(workerd, socket);
  }

  /** Collects what can be collected, and reads. */
  async read(): Promise<Memory> {
    // What the first one frees may hold on to more.
    await this.#ask("HeapProfiler.collectGarbage");
    await this.#ask("HeapProfiler.collectGarbage");
    const { usedSize } = (await this.#ask("Runtime.getHeapUsage")) as { readonly usedSize: number };
    const rollup = readFileSync(`/proc/${this.#pid}/smaps_rollup`, "utf8");
    return { heap: usedSize, anonymous: bytesOf(rollup, "Anonymous"), resident: bytesOf(rollup, "Rss") };
  }

  async #ask(method: string): Promise<unknown> {
    const id = ++this.#last;
    const { promise, resolve } = Promise.withResolvers<unknown>();
    this.#answers.set(id, resolve);
    this.#socket.send(JSON.stringify({ id, method }));
    // The inspector of an isolate that has nothing to do answers after seconds.
    const timer = setInterval(
      () =>
        void fetch(this.#url).then(
          (response) => response.text(),
          () => {},
        ),
      POKE_MS,
    );
    try {
      return await Promise.race([promise, this.#gone.promise]);
    } finally {
      clearInterval(timer);
    }
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

/** A line of Linux's `smaps_rollup`, in bytes. @throws Error if it has no such line. */
export function bytesOf(rollup: string, name: string): number {
  const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(rollup)?.[1];
  if (kilobytes === undefined) throw new Error(`smaps_rollup has no line ${name}.`);
  return Number(kilobytes) * 1024;
}
