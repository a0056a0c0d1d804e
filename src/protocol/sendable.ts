/**
 * Which values may cross between replicas, and where in a value the first one is that may not.
 *
 * The platform would send a function as a callback stub and a `Proxy` as something else again, and refuses a
 * class instance without saying where it was. So each value is looked through once before it is sent.
 */
import { SerializationError } from "./errors.ts";

interface Unsendable {
  /** Where it is, from the value looked at: `.user.profile[2]`, or the empty string for the value itself. */
  readonly path: string;
  /** What it is: `a function`. */
  readonly what: string;
  /** What to send instead, where that is clear. */
  readonly instead?: string;
}

/** Marks a handle's answer, so that one inside an argument is named as what it is. */
export const RESPONSE_BRAND: unique symbol = Symbol.for("edge-serve.response");

/** Platform classes that cross as what they are. */
const CROSSING_CLASSES: readonly string[] = [
  "Date", "RegExp", "ArrayBuffer", "SharedArrayBuffer", "Boolean", "Number", "String", "BigInt",
  "Headers", "Request", "Response", "Blob", "ReadableStream", "WritableStream", "DOMException",
]; // prettier-ignore

/** Values deeper than this are looked at with a memory of the way, so that a circular one ends. */
const TRUSTED_DEPTH = 8;

/** A record with a null prototype, as `Object.groupBy` makes: structured clone carries it, the platform does not. */
const NULL_PROTOTYPE: Unsendable = { path: "", what: "an object with a null prototype inside an instance of a class" };

/**
 * Returns what to send for `value`: the value itself, unless a null-prototype record in it has to be copied.
 *
 * @param subject What the value is, for the error: `Argument 1 of "Rank.score"`.
 * @throws SerializationError saying where in the value the part is that cannot cross.
 */
export function toSendable(value: unknown, subject: string): unknown {
  const found = find(value, "", 0, undefined);
  if (found === undefined) return value;
  const copy = found === NULL_PROTOTYPE ? withPrototypes(value, new Map()) : value;
  const rest = found === NULL_PROTOTYPE ? find(copy, "", 0, undefined) : found;
  if (rest === undefined) return copy;
  const instead = rest.instead ?? "Send plain data, or something else that structured clone carries.";
  throw new SerializationError(
    rest.path === ""
      ? `${subject} is ${rest.what}, which cannot cross to another replica. ${instead}`
      : `${subject} holds ${rest.what} at ${rest.path}, which cannot cross to another replica. ${instead}`,
  );
}

/** Whether `value` can cross as it is. */
export function isSendable(value: unknown): boolean {
  return find(value, "", 0, undefined) === undefined;
}

function find(value: unknown, path: string, depth: number, seen: Set<unknown> | undefined): Unsendable | undefined {
  if (typeof value !== "object") {
    if (typeof value === "function") return { path, what: describeFunction(value) };
    return typeof value === "symbol" ? { path, what: "a symbol" } : undefined;
  }
  if (value === null) return undefined;
  const proto: unknown = Object.getPrototypeOf(value);
  if (proto === null) return NULL_PROTOTYPE;
  if (proto === Object.prototype || proto === Array.prototype || value instanceof Map || value instanceof Set) {
    if (depth < TRUSTED_DEPTH) return findInside(value, path, depth, seen);
    const visited = seen ?? new Set();
    return visited.has(value) ? undefined : findInside(value, path, depth, visited.add(value));
  }
  if (ArrayBuffer.isView(value) || value instanceof Error || isCrossingClass(value)) return undefined;
  return describeInstance(value, path);
}

