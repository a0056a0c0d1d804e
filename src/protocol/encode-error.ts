/**
 * A thrown value as plain data: all of it that can cross, whatever it is.
 *
 * Owns: what is kept, and what is left out. Does not own: rebuilding it (error-codec.ts, where the invariants are).
 */
import { ServeError, type ServeErrorCode } from "./errors.ts";
import { isScalar } from "./plain-data.ts";
import { classNameOf, isError, isOfPlatform, isProxy, keysOf, primitiveText, prototypeOf, read } from "./strangers.ts";
import { BUILTIN_CLASSES, define, NESTED, type NestedError, type WireError } from "./wire-error.ts";

/** How long a message, and a stack, may be. */
const MAX_TEXT_BYTES = 65_536;
/** How much an error may hold in all. */
const MAX_BYTES = 1_048_576;
/** How deep causes, members and properties are followed: deeper ones would not be read, and could not be sent at last. */
const MAX_DEPTH = 100;
/** About what any value takes. */
const VALUE_BYTES = 16;

/** Turns whatever was thrown into data. Never throws. */
export function encodeError(thrown: unknown): WireError {
  return new Encoder().encode(thrown, 0) ?? { kind: "value", value: undefined };
}

/** Stands for what is left out. */
const LEFT_OUT = Symbol("left out");

/** A property of an error, and whether it has its room already. */
interface Own {
  readonly key: string;
  readonly value: unknown;
  readonly isTaken: boolean;
}

function readOr<T>(object: object, key: string, otherwise: T): unknown {
  try {
    return (object as Record<string, unknown>)[key];
  } catch {
    return otherwise;
  }
}

class Encoder {
  // `undefined` while it is encoded: one that leads back to itself is left out there.
  readonly #errors = new Map<Error, WireError | undefined>();
  readonly #copies = new Map<object, unknown>();
  #bytes = 0;
  #isNested = false;

