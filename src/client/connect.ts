import type { HandleTo } from "../api/application.ts";
import type { PlatformUrl } from "../protocol/platform-types.ts";
import type { Task } from "../protocol/tasks.ts";
import { taskBehind } from "../handle/handle.ts";
import { ConfigError } from "../protocol/errors.ts";
import { connectHandle } from "./connection.ts";

/** Connection options. */
export interface ConnectOptions {
  /** The system's secret `EDGE_SERVE_TOKEN`. */
  readonly token: string;
  /** The application's name. @default "default" */
  readonly app?: string;
}

/**
 * A handle to the ingress deployment of an application that runs behind a URL: the types, the errors and the streams of a
 * handle in a replica, over HTTPS. The application's configuration has to say `rpc: true`.
 *
 * Sends nothing by itself. A call fails with `DeploymentUnavailableError` when the system is not reached, refuses the
 * token, or has no such application that is open to callers.
 *
 * @param url Where the system's Worker is; its path does not matter.
 * @throws TypeError if `url` is no URL.
 * @example
 * const greeter = connect<typeof app>("https://my-app.example.workers.dev", { token });
 * console.log(await greeter.remote("Corey"));
 */
export function connect<A = unknown>(url: string | PlatformUrl, { token, app }: ConnectOptions): HandleTo<A> {
  return connectHandle({ url, token, ...(app === undefined ? {} : { app }) }) as HandleTo<A>;
}

/**
 * A task of the application that `connect` gave a handle of, by its id. Asks nothing by itself.
 *
 * @param client What `connect` gave.
 * @throws ConfigError if `client` is something else.
 */
export function getTask<T = unknown>(client: object, id: string): Task<T> {
  const task = taskBehind<T>(client, id);
  if (task === undefined) throw new ConfigError("getTask() takes what connect() gave, and the id of a task.");
  return task;
}
