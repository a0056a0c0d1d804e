import type { HandleTo } from "../api/application.ts";
import type { PlatformUrl } from "../protocol/platform-types.ts";
import type { Task } from "../protocol/tasks.ts";
import { taskBehind } from "../handle/handle.ts";
import { ConfigError } from "../protocol/errors.ts";
import { connectHandle } from "./connection.ts";
import { serviceHandle } from "./service.ts";
import type { ServiceBinding } from "./service-binding.ts";

/** Connection options. */
export interface ConnectOptions {
  /** The system's secret `EDGE_SERVE_TOKEN`. */
  readonly token: string;
  /** The application's name. @default "default" */
  readonly app?: string;
  /** The deployment's name. @default the application's ingress deployment */
  readonly deployment?: string;
}

/** Connection options, where a service binding takes the place of URL and token. */
export type ServiceOptions = Omit<ConnectOptions, "token">;

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
export function connect<A = unknown>(url: string | PlatformUrl, options: ConnectOptions): HandleTo<A>;
/**
 * The same in another Worker of the account, over a service binding to the system's entrypoint `EdgeServe`. No token: the binding
 * is the right, for the applications that say `rpc: true`, or those of them that its `props.applications` names.
 *
 * Sends nothing by itself. A call fails with `DeploymentUnavailableError` when the binding does not lead to a system, does not
 * reach the application, or there is no such application that is open to callers.
 *
 * @param service The binding, from `env`.
 * @throws TypeError if `service` is neither a binding nor a URL.
 * @example
 * // services = [{ binding = "SHOP", service = "my-system", entrypoint = "EdgeServe" }]
 * const shop = connect<typeof app>(env.SHOP, { app: "main" });
 * console.log(await shop.remote("Corey"));
 */
export function connect<A = unknown>(service: ServiceBinding, options?: ServiceOptions): HandleTo<A>;
export function connect<A = unknown>(
  target: string | PlatformUrl | ServiceBinding | null | undefined,
  { token = "", app, deployment }: Partial<ConnectOptions> = {},
): HandleTo<A> {
  if (target === undefined || target === null)
    throw new TypeError(`connect() takes the URL of a system or a service binding, got ${target}. Is the binding in the configuration?`);
  const where = { ...(app === undefined ? {} : { app }), ...(deployment === undefined ? {} : { deployment }) };
  if (typeof target === "object" && "fetch" in target) return serviceHandle(target, where) as HandleTo<A>;
  return connectHandle({ url: target, token, ...where }) as HandleTo<A>;
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
