/**
 * How a thrown value crosses a hop.
 *
 * Owns: encoding what user code or edge-serve threw, and rebuilding it. `decodeError` is called in one
 * place, where a handle's call or stream rejects; nobody else looks at foreign errors.
 *
 * Invariants:
 *   E1. `name`, `message`, `cause` and own properties that can cross arrive.
 *   E2. A built-in error class arrives as that class, a user's subclass as the nearest built-in one.
 *   E3. An error of edge-serve arrives as its class, after any number of hops.
 *   E4. Whatever was thrown, encoding succeeds, and what it gives can be sent: what cannot cross is left out.
 *   E5. Each error is looked at once, and no more than `MAX_BYTES` are kept, so encoding takes time in proportion to what an
 *       error holds, and sending it even less.
 */
import { ERROR_CLASSES } from "./errors.ts";
import { BUILTIN_CLASSES, define, NESTED, type NestedError, type WireError } from "./wire-error.ts";

export { encodeError } from "./encode-error.ts";
export type { WireError } from "./wire-error.ts";

/**
 * Rebuilds what {@link encodeError} encoded. Never throws, also where another version, or a stranger, encoded it.
 *
 * @param callerStack Stack of the call that failed; the replica's stack is put below it.
 */
export function decodeError(wire: WireError, callerStack?: string): unknown {
  return decode(wire, callerStack, new Map());
}

/** @param done What has been rebuilt: an error that several hold is one again. */
function decode(wire: WireError, callerStack: string | undefined, done: Map<object, unknown>): unknown {
  // It may have come as text, where anything can stand.
  if (typeof wire !== "object" || wire === null) return wire;
  if (wire.kind !== "error") {
    const value = wire.isNested === true ? restored(wire.value, done) : wire.value;
    if (typeof value === "object" && value !== null) fromAfar.add(value);
    return value;
  }
  if (done.has(wire)) return done.get(wire);
  // One that leads back to itself, as no encoding gives it, ends there.
  done.set(wire, undefined);
  const error = construct(wire, done);
  const { name, props, cause, isNested } = wire;
  if (error.name !== name) tryDefine(error, "name", name, false);
  for (const [key, value] of Object.entries(props ?? {})) tryDefine(error, key, isNested === true ? restored(value, done) : value, true);
  if (cause !== undefined) tryDefine(error, "cause", decode(cause, undefined, done), false);
  tryDefine(error, "stack", joinStacks(wire, callerStack), false);
  fromAfar.add(error);
  done.set(wire, error);
  return error;
}

// An error of the platform's may have members that are fixed.
function tryDefine(error: Error, key: string, value: unknown, isEnumerable: boolean): void {
  try {
    define(error, key, value, isEnumerable);
  } catch {
    // It keeps what it has.
  }
}

// The errors inside a property, in their places.
function restored(value: unknown, done: Map<object, unknown>): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (done.has(value)) return done.get(value);
  if (Object.hasOwn(value, NESTED)) {
    const error = decode((value as NestedError)[NESTED], undefined, done);
    done.set(value, error);
    return error;
  }
  done.set(value, value);
  if (value instanceof Map) for (const [key, item] of value) value.set(key, restored(item, done));
  else if (value instanceof Set) {
    const items = [...value].map((item) => restored(item, done));
    value.clear();
    for (const item of items) value.add(item);
  } else if (Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype)
    for (const key of Object.keys(value)) define(value, key, restored((value as Record<string, unknown>)[key], done), true);
  return value;
}

// Weak, so that remembering an error does not keep it.
const fromAfar = new WeakSet<object>();

/** Whether an error, or any other object that was thrown, came from another replica, which has logged it. */
export function isRemoteError(error: unknown): boolean {
  return typeof error === "object" && error !== null && fromAfar.has(error);
}

function construct(wire: Extract<WireError, { kind: "error" }>, done: Map<object, unknown>): Error {
  // Own names only: a code comes from elsewhere.
  if (wire.code !== undefined && Object.hasOwn(ERROR_CLASSES, wire.code)) return new ERROR_CLASSES[wire.code](wire.message);
  if (wire.builtin === "AggregateError") {
    return new AggregateError(
      (wire.errors ?? []).map((member) => decode(member, undefined, done)),
      wire.message,
    );
  }
  if (wire.builtin === "DOMException") return new DOMException(wire.message, wire.name);
  return new (Object.hasOwn(BUILTIN_CLASSES, wire.builtin) ? BUILTIN_CLASSES[wire.builtin]! : Error)(wire.message);
}

function joinStacks(wire: Extract<WireError, { kind: "error" }>, callerStack: string | undefined): string {
  const stack = [`${wire.name}: ${wire.message}`, ...framesIn(wire.stack)].join("\n");
  return withCaller(stack, framesIn(callerStack));
}

function framesIn(stack: unknown): string[] {
  return (typeof stack === "string" ? stack : "").split("\n").filter((line) => /^\s+at /.test(line) || line.startsWith("  -- "));
}

/** The stack of an error that came from a replica, with the caller's frames above the replica's. */
export function withCaller(stack: string, caller: readonly string[]): string {
  if (caller.length === 0) return stack;
  // The message may have several lines, and is followed by frames only.
  const lines = stack.split("\n");
  const first = lines.findLastIndex((line) => !/^(?:\s+at |  -- )/.test(line)) + 1;
  const replica = lines.slice(first);
  return [...lines.slice(0, first), ...caller, ...(replica.length === 0 ? [] : ["  -- in the replica:"]), ...replica].join("\n");
}
