/**
 * A handler's result as JSON, and what in it JSON cannot carry.
 *
 * `JSON.stringify` loses without a word what it does not know: a `Map` becomes `{}`. So each value is looked through
 * first, which costs a fraction of writing it. A function for `stringify` itself to call would cost several times as much.
 *
 * Invariants:
 *   J1. What is written is what `JSON.stringify` writes; what it leaves out of objects as usual stays out.
 *   J2. A value that it would lose, anywhere in the result, is a `SerializationError` that names the path.
 *   J3. Looking takes no longer than writing would; it ends whatever the value holds.
 */
import { thrownName } from "../context/error-text.ts";
import { SerializationError } from "../protocol/errors.ts";
import { handleMethods, handles, ITEMS_BRAND, RESPONSE_BRAND } from "../protocol/sendable.ts";
import { isError, keysOf, prototypeOf, read } from "../protocol/strangers.ts";

interface Problem {
  /** Where it is: `.user.tags[2]`, or the empty string for the value itself. */
  path: string;
  readonly what: string;
  readonly cause?: unknown;
}

/** How deep an answer may be nested: `JSON.stringify` recurses, and so do those who read it. */
const MAX_DEPTH = 1000;
/** How many objects an answer may be written as. One that is shared counts each time, because it is written each time. */
const MAX_OBJECTS = 2_000_000;

/** How long the text of an answer may be, about: keys and strings, and one for each comma. */
const MAX_LENGTH = 64 * 1024 * 1024;

/** How a value is gone through. */
interface Walk {
  left: number;
  /** How much text may still come. What is shared counts each time, because it is written each time. */
  room: number;
  /** Whether some object says itself what is written of it, which nobody has looked at yet. */
  hasToJson: boolean;
}

/** The value is too deep or too large for a walk without a memory, or leads back to itself. */
const ENDLESS: Problem = { path: "", what: "" };

/**
 * Writes `value` as JSON.
 *
 * @throws SerializationError if JSON cannot carry it; the message says which part, by its path.
 */
export function toJson(value: unknown): string {
  const walk: Walk = { left: MAX_OBJECTS, room: MAX_LENGTH, hasToJson: false };
  let problem = problemOf(value, walk, 0, true);
  if (problem === ENDLESS) problem = endOf(value);
  if (problem !== undefined) throw refusal(problem);
  const text = walk.hasToJson ? written(value) : plainText(value);
  if (text === undefined) throw refusal({ path: "", what: "undefined, or a value whose toJSON() gives it" });
  return text;
}

function plainText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    throw refusal({ path: "", what: `a value that threw ${thrownName(cause)}`, cause });
  }
}

function refusal({ path, what, cause }: Problem): SerializationError {
  const shown = path.length > 300 ? `${path.slice(0, 300)}...` : path;
  return new SerializationError(
    `The HTTP handler returned ${path === "" ? what : `a value with ${what} at ${shown}`}, which JSON cannot carry. ` +
      "Return a string, bytes, a stream, a Response, or plain data.",
    cause === undefined ? {} : { cause },
  );
}

function problemOf(value: unknown, walk: Walk, depth: number, isKept: boolean): Problem | undefined {
  if (typeof value === "object") return value === null ? undefined : problemIn(value, walk, depth);
  if (typeof value === "bigint")
    return typeof (value as { toJSON?: unknown }).toJSON === "function" ? undefined : { path: "", what: "a bigint" };
  if (typeof value === "function" && handleMethods.has(value)) return { path: "", what: "a method of a handle that was not called" };
  // In a record JSON leaves functions and symbols out, as it does undefined.
  if (isKept && (typeof value === "function" || typeof value === "symbol")) return { path: "", what: `a ${typeof value}` };
  return undefined;
}

function problemIn(value: object, walk: Walk, depth: number): Problem | undefined {
  if (walk.left-- === 0 || depth > MAX_DEPTH) return ENDLESS;
  const proto = prototypeOf(value);
  if (proto === undefined) return { path: "", what: "a Proxy that cannot be looked into" };
  if (proto === Array.prototype) return problemInArray(value as unknown[], walk, depth);
  if (proto !== Object.prototype) {
    if (typeof read(value, "toJSON") === "function") {
      if (!isDate(value)) walk.hasToJson = true;
      return undefined;
    }
    const what = lostOf(value);
    if (what !== undefined) return { path: "", what };
    if (Array.isArray(value)) return problemInArray(value, walk, depth);
  }
  const problem = problemInRecord(value, walk, depth);
  if (problem === undefined || typeof read(value, "toJSON") !== "function") return problem;
  // Not these members are written, but what it says.
  walk.hasToJson = true;
  return undefined;
}

