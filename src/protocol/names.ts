/**
 * Names that are wire format: application and deployment names, replica ids, Durable Object classes.
 *
 * A change here moves data: a class name is where a deployment's objects live, a replica id is which
 * object it is.
 */

/** What an application or a deployment may be called. */
export const NAME_PATTERN: RegExp = /^[A-Za-z][A-Za-z0-9_-]{0,62}$/;

/** How {@link NAME_PATTERN} is put into words in an error. */
export const NAME_RULE = "a letter, then at most 62 letters, digits, _ or -";

/** What a request's id may be, where it comes from outside: in the header `x-request-id`, or with a call. */
export const REQUEST_ID_PATTERN: RegExp = /^[A-Za-z0-9._-]{1,128}$/;
/** How {@link REQUEST_ID_PATTERN} is put into words in an error. */
export const REQUEST_ID_RULE = "1 to 128 letters, digits, . _ or -";

/** Which object a replica is. An object never moves, so where it was put belongs in its name. */
export interface ReplicaId {
  readonly app: string;
  readonly deployment: string;
  /** A Durable Object location hint, or "-" where the platform chose. */
  readonly location: string;
  readonly ordinal: number;
  /** Counts up when a replica is replaced: a new incarnation is a new object. */
  readonly incarnation: number;
}

/** `<app>/<deployment>/<location or ->/<ordinal>.<incarnation>`: the name of the replica's object. */
export function formatReplicaId(id: ReplicaId): string {
  return `${id.app}/${id.deployment}/${id.location}/${id.ordinal}.${id.incarnation}`;
}

const REPLICA_ID = /^([^/]+)\/([^/]+)\/([^/]+)\/(\d+)\.(\d+)$/;

/** Reads what {@link formatReplicaId} wrote; `undefined` for any other text. */
export function parseReplicaId(text: string): ReplicaId | undefined {
  const match = REPLICA_ID.exec(text);
  if (match === null) return undefined;
  const [, app = "", deployment = "", location = "", ordinal, incarnation] = match;
  const id = { app, deployment, location, ordinal: Number(ordinal), incarnation: Number(incarnation) };
  // "01", or a number that a double cannot hold, would be another id when written again.
  return formatReplicaId(id) === text ? id : undefined;
}

/**
 * The Durable Object class of a deployment: `<app>__<deployment>`, with `_` spelled `_u` and `-` spelled `_d`.
 *
 * A pure function of the two names, so it stays the same whatever else is deployed. Injective: an encoded
 * name holds no `__` and does not end in `_`, so the first `__` is the separator.
 */
export function classNameOf(app: string, deployment: string): string {
  return `${encodeName(app)}__${encodeName(deployment)}`;
}

function encodeName(name: string): string {
  return name.replaceAll("_", "_u").replaceAll("-", "_d");
}

/** The names behind a class name that {@link classNameOf} made; `undefined` for any other class. */
export function parseClassName(className: string): { app: string; deployment: string } | undefined {
  const at = className.indexOf("__");
  if (at < 1) return undefined;
  const [app, deployment] = [decodeName(className.slice(0, at)), decodeName(className.slice(at + 2))];
  return NAME_PATTERN.test(app) && NAME_PATTERN.test(deployment) && classNameOf(app, deployment) === className
    ? { app, deployment }
    : undefined;
}

function decodeName(encoded: string): string {
  return encoded.replaceAll("_d", "-").replaceAll("_u", "_");
}

/** The classes of a system that has tasks or schedules: of the shards of tasks, and of the schedules. */
export const TASKS_CLASS = "EdgeServeTasks";
export const SCHEDULES_CLASS = "EdgeServeSchedules";

/** The entrypoint by which other Workers call applications. Without `__` as well. */
export const ENTRYPOINT = "EdgeServe";

/** The class of the controllers, and of the operator's configuration. Without `__`, so no deployment's class is one of them. */
export const CONTROLLER_CLASS = "EdgeServeController";
export const CONFIG_CLASS = "EdgeServeConfig";

/** The cron trigger of a system with schedules: how often it is looked at, should no request ever come. */
export const SCHEDULES_CRON = "*/30 * * * *";
