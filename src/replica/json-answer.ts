/**
 * Values as the JSON of an answer, and what in them JSON cannot carry, or would lose without a word.
 *
 * Invariants:
 *   J1. What JSON would lose is an error that says where it is, however deep.
 *   J2. Each object is looked at once, and what has nothing in it is not looked into.
 */
import { thrownName } from "../context/log-text.ts";
import { SerializationError } from "../protocol/errors.ts";
import { handleMethods, handles, isScalar, ITEMS_BRAND, RESPONSE_BRAND } from "../protocol/sendable.ts";
import { classNameOf, isError, keysOf, prototypeOf } from "../protocol/strangers.ts";

/** What is written as `{}`, or as something that nobody meant. */
const LOST_CLASSES: readonly string[] = [
  "Map", "Set", "WeakMap", "WeakSet", "Blob", "File", "FormData", "URLSearchParams", "Headers", "Request", "Response", "ReadableStream",
]; // prettier-ignore

/** How much of a path is shown. */
const MAX_PATH = 200;
/** How deep values may be: `JSON.stringify` itself ends not far below. */
const MAX_DEPTH = 1000;

interface Lost {
  readonly path: string;
  readonly what: string;
}

/**
 * Writes a value as JSON.
 *
 * @throws SerializationError that says which part of the value JSON cannot carry, by its path.
 */
export function toJson(value: unknown): string {
  const search = new Search();
  const lost = search.of(value);
  if (lost !== undefined) throw refusal(lost);
  let cause: unknown;
  try {
    const text = search.hasConverted ? JSON.stringify(value, refuseLost) : JSON.stringify(value);
    if (text !== undefined) return text;
  } catch (error) {
    if (error instanceof SerializationError) throw error;
    cause = error;
  }
  throw refusal({ path: "", what: cause === undefined ? describe(value) : `a value that threw ${thrownName(cause)}` }, cause);
}

function refusal({ path, what }: Lost, cause?: unknown): SerializationError {
  return new SerializationError(
    `The HTTP handler returned ${path === "" ? what : `a value with ${what} at ${path}`}, which JSON cannot carry. ` +
      "Return a string, bytes, a stream, a Response, or plain data.",
    { cause },
  );
}

// What a `toJSON()` gives is seen by `JSON.stringify` alone.
function refuseLost(this: unknown, key: string, value: unknown): unknown {
  const what = isScalar(value) ? undefined : lostIn(value, Array.isArray(this));
  if (what !== undefined) throw refusal({ path: `${JSON.stringify(key)} of what toJSON() gave`, what });
  return value;
}

interface Level {
  readonly value: object;
  /** Of a record. */
  readonly keys: readonly string[] | undefined;
  index: number;
}

/** One walk through a value, depth first, each object of it once. */
class Search {
  /** Whether some object converts itself. */
  hasConverted = false;
  readonly #seen = new Set<object>();
  // From the value to where the walk is: a path is written only when it is needed.
  readonly #way: Level[] = [];

  of(value: unknown): Lost | undefined {
    const found = this.#look(value, typeof value === "function" || typeof value === "symbol");
    if (found !== undefined) return found;
    for (let level = this.#way.at(-1); level !== undefined; level = this.#way.at(-1)) {
      const { value: at, keys, index } = level;
      if (index >= (keys ?? (at as unknown[])).length) {
        this.#way.pop();
        continue;
      }
      level.index++;
      let member: unknown;
      try {
        member = (at as Record<PropertyKey, unknown>)[keys === undefined ? index : keys[index]!];
      } catch {
        return this.#here("a getter that throws");
      }
      const inside = isScalar(member) ? undefined : this.#look(member, keys === undefined);
      if (inside !== undefined) return inside;
    }
    return undefined;
  }

  #look(value: unknown, isElement: boolean): Lost | undefined {
    if (isScalar(value)) return undefined;
    const what = lostIn(value, isElement);
    if (what !== undefined) return this.#here(what);
    if (typeof value !== "object" || value === null) return undefined;
    if (this.#seen.has(value)) return this.#way.some((level) => level.value === value) ? this.#here("a reference to itself") : undefined;
    this.#seen.add(value);
    if (convertsItself(value)) {
      this.hasConverted ||= !(value instanceof Date);
      return undefined;
    }
    if (this.#way.length >= MAX_DEPTH) return this.#here(`a value more than ${MAX_DEPTH} levels deep`);
    const keys = Array.isArray(value) ? undefined : keysOf(value);
    if (!holdsScalars(value, keys)) this.#way.push({ value, keys, index: 0 });
    return undefined;
  }

  #here(what: string): Lost {
    const path = this.#way.map(({ value, keys, index }) => stepOf(value, keys?.[index - 1] ?? index - 1)).join("");
    return { path: path.length > MAX_PATH ? `${path.slice(0, MAX_PATH)}...` : path, what };
  }
}

// Most objects hold no others.
function holdsScalars(value: object, keys: readonly string[] | undefined): boolean {
  try {
    if (keys === undefined) return (value as unknown[]).every(isScalar);
    for (const key of keys) if (!isScalar((value as Record<string, unknown>)[key])) return false;
    return true;
  } catch {
    return false;
  }
}

function stepOf(value: object, key: string | number): string {
  if (Array.isArray(value)) return `[${key}]`;
  return /^[A-Za-z_$][\w$]*$/.test(String(key)) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

// What JSON would lose of a value that is no scalar; in a record it leaves functions out, as it does `undefined`.
function lostIn(value: unknown, isElement: boolean): string | undefined {
  if (typeof value === "bigint") return "a bigint";
  if (typeof value === "function" && handleMethods.has(value)) return "a method of a handle that was not called";
  if (typeof value === "function" || typeof value === "symbol") return isElement ? `a ${typeof value}` : undefined;
  if (typeof value !== "object" || value === null) return undefined;
  const proto = prototypeOf(value);
  if (proto === Array.prototype) return undefined;
  if (proto === Object.prototype || proto === null)
    return handles.has(value) ? "a handle" : "then" in value ? thenableIn(value) : undefined;
  if (proto === undefined) return "a Proxy that cannot be looked into";
  return lostInstance(value);
}

function lostInstance(value: object): string | undefined {
  if (RESPONSE_BRAND in value) return "a DeploymentResponse that was not awaited";
  if (ITEMS_BRAND in value) return "the response of a generator method that was not iterated";
  if (isError(value)) return "an Error";
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `a ${classNameOf(value) ?? "typed array"}`;
  const lost = LOST_CLASSES.find((name) => isOf(value, name));
  if (lost !== undefined) return `a ${lost}`;
  return "then" in value ? thenableIn(value) : undefined;
}

function isOf(value: object, name: string): boolean {
  const platformClass: unknown = (globalThis as Record<string, unknown>)[name];
  return typeof platformClass === "function" && value instanceof platformClass;
}

function thenableIn(value: object): string | undefined {
  try {
    return typeof (value as { then?: unknown }).then === "function" ? "a promise that was not awaited" : undefined;
  } catch {
    return undefined;
  }
}

function convertsItself(value: object): boolean {
  try {
    return typeof (value as { toJSON?: unknown }).toJSON === "function";
  } catch {
    return false;
  }
}

function describe(value: unknown): string {
  return typeof value === "function" || typeof value === "symbol" ? `a ${typeof value}` : "a value whose toJSON() gives nothing";
}
