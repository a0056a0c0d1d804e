/** A config for workerd on its own: no development proxy between. */

export const COMPATIBILITY_DATE = "2026-11-01";
export const FLAGS: readonly string[] = ["enable_request_signal"];

/** What workerd runs. */
export interface WorkerdInput {
  /** The module, in the config's folder. */
  readonly script: string;
  /** Its Durable Object classes. */
  readonly classes: readonly string[];
  /** The folder for their storage, absolute. */
  readonly storage: string;
  readonly variables?: Readonly<Record<string, unknown>>;
}

/** The text of the config. Storage is on disk: in memory it lacks the synchronous API. */
export function workerdConfig({ script, classes, storage, variables = {} }: WorkerdInput): string {
  const namespaces = classes.map((name) => `(className = "${name}", uniqueKey = "${name}", enableSql = true)`);
  const bindings = Object.entries(variables).map(([name, value]) => `(name = "${name}", json = ${JSON.stringify(JSON.stringify(value))})`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .worker), (name = "disk", disk = (path = "${storage}", writable = true))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "${script}")],
  compatibilityDate = "${COMPATIBILITY_DATE}",
  compatibilityFlags = [${FLAGS.map((flag) => `"${flag}"`).join(", ")}],
  bindings = [${bindings.join(", ")}],
  durableObjectNamespaces = [${namespaces.join(", ")}],
  durableObjectStorage = (localDisk = "disk"),
);
`;
}