function findInside(value: object, path: string, depth: number, seen: Set<unknown> | undefined): Unsendable | undefined {
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const item: unknown = value[index];
      if (isScalar(item)) continue;
      const found = find(item, `${path}[${index}]`, depth + 1, seen);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (value instanceof Map) {
    for (const [key, item] of value) {
      const found = find(key, `${path}.keys()`, depth + 1, seen) ?? find(item, `${path}.get(${quote(key)})`, depth + 1, seen);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (value instanceof Set) {
    for (const item of value) {
      const found = find(item, `${path}.values()`, depth + 1, seen);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  for (const key of Object.keys(value)) {
    const item = (value as Record<string, unknown>)[key];
    if (isScalar(item)) continue;
    const found = find(item, `${path}${memberPath(key)}`, depth + 1, seen);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether `value` crosses as it is, with nothing to look through. */
export function isScalar(value: unknown): value is string | number | boolean | null | undefined {
  const type = typeof value;
  return type === "number" || type === "string" || type === "boolean" || value === null || value === undefined;
}

function isCrossingClass(value: object): boolean {
  const tag = Object.prototype.toString.call(value).slice(8, -1);
  return CROSSING_CLASSES.includes(tag) && !hasOwnClass(value, tag);
}

/** A user's subclass of a platform class would arrive as the platform class: it does not cross as itself. */
function hasOwnClass(value: object, tag: string): boolean {
  const platformClass = (globalThis as Record<string, unknown>)[tag];
  return typeof platformClass === "function" && !(value instanceof platformClass);
}

function memberPath(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function quote(key: unknown): string {
  return typeof key === "string" ? JSON.stringify(key) : String(key);
}

function describeFunction(value: object): string {
  const name = (value as { name?: unknown }).name;
  return typeof name === "string" && name !== "" ? `the function ${name}` : "a function";
}

function describeInstance(value: object, path: string): Unsendable {
  if (RESPONSE_BRAND in value) {
    return { path, what: "a DeploymentResponse", instead: "Pass it as an argument of its own, or await it first." };
  }
  if (value instanceof URL) return { path, what: "a URL", instead: "Send its href." };
  const name = (Object.getPrototypeOf(value) as { constructor?: { name?: string } }).constructor?.name;
  return { path, what: name === undefined || name === "" ? "an object of a class" : `an instance of ${name}` };
}

/** A copy in which no record has a null prototype. What is shared or circular in `value` is so in the copy. */
function withPrototypes(value: unknown, copies: Map<object, unknown>): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (copies.has(value)) return copies.get(value);
  const proto: unknown = Object.getPrototypeOf(value);
  const inside = (item: unknown) => withPrototypes(item, copies);
  const begun = <T>(copy: T): T => {
    copies.set(value, copy);
    return copy;
  };
  if (proto === Map.prototype) {
    const copy = begun(new Map<unknown, unknown>());
    for (const [key, item] of value as Map<unknown, unknown>) copy.set(inside(key), inside(item));
    return copy;
  }
  if (proto === Set.prototype) {
    const copy = begun(new Set<unknown>());
    for (const item of value as Set<unknown>) copy.add(inside(item));
    return copy;
  }
  const isArray = proto === Array.prototype;
  if (!isArray && proto !== Object.prototype && proto !== null) return value;
  const copy = begun<object>(isArray ? Object.assign([], { length: (value as unknown[]).length }) : {});
  for (const [key, item] of Object.entries(value)) {
    // Not assigned: a key "__proto__" would set the prototype.
    Object.defineProperty(copy, key, { value: inside(item), enumerable: true, configurable: true, writable: true });
  }
  return copy;
}

/** Turns the platform's refusal to send a value into one that says which value; returns any other error as it is. */
export function explainRefusal(error: unknown, subject: string): unknown {
  if (!(error instanceof Error)) return error;
  if (error.message.includes("limited to 32MiB")) {
    return new SerializationError(
      `${subject} is larger than 32 MiB, the most that one call carries. Send a ReadableStream, or several smaller calls.`,
      { cause: error },
    );
  }
  if (error.name === "DataCloneError") {
    return new SerializationError(`${subject} cannot be sent: ${error.message}`, { cause: error });
  }
  return error;
}