function problemInArray(items: readonly unknown[], walk: Walk, depth: number): Problem | undefined {
  let at = 0;
  try {
    // Its holes are written, too: as long as it says, whatever it has.
    if ((walk.left -= items.length >>> 4) < 0 || (walk.room -= items.length) < 0) return ENDLESS;
    for (; at < items.length; at++) {
      const item = items[at];
      if (typeof item === "number") continue;
      if (typeof item === "string") {
        if ((walk.room -= item.length) < 0) return ENDLESS;
        continue;
      }
      const problem = problemOf(item, walk, depth + 1, true);
      if (problem !== undefined) return below(`[${at}]`, problem);
    }
  } catch (error) {
    return below(`[${at}]`, unreadable(error));
  }
  return undefined;
}

function problemInRecord(value: object, walk: Walk, depth: number): Problem | undefined {
  let at = "";
  try {
    // Not `Object.keys`, which makes a list for each object. What is inherited is looked at for nothing.
    for (const key in value) {
      at = key;
      const item = (value as Record<string, unknown>)[key];
      if ((walk.room -= typeof item === "string" ? key.length + item.length : key.length) < 0) return ENDLESS;
      if (typeof item === "string" || typeof item === "number" || typeof item === "boolean") continue;
      const ofHolder = typeof item === "function" ? problemOfHolder(value, key) : undefined;
      if (ofHolder !== undefined) return { ...ofHolder };
      const problem = problemOf(item, walk, depth + 1, false);
      if (problem !== undefined) return below(stepTo(key), problem);
      if (key === "toJSON" && typeof item === "function") walk.hasToJson = true;
    }
  } catch (error) {
    return below(stepTo(at), unreadable(error));
  }
  return undefined;
}

/** What a member shows of the object that it is in. */
const UNAWAITED: Problem = { path: "", what: "a promise that was not awaited" };
const HANDLE: Problem = { path: "", what: "a handle" };

function problemOfHolder(holder: object, key: string): Problem | undefined {
  if (key === "then") return UNAWAITED;
  return key === "remote" && handles.has(holder) ? HANDLE : undefined;
}

/** What JSON would write as an empty object, or as a record of bytes. */
function lostOf(value: object): string | undefined {
  if (isBranded(value, RESPONSE_BRAND)) return "a DeploymentResponse that was not awaited";
  if (isBranded(value, ITEMS_BRAND)) return "the response of a generator method that was not iterated";
  if (typeof read(value, "then") === "function") return UNAWAITED.what;
  if (isError(value)) return "an Error";
  const tag = tagOf(value);
  if (WRITTEN.has(tag)) return undefined;
  const platformClass = read(globalThis, tag);
  const isOfPlatform = typeof platformClass === "function" && isInstance(value, platformClass);
  return isOfPlatform || WITHOUT_CLASS.test(tag) ? `${/^[AEIO]/.test(tag) ? "an" : "a"} ${tag}` : undefined;
}

/** Boxed primitives are written as what is in them. */
const WRITTEN: ReadonlySet<string> = new Set(["Object", "Array", "Boolean", "Number", "String"]);
/** Built-in objects whose class has no global name. */
const WITHOUT_CLASS = /Iterator$|Generator$|^Intl\./;

function isBranded(value: object, brand: symbol): boolean {
  try {
    return brand in value;
  } catch {
    return false;
  }
}

function isInstance(value: object, platformClass: Function): boolean {
  try {
    return value instanceof platformClass;
  } catch {
    return false;
  }
}

function tagOf(value: object): string {
  try {
    return Object.prototype.toString.call(value).slice(8, -1);
  } catch {
    return "Object";
  }
}

const writeDate = Date.prototype.toJSON;

function isDate(value: object): boolean {
  return value instanceof Date && read(value, "toJSON") === writeDate;
}

