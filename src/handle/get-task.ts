/**
 * `getTask`: a task by its id, in replicas and in the other code of their Worker.
 */
import { currentScope } from "../context/scope.ts";
import { ConfigError } from "../protocol/errors.ts";
import type { Task, TaskPort } from "../protocol/tasks.ts";
import { show } from "../protocol/wording.ts";
import { RemoteTask } from "./remote-task.ts";

let ofWorker: TaskPort | undefined;

/** Says where the tasks of this Worker are, for code that runs in none of its replicas. */
export function setTasks(tasks: TaskPort): void {
  ofWorker = tasks;
}

/**
 * A task by its id, anywhere in the Worker. Asks nothing by itself: an id that there is no task for, or none any more, is found out by
 * `status()`, `result()` and `cancel()`, which reject with `TaskNotFoundError`.
 *
 * @throws ConfigError where no deployment has the option `tasks`, and outside a Worker.
 */
export function getTask<T = unknown>(id: string): Task<T> {
  if (typeof id !== "string") throw new ConfigError(`getTask() takes the id of a task, got ${show(id)}.`);
  const scope = currentScope();
  const tasks = scope === undefined ? ofWorker : scope.replica.tasks;
  if (tasks === undefined) {
    throw new ConfigError("There are no tasks here: no deployment has the option tasks. Add tasks: {} to its options, and build.");
  }
  return new RemoteTask<T>(id, tasks);
}
