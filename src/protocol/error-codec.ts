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
 *   E4. Whatever was thrown, encoding succeeds: a property that cannot cross is left out.
 */
import { ERROR_CLASSES, ServeError, type ServeErrorCode } from "./errors.ts";
import { toSendable } from "./sendable.ts";

/** A thrown value as plain data. */
export type WireError =
  | {
      readonly kind: "error";
      readonly name: string;
      readonly message: string;
      /** The nearest built-in class. */
      readonly builtin: string;
      readonly stack?: string;
      /** Present when edge-serve raised it. */
      readonly code?: ServeErrorCode;
      readonly props: Readonly<Record<string, unknown>>;
      readonly cause?: WireError;
      /** The members of an `AggregateError`. */
      readonly errors?: readonly WireError[];
    }
  | { readonly kind: "value"; readonly value: unknown };

const BUILTIN_CLASSES: Readonly<Record<string, new (message: string) => Error>> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/** Deeper causes are left out: a chain this long is a loop or a mistake. */
const MAX_CAUSES = 8;

/** Turns whatever was thrown into data. Never throws. */
export function encodeError(thrown: unknown, depth = 0): WireError {
  if (!(thrown instanceof Error)) return encodeValue(thrown);
  return {
    kind: "error",
    name: String(thrown.name),
    message: String(thrown.message),
    builtin: builtinOf(thrown),
    ...(typeof thrown.stack === "string" ? { stack: thrown.stack } : {}),
    ...(thrown instanceof ServeError ? { code: thrown.code } : {}),
    props: ownProperties(thrown),
    ...(thrown.cause === undefined || depth >= MAX_CAUSES ? {} : { cause: encodeError(thrown.cause, depth + 1) }),
    ...(thrown instanceof AggregateError && depth < MAX_CAUSES
      ? { errors: thrown.errors.map((error) => encodeError(error, depth + 1)) }
      : {}),
  };
}

function encodeValue(thrown: unknown): WireError {
  try {
    return { kind: "value", value: toSendable(thrown, "A thrown value") };
  } catch (refusal) {
    return encodeError(new Error(`What was thrown is no Error. ${(refusal as Error).message}`));
  }
}

const HANDLED_APART: ReadonlySet<string> = new Set(["name", "message", "stack", "cause"]);

function ownProperties(error: Error): Record<string, unknown> {
  const props: Record<string, unknown> = {};
  for (const key of Object.keys(error)) {
    const isApart =
      HANDLED_APART.has(key) || (key === "code" && error instanceof ServeError) || (key === "errors" && error instanceof AggregateError);
    if (isApart) continue;
    try {
      props[key] = toSendable((error as unknown as Record<string, unknown>)[key], key);
    } catch {
      // It cannot cross, is nested too deep to look at, or is a getter that throws.
    }
  }
  return props;
}

function builtinOf(error: Error): string {
  if (error instanceof AggregateError) return "AggregateError";
  if (typeof DOMException !== "undefined" && error instanceof DOMException) return "DOMException";
  for (let proto: unknown = Object.getPrototypeOf(error); proto !== null; proto = Object.getPrototypeOf(proto)) {
    const name = (proto as { constructor?: { name?: string } }).constructor?.name ?? "";
    if (BUILTIN_CLASSES[name]?.prototype === proto) return name;
  }
  return "Error";
}

/**
 * Rebuilds what {@link encodeError} encoded.
 *
 * @param callerStack Stack of the call that failed; the replica's stack is put below it.
 */
export function decodeError(wire: WireError, callerStack?: string): unknown {
  if (wire.kind === "value") return wire.value;
  const error = construct(wire);
  if (error.name !== wire.name) define(error, "name", wire.name);
  for (const [key, value] of Object.entries(wire.props)) define(error, key, value, true);
  if (wire.cause !== undefined) define(error, "cause", decodeError(wire.cause));
  define(error, "stack", joinStacks(wire, callerStack));
  fromAfar.add(error);
  return error;
}

// Weak, so that remembering an error does not keep it.
const fromAfar = new WeakSet<object>();

/** Whether an error came from another replica, which has logged it. */
export function isFromAfar(error: unknown): boolean {
  return typeof error === "object" && error !== null && fromAfar.has(error);
}

function construct(wire: Extract<WireError, { kind: "error" }>): Error {
  const ServeClass = wire.code === undefined ? undefined : ERROR_CLASSES[wire.code];
  if (ServeClass !== undefined) return new ServeClass(wire.message);
  if (wire.builtin === "AggregateError") {
    return new AggregateError(
      (wire.errors ?? []).map((member) => decodeError(member)),
      wire.message,
    );
  }
  if (wire.builtin === "DOMException") return new DOMException(wire.message, wire.name);
  return new (BUILTIN_CLASSES[wire.builtin] ?? Error)(wire.message);
}

function define(error: Error, key: string, value: unknown, enumerable = false): void {
  Object.defineProperty(error, key, { value, enumerable, configurable: true, writable: true });
}

function joinStacks(wire: Extract<WireError, { kind: "error" }>, callerStack: string | undefined): string {
  const head = `${wire.name}: ${wire.message}`;
  const frames = (stack: string | undefined) =>
    (stack ?? "").split("\n").filter((line) => /^\s+at /.test(line) || line.startsWith("  -- "));
  const caller = frames(callerStack);
  const replica = frames(wire.stack);
  if (caller.length === 0) return [head, ...replica].join("\n");
  return [head, ...caller, ...(replica.length === 0 ? [] : ["  -- in the replica:"]), ...replica].join("\n");
}