function stepTo(key: string): string {
  const shown = key.length > 100 ? `${key.slice(0, 100)}...` : key;
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${shown}` : `[${JSON.stringify(shown)}]`;
}

// The path is put together on the way back, so that one that is not needed costs nothing.
function below(step: string, problem: Problem): Problem {
  return problem === ENDLESS ? ENDLESS : { ...problem, path: (step + problem.path).slice(0, 400) };
}

function unreadable(cause: unknown): Problem {
  return { path: "", what: "a getter that throws", cause };
}

/** Where the walk through a value is: in which of an object's members. */
interface Step {
  readonly holder: unknown;
  readonly key: string;
}

function pathOf(way: readonly Step[]): string {
  return way.map(({ holder, key }) => (Array.isArray(holder) ? `[${key}]` : stepTo(key))).join("");
}

/** Why a value has no end: it holds itself, or is too deep, or too much. */
function endOf(root: unknown): Problem {
  const found = locate(root, (item, way, above) => {
    if (above.has(item)) return { path: pathOf(way), what: "a reference to itself" };
    return way.length > MAX_DEPTH ? { path: pathOf(way), what: `something more than ${MAX_DEPTH} levels deep` } : undefined;
  });
  return (
    found ?? {
      path: "",
      what: `a value of more than ${MAX_OBJECTS} objects or ${MAX_LENGTH} characters (what is shared is written each time)`,
    }
  );
}

type Test = (item: object, way: readonly Step[], above: ReadonlySet<object>) => Problem | undefined;

/** Looks at the objects in `root`, each once, until `test` finds something. By its own stack: nothing says how deep they go. */
function locate(root: unknown, test: Test): Problem | undefined {
  const seen = new Set<object>();
  const above = new Set<object>();
  const way: (Step & { key: string })[] = [];
  const levels: { readonly value: object; readonly keys: readonly string[]; next: number }[] = [];
  const enter = (value: object): Problem | undefined => {
    const found = test(value, way, above);
    if (found !== undefined || seen.has(value)) return found;
    seen.add(value);
    above.add(value);
    levels.push({ value, keys: keysOf(value), next: 0 });
    way.push({ holder: value, key: "" });
    return undefined;
  };
  let found = enter(root as object);
  for (let level = levels.at(-1); found === undefined && level !== undefined; level = levels.at(-1)) {
    const key = level.keys[level.next++];
    if (key === undefined) {
      above.delete(level.value);
      levels.pop();
      way.pop();
      continue;
    }
    way.at(-1)!.key = key;
    const item = read(level.value, key);
    if (typeof item === "object" && item !== null) found = enter(item);
  }
  return found;
}

/** Writes a value in which some objects say themselves what is written of them, and looks at that, too. */
function written(value: unknown): string | undefined {
  const way: (Step & { readonly item: unknown })[] = [];
  let left = MAX_OBJECTS;
  let room = MAX_LENGTH;
  function check(this: unknown, key: string, item: unknown): unknown {
    while (way.length > 0 && way.at(-1)!.item !== this) way.pop();
    way.push({ holder: this, key, item });
    room -= typeof item === "string" ? key.length + item.length : key.length;
    const isTooMuch = left-- === 0 || room < 0;
    const what = isTooMuch ? `more than ${MAX_OBJECTS} members or ${MAX_LENGTH} characters` : lostAs(item, Array.isArray(this));
    // The first step is into what `stringify` itself has put around the value.
    if (what !== undefined) throw refusal({ path: pathOf(way.slice(1)), what });
    return item;
  }
  try {
    return JSON.stringify(value, check);
  } catch (cause) {
    if (cause instanceof SerializationError) throw cause;
    throw refusal(locate(value, throwing) ?? { path: "", what: `a value that threw ${thrownName(cause)}`, cause });
  }
}

function lostAs(item: unknown, isElement: boolean): string | undefined {
  if (typeof item === "function" || typeof item === "symbol") return isElement ? `a ${typeof item}` : undefined;
  if (typeof item === "bigint") return "a bigint";
  if (typeof item !== "object" || item === null) return undefined;
  const proto = prototypeOf(item);
  return proto === Array.prototype || proto === Object.prototype ? undefined : lostOf(item);
}

const throwing: Test = (item, way) => {
  const method = read(item, "toJSON");
  if (typeof method !== "function") return undefined;
  try {
    method.call(item, way.at(-1)?.key ?? "");
    return undefined;
  } catch (cause) {
    return { path: pathOf(way), what: `an object whose toJSON() threw ${thrownName(cause)}`, cause };
  }
};