  /** `undefined` for an error that leads back to itself, or for which there is no room. One that is shared is the same data. */
  encode(thrown: unknown, depth: number): WireError | undefined {
    if (depth > MAX_DEPTH || !this.#takes(VALUE_BYTES)) return undefined;
    if (!isError(thrown)) return this.#encodeValue(thrown, depth);
    if (this.#errors.has(thrown)) return this.#errors.get(thrown);
    this.#errors.set(thrown, undefined);
    const builtin = builtinOf(thrown);
    const message = cut(primitiveText(read(thrown, "message")) ?? "");
    const name = (primitiveText(read(thrown, "name")) ?? builtin).slice(0, MAX_NAME);
    const stack = stackOf(thrown, `${name}: ${message}`);
    const code = codeOf(thrown);
    this.#bytes += message.length + (stack?.length ?? 0);
    const own = this.#ownOf(thrown, code !== undefined || builtin === "DOMException");
    const cause = read(thrown, "cause");
    const wireCause = cause === undefined ? undefined : this.encode(cause, depth + 1);
    const errors = builtin === "AggregateError" ? this.#members(read(thrown, "errors"), depth) : undefined;
    const isNestedBefore = this.#isNested;
    this.#isNested = false;
    const props = this.#propertiesOf(thrown, own, depth);
    const isNested = this.#isNested;
    this.#isNested = isNestedBefore;
    const wire: WireError = {
      kind: "error",
      name,
      message,
      builtin,
      ...(stack === undefined ? {} : { stack }),
      ...(code === undefined ? {} : { code }),
      props,
      ...(isNested ? { isNested } : {}),
      ...(wireCause === undefined ? {} : { cause: wireCause }),
      ...(errors === undefined ? {} : { errors }),
    };
    this.#errors.set(thrown, wire);
    return wire;
  }

  #encodeValue(thrown: unknown, depth: number): WireError {
    const value = typeof thrown === "string" ? cut(thrown) : this.#clean(thrown, depth + 1);
    if (value !== LEFT_OUT) return this.#isNested ? { kind: "value", value, isNested: true } : { kind: "value", value };
    // What it holds may be what counts, such as a status.
    const isObject = typeof thrown === "object" && thrown !== null;
    const message = isObject ? primitiveText(read(thrown, "message")) : undefined;
    const props = isObject && !isProxy(thrown) ? this.#propertiesOf(thrown, this.#ownOf(thrown, false), depth) : {};
    const text = message ?? `What was thrown is no Error. A thrown value is ${describe(thrown)}, which cannot cross to another replica.`;
    return { kind: "error", name: "Error", message: cut(text), builtin: "Error", props, ...(this.#isNested ? { isNested: true } : {}) };
  }

  #members(errors: unknown, depth: number): WireError[] {
    // Of a proxy that has been revoked nothing may be asked, not even that.
    if (typeof errors !== "object" || errors === null || isProxy(errors) || !Array.isArray(errors)) return [];
    const members: WireError[] = [];
    for (let index = 0; index < errors.length && this.#bytes < MAX_BYTES; index++) {
      const member = this.encode(read(errors, index), depth + 1);
      if (member !== undefined) members.push(member);
    }
    return members;
  }

  /** An error's own properties. Those that are scalars have their room before its cause has any, up to half of what is left. */
  #ownOf(error: object, hasOwnCode: boolean): Own[] {
    const room = (MAX_BYTES - this.#bytes) / 2 + this.#bytes;
    const all: Own[] = [];
    for (const key of keysOf(error)) {
      if (APART.has(key) || (hasOwnCode && key === "code") || (key === "errors" && builtinOf(error) === "AggregateError")) continue;
      // Read once: a getter may be slow.
      const value = readOr(error, key, LEFT_OUT);
      if (value === LEFT_OUT) continue;
      const bytes = key.length + (typeof value === "string" ? value.length : VALUE_BYTES);
      all.push({ key, value, isTaken: (isScalar(value) || typeof value === "bigint") && this.#takes(bytes, room) });
    }
    return all;
  }

  #propertiesOf(error: object, own: readonly Own[], depth: number): Record<string, unknown> {
    const props: Record<string, unknown> = {};
    for (const { key, value, isTaken } of own) {
      const clean = isTaken ? value : this.#takes(key.length) ? this.#cleanOr(value, depth + 1) : LEFT_OUT;
      if (clean !== LEFT_OUT) define(props, key, clean, true);
    }
    // A class of errors says so once for all of them, and no class arrives.
    if (!Object.hasOwn(props, "retryable") && read(error, "retryable") === false) define(props, "retryable", false, true);
    return props;
  }

  // What it is may be asked of code that throws.
  #cleanOr(value: unknown, depth: number): unknown {
    try {
      return this.#clean(value, depth);
    } catch {
      return LEFT_OUT;
    }
  }

  /** A copy of a value without what cannot cross. What is shared or circular stays so, but for errors. */
  #clean(value: unknown, depth: number): unknown {
    if (typeof value === "string") return this.#takes(value.length) ? value : LEFT_OUT;
    if (isScalar(value) || typeof value === "bigint") return this.#takes(VALUE_BYTES) ? value : LEFT_OUT;
    if (typeof value !== "object" || depth > MAX_DEPTH || isProxy(value)) return LEFT_OUT;
    if (this.#copies.has(value)) return this.#copies.get(value);
    if (!this.#takes(VALUE_BYTES)) return LEFT_OUT;
    if (isError(value)) return this.#nested(value, depth);
    if (value instanceof Map) return this.#cleanMap(value, depth);
    if (value instanceof Set) return this.#cleanSet(value, depth);
    const proto = prototypeOf(value);
    if (proto === Array.prototype) return this.#cleanInto(value, Object.assign([], { length: (value as unknown[]).length }), depth);
    if (proto === null || proto === Object.prototype) return this.#cleanInto(value, {}, depth);
    return this.#leaf(value);
  }

  #nested(error: Error, depth: number): NestedError | typeof LEFT_OUT {
    const wire = this.encode(error, depth);
    if (wire === undefined) return LEFT_OUT;
    this.#isNested = true;
    return { [NESTED]: wire };
  }

  #cleanInto(value: object, copy: object, depth: number): object {
    this.#copies.set(value, copy);
    for (const key of keysOf(value)) {
      if (key === "__proto__") continue;
      const member = this.#takes(key.length) ? this.#cleanOr(readOr(value, key, LEFT_OUT), depth + 1) : LEFT_OUT;
      if (member !== LEFT_OUT) define(copy, key, member, true);
    }
    return copy;
  }

  #cleanMap(value: Map<unknown, unknown>, depth: number): Map<unknown, unknown> {
    const copy = new Map<unknown, unknown>();
    this.#copies.set(value, copy);
    for (const [key, item] of Map.prototype.entries.call(value)) {
      const [cleanKey, cleanItem] = [this.#clean(key, depth + 1), this.#clean(item, depth + 1)];
      if (cleanKey !== LEFT_OUT && cleanItem !== LEFT_OUT) copy.set(cleanKey, cleanItem);
    }
    return copy;
  }

  #cleanSet(value: Set<unknown>, depth: number): Set<unknown> {
    const copy = new Set<unknown>();
    this.#copies.set(value, copy);
    for (const item of Set.prototype.values.call(value)) {
      const clean = this.#clean(item, depth + 1);
      if (clean !== LEFT_OUT) copy.add(clean);
    }
    return copy;
  }

