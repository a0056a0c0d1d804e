/**
 * Which of a deployment's methods a call may reach: the public ones of the user's class, and nothing else.
 */
import { MethodNotFoundError } from "../protocol/errors.ts";
import { closest, show } from "../protocol/wording.ts";

type Method = (...args: unknown[]) => unknown;

/** Called by the runtime only, and by the platform. */
const LIFECYCLE: ReadonlySet<string> = new Set([
  "constructor",
  "setup",
  "reconfigure",
  "checkHealth",
  "recordAutoscalingStats",
  "alarm",
  "webSocketMessage",
  "webSocketClose",
  "webSocketError",
]);

/**
 * The function behind a method's name, ready to be called on `instance`.
 *
 * @param target The instance of a class deployment, or the function of a function deployment.
 * @throws MethodNotFoundError saying why the method can't be called, and listing those that can.
 */
export function methodOf(target: object, deployment: string, name: string | undefined): Method {
  if (typeof target === "function") {
    if (name === undefined || name === "call") return target as Method;
    throw new MethodNotFoundError(
      `No method ${show(name)} on deployment ${JSON.stringify(deployment)}: it is a function, so only handle.remote() calls it.`,
    );
  }
  const method = isReachable(target, name ?? "call") ? (target as Record<string, unknown>)[name ?? "call"] : undefined;
  if (typeof method === "function") return method as Method;
  throw notFound(target, deployment, name);
}

// Own properties count, because `predict = serve.batch(...)` is one; what every object inherits does not.
function isReachable(target: object, name: string): boolean {
  return !LIFECYCLE.has(name) && !isPrivate(name) && name in target && !(name in Object.prototype);
}

function isPrivate(name: string): boolean {
  return name.startsWith("_") || name.startsWith("#");
}

/** The names that a handle may call, in the order of the class. */
export function publicMethods(target: object): string[] {
  const names = new Set<string>();
  for (
    let level: object | null = target;
    level !== null && level !== Object.prototype;
    level = Object.getPrototypeOf(level) as object | null
  ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      if (typeof value === "function" && isReachable(target, name)) names.add(name);
    }
  }
  return [...names];
}

function notFound(target: object, deployment: string, name: string | undefined): MethodNotFoundError {
  const has = publicMethods(target);
  const those = has.length === 0 ? "It has no public methods." : `It has: ${has.join(", ")}.`;
  return new MethodNotFoundError(`${whyNot(deployment, name, has)} ${those}`);
}

function whyNot(deployment: string, name: string | undefined, has: readonly string[]): string {
  const on = `on deployment ${JSON.stringify(deployment)}`;
  if (name === undefined)
    return `Deployment ${JSON.stringify(deployment)} has no default method: define call(), or call a method by its name.`;
  if (isPrivate(name)) return `Method ${show(name)} ${on} is private: a name that begins with _ or # can't be called through a handle.`;
  if (LIFECYCLE.has(name)) return `Method ${show(name)} ${on} is called by the runtime only.`;
  const near = closest(name, has);
  return `No method ${show(name)} ${on}.${near === undefined ? "" : ` Did you mean ${JSON.stringify(near)}?`}`;
}
