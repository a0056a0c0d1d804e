/**
 * What code holds of a task: its id, and the way to what keeps it. Works wherever there is such a way, also outside a Worker.
 */
import { ConfigError } from "../protocol/errors.ts";
import { MAX_TIME_MS } from "../protocol/limits.ts";
import type { Task, TaskPort, TaskStatus } from "../protocol/tasks.ts";
import { show } from "../protocol/wording.ts";

export class RemoteTask implements Task<unknown> {
  readonly id: string;
  readonly #tasks: TaskPort;

  constructor(id: string, tasks: TaskPort) {
    this.id = id;
    this.#tasks = tasks;
  }

  status(): Promise<TaskStatus> {
    return this.#tasks.status(this.id);
  }

  async result({ timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<unknown> {
    if (timeoutMs !== undefined && !(typeof timeoutMs === "number" && timeoutMs > 0 && timeoutMs <= MAX_TIME_MS)) {
      throw new ConfigError(`result(): timeoutMs must be a number above 0 and at most ${MAX_TIME_MS}, got ${show(timeoutMs)}.`);
    }
    const site: { readonly stack?: string } = {};
    // Not every engine has it.
    (Error as { captureStackTrace?: (target: object, above: object) => void }).captureStackTrace?.(site, this.result);
    const { stack } = site;
    return this.#tasks.result(this.id, { timeoutMs, callerStack: stack });
  }

  cancel(): Promise<boolean> {
    return this.#tasks.cancel(this.id);
  }
}
