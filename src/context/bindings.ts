/**
 * Which objects are the Worker's bindings. Their values are secrets, or lead to everything that the Worker can reach.
 */

// Weakly: nothing lives longer for being known here.
const bindings = new WeakSet<object>();

/** Says that an object holds the Worker's bindings. Takes anything, because tests have whatever they like in its place. */
export function markBindings(env: unknown): void {
  if (typeof env === "object" && env !== null) bindings.add(env);
}

/** Whether an object holds the Worker's bindings. */
export function isBindings(value: object): boolean {
  return bindings.has(value);
}