  // Bodies are left out: a `Response` on an error has mostly been read, and who logs the error must not read it.
  #leaf(value: object): unknown {
    const buffer = ArrayBuffer.isView(value) ? value.buffer : value;
    if (buffer instanceof ArrayBuffer) return !buffer.detached && this.#takes(buffer.byteLength) ? value : LEFT_OUT;
    return isOfPlatform(value, LEAVES) === undefined ? LEFT_OUT : value;
  }

  #takes(bytes: number, most = MAX_BYTES): boolean {
    if (this.#bytes + bytes > most) return false;
    this.#bytes += bytes;
    return true;
  }
}

/** What is sent apart, or means something else where it arrives as text. */
const APART: ReadonlySet<string> = new Set(["name", "message", "stack", "cause", "__proto__"]);
/** What crosses as it is, and holds nothing. */
const LEAVES: readonly string[] = ["Date", "RegExp", "Boolean", "Number", "String", "BigInt"];
/** How long the name of an error's class may be. */
const MAX_NAME = 256;

function describe(thrown: unknown): string {
  if (typeof thrown === "function" || typeof thrown === "symbol") return `a ${typeof thrown}`;
  const name = typeof thrown === "object" && thrown !== null && !isProxy(thrown) ? classNameOf(thrown) : undefined;
  return name === undefined ? "an object that cannot be looked into" : `an instance of ${name}`;
}

function codeOf(error: Error): ServeErrorCode | undefined {
  try {
    return error instanceof ServeError ? error.code : undefined;
  } catch {
    return undefined;
  }
}

// Not all of a long stack: the frames are at its end, and its beginning is the message.
function stackOf(error: Error, head: string): string | undefined {
  const stack = read(error, "stack");
  if (typeof stack !== "string") return undefined;
  if (stack.length <= MAX_TEXT_BYTES / 4) return stack;
  const message = read(error, "message");
  const from = stack.indexOf("\n    at ", typeof message === "string" ? Math.min(message.length, stack.length) : 0);
  const frames = from === -1 ? "" : stack.slice(from, from + MAX_TEXT_BYTES / 2);
  return cut(`${head.slice(0, MAX_TEXT_BYTES / 4)}${frames}`);
}

const CUT = " (cut)";
function cut(text: string): string {
  // No text has more bytes than three times its length.
  if (text.length <= MAX_TEXT_BYTES / 3) return text;
  const room = new Uint8Array(MAX_TEXT_BYTES - CUT.length);
  const { read: length } = new TextEncoder().encodeInto(text.length > room.length ? text.slice(0, room.length) : text, room);
  return length === text.length ? text : text.slice(0, length) + CUT;
}

// Prototypes may go on for ever where they are proxies.
function builtinOf(error: object): string {
  try {
    if (error instanceof AggregateError) return "AggregateError";
    if (typeof DOMException !== "undefined" && error instanceof DOMException) return "DOMException";
  } catch {
    return "Error";
  }
  let proto = prototypeOf(error);
  for (let level = 0; proto != null && level < MAX_DEPTH; level++, proto = prototypeOf(proto)) {
    const name = read(read(proto, "constructor") ?? {}, "name");
    if (typeof name === "string" && Object.hasOwn(BUILTIN_CLASSES, name) && BUILTIN_CLASSES[name]!.prototype === proto) return name;
  }
  return "Error";
}
