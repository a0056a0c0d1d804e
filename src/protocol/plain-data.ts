/**
 * The quick look at a value that most values pass: records and arrays of scalars, not many and not deep.
 *
 * It keeps no memory of what it has seen, so it counts: what is shared is looked at again, up to a bound.
 */
import { isProxy } from "./strangers.ts";

/** Objects and members that are looked at, those that are met again included. */
const MAX_LOOKED = 20_000;
const MAX_LEVELS = 16;

/** Arrays up to this length are looked at for members that are no items, as the result of `match` has. */
export const MAX_NAMED = 16;

/** Whether `value` crosses as it is, with nothing to look through. */
export function isScalar(value: unknown): value is string | number | boolean | null | undefined {
  const type = typeof value;
  return type === "number" || type === "string" || type === "boolean" || value === null || value === undefined;
}

let left = 0;

/** Whether `value` is certain to be plain data. `false` says nothing about it: look properly. Never throws. */
export function isPlainData(value: object): boolean {
  left = MAX_LOOKED;
  try {
    return isPlain(value, MAX_LEVELS);
  } catch {
    return false;
  }
}

function isPlain(value: object, levels: number): boolean {
  if (levels === 0 || isProxy(value)) return false;
  const proto: unknown = Object.getPrototypeOf(value);
  if (proto === Object.prototype) {
    // As `arguments` is: a record in all but what the platform makes of it.
    if (Symbol.iterator in value) return false;
    const keys = Object.keys(value);
    if (!isFew(keys.length)) return false;
    for (const key of keys) {
      // It may convert itself, or wait to be awaited.
      if (key === "then" || key === "toJSON") return false;
      if (!isPlainMember((value as Record<string, unknown>)[key], levels)) return false;
    }
    return true;
  }
  if (proto !== Array.prototype || !isFew((value as unknown[]).length)) return false;
  if ((value as unknown[]).length <= MAX_NAMED && !isDense(value as unknown[])) return false;
  for (let index = 0; index < (value as unknown[]).length; index++) {
    if (!isPlainMember((value as unknown[])[index], levels)) return false;
  }
  return true;
}

// Without holes and named members. As many names as items are not enough: one may stand for the other.
function isDense(items: readonly unknown[]): boolean {
  const keys = Object.keys(items);
  return keys.length === items.length && (keys.length === 0 || keys.at(-1) === String(items.length - 1));
}

// An array that is too long may also be empty in most places.
function isFew(members: number): boolean {
  left -= members + 1;
  return left >= 0;
}

function isPlainMember(member: unknown, levels: number): boolean {
  switch (typeof member) {
    case "string":
    case "number":
    case "boolean":
    case "undefined":
      return true;
    case "object":
      return member === null || isPlain(member, levels - 1);
    default:
      return false;
  }
}
