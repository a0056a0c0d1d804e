import type { HandleTo } from "../api/application.ts";
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
  /** The deployment's name. @default the application's ingress deployment */
  readonly deployment?: string;
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
 * @example
 * const carts = connect<typeof cart>(url, { token, app: "shop", deployment: "Cart" }); // keyed: carts.get("ada")
 */
export function connect<A = unknown>(url: string | URL, { token, app, deployment }: ConnectOptions): HandleTo<A> {
  const where = { ...(app === undefined ? {} : { app }), ...(deployment === undefined ? {} : { deployment }) };
  return connectHandle({ url, token, ...where }) as HandleTo<A>;
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
