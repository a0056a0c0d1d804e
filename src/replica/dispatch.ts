/**
 * Which of a deployment's methods a call may reach: the public ones of the user's class, and nothing else.
 */
import { MethodNotFoundError } from "../protocol/errors.ts";

type Method = (...args: unknown[]) => unknown;

/** Called by the runtime only. */
const LIFECYCLE: ReadonlySet<string> = new Set(["constructor", "setup", "reconfigure", "checkHealth", "recordAutoscalingStats"]);

/**
 * The function behind a method's name, ready to be called on `instance`.
 *
 * @param target The instance of a class deployment, or the function of a function deployment.
 * @throws MethodNotFoundError listing the methods there are.
 */
export function methodOf(target: object, deployment: string, name: string | undefined): Method {
  if (typeof target === "function") {
    if (name === undefined || name === "call") return target as Method;
    throw new MethodNotFoundError(
      `No method ${JSON.stringify(name)} on deployment ${JSON.stringify(deployment)}: it is a function, so only handle.remote() calls it.`,
    );
  }
  const method = isReachable(target, name ?? "call") ? (target as Record<string, unknown>)[name ?? "call"] : undefined;
  if (typeof method === "function") return method as Method;
  throw notFound(target, deployment, name);
}

// Own properties count, because `predict = serve.batch(...)` is one; what every object inherits does not.
function isReachable(target: object, name: string): boolean {
  return !LIFECYCLE.has(name) && !name.startsWith("_") && !name.startsWith("#") && name in target && !(name in Object.prototype);
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
  return new MethodNotFoundError(
    name === undefined
      ? `Deployment ${JSON.stringify(deployment)} has no default method: define call(), or call a method by its name. ${those}`
      : `No method ${JSON.stringify(name)} on deployment ${JSON.stringify(deployment)}. ${those}`,
  );
}
