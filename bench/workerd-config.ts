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

/** A Worker among others in one workerd, each with a socket of its own. */
export interface ServiceInput extends WorkerdInput {
  /** Of the service and of its socket. */
  readonly name: string;
}

/** The text of the config. Storage is on disk: in memory it lacks the synchronous API. */
export function workerdConfig(input: WorkerdInput): string {
  return workerdServices([{ name: "http", ...input }]);
}

/** The same for several Workers. @param cfBlobHeader The request header whose JSON becomes a request's `cf`; none by default. */
export function workerdServices(inputs: readonly ServiceInput[], cfBlobHeader?: string): string {
  const http = cfBlobHeader === undefined ? "()" : `(cfBlobHeader = "${cfBlobHeader}")`;
  const services = inputs.flatMap(({ name, storage }, index) => [
    `(name = "${name}", worker = .worker${index})`,
    `(name = "${name}, disk", disk = (path = "${storage}", writable = true))`,
  ]);
  const sockets = inputs.map(({ name }) => `(name = "${name}", address = "127.0.0.1:0", http = ${http}, service = "${name}")`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [${services.join(", ")}],
  sockets = [${sockets.join(", ")}],
);
${inputs.map(workerText).join("")}`;
}

function workerText({ name, script, classes, variables = {} }: ServiceInput, index: number): string {
  const namespaces = classes.map((className) => `(className = "${className}", uniqueKey = "${className}", enableSql = true)`);
  const bindings = Object.entries(variables).map(([key, value]) => `(name = "${key}", json = ${JSON.stringify(JSON.stringify(value))})`);
  return `const worker${index} :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "${script}")],
  compatibilityDate = "${COMPATIBILITY_DATE}",
  compatibilityFlags = [${FLAGS.map((flag) => `"${flag}"`).join(", ")}],
  bindings = [${bindings.join(", ")}],
  durableObjectNamespaces = [${namespaces.join(", ")}],
  durableObjectStorage = (localDisk = "${name}, disk"),
);
`;
}
