/** The process that loads, seen from the one that measures. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { LoadOrder, LoadReport } from "./load.ts";

const CONNECTIONS = 16;

export class LoadProcess implements Disposable {
  readonly #process: ChildProcess;
  readonly sent: Record<string, number> = {};
  readonly wrong: string[] = [];

  /** @param only Kinds of the mix, with commas; all if it is empty. */
  constructor(port: number, only: string) {
    this.#process = fork(fileURLToPath(new URL("load.ts", import.meta.url)), [String(port), String(CONNECTIONS), only]);
  }

  /** How many requests were sent. */
  get requests(): number {
    return Object.values(this.sent).reduce((sum, count) => sum + count, 0);
  }

  /** Sends about so many requests more, and resolves when they are answered. */
  async send(requests: number): Promise<void> {
    const order: LoadOrder = { requests };
    this.#process.send(order);
    const [report] = (await once(this.#process, "message")) as [LoadReport];
    for (const [kind, count] of Object.entries(report.sent)) this.sent[kind] = (this.sent[kind] ?? 0) + count;
    this.wrong.push(...report.wrong.slice(0, Math.max(0, 10 - this.wrong.length)));
  }

  [Symbol.dispose](): void {
    this.#process.disconnect();
  }
}
