/**
 * Looking at values of the application's without being hurt: what is read may be a getter, a proxy or anything else that
 * throws, and nothing here throws.
 */

/** What an object has under a name; `undefined` as well where it cannot be read. */
export function read(object: object, key: PropertyKey): unknown {
  try {
    return (object as Record<PropertyKey, unknown>)[key];
  } catch {
    return undefined;
  }
}

/** The names of an object's own members; none where they cannot be listed. */
export function keysOf(object: object): readonly string[] {
  try {
    return Object.keys(object);
  } catch {
    return [];
  }
}

/** An object's prototype; `undefined` where it cannot be told. */
export function prototypeOf(object: object): object | null | undefined {
  try {
    return Object.getPrototypeOf(object) as object | null;
  } catch {
    return undefined;
  }
}

/** Whether a value is an error; a proxy that does not say is none. */
export function isError(value: unknown): value is Error {
  try {
    return value instanceof Error;
  } catch {
    return false;
  }
}

/** Whether an object's class is one of these, by its tag and its prototype; a class of the application's own is not. */
export function isOfPlatform(value: object, names: readonly string[]): string | undefined {
  try {
    const tag = Object.prototype.toString.call(value).slice(8, -1);
    const platformClass: unknown = (globalThis as Record<string, unknown>)[tag];
    return names.includes(tag) && typeof platformClass === "function" && value instanceof platformClass ? tag : undefined;
  } catch {
    return undefined;
  }
}

/** The name of an object's class, as far as it has one. */
export function classNameOf(value: object): string | undefined {
  const constructor = read(prototypeOf(value) ?? {}, "constructor");
  const name = typeof constructor === "function" ? read(constructor, "name") : undefined;
  return typeof name === "string" && name !== "" ? name : undefined;
}

/** Text for a primitive; `undefined` where there is none, and for anything whose text would be its own code's. */
export function primitiveText(value: unknown): string | undefined {
  if (typeof value === "string" || value === undefined) return value;
  return (typeof value === "object" && value !== null) || typeof value === "function" ? undefined : String(value);
}

interface NodeUtil {
  readonly types: { isProxy(value: unknown): boolean };
}

// Not imported: what reads values also runs where there is nothing of Node's.
const nodeProcess = (globalThis as { process?: { getBuiltinModule?: (name: string) => unknown } }).process;
const util = nodeProcess?.getBuiltinModule?.("node:util") as NodeUtil | undefined;

/** Whether an object is a `Proxy`, which crosses as something else; `false` where that cannot be told. */
export function isProxy(value: object): boolean {
  return util?.types.isProxy(value) === true;
}
