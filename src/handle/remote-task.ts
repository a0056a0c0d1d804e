/**
 * What code holds of a task: its id, and the way to what keeps it. Works wherever there is such a way, also outside a Worker.
 */
import { ConfigError } from "../protocol/errors.ts";
import type { Task, TaskPort, TaskStatus } from "../protocol/tasks.ts";
import { stackAbove } from "./call-site.ts";
import { timeoutProblem } from "./handle-options.ts";

export class RemoteTask<T = unknown> implements Task<T> {
  readonly id: string;
  readonly #tasks: TaskPort;

  constructor(id: string, tasks: TaskPort) {
    this.id = id;
    this.#tasks = tasks;
  }

  status(): Promise<TaskStatus> {
    return this.#tasks.status(this.id);
  }

  async result({ timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<T> {
    const problem = timeoutMs === undefined ? undefined : timeoutProblem(timeoutMs);
    if (problem !== undefined) throw new ConfigError(`result(): ${problem}`);
    const { stack } = stackAbove(this.result);
    // Whoever has the task says what its method returns.
    return this.#tasks.result(this.id, { timeoutMs, callerStack: stack }) as Promise<T>;
  }

  cancel(): Promise<boolean> {
    return this.#tasks.cancel(this.id);
  }
}
