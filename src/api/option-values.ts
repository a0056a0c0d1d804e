/**
 * What the options take, as valibot schemas. The message of each says what is accepted: an error, the reference page and the JSON
 * Schema are made of it.
 */
import * as v from "valibot";
import { MAX_ATTEMPTS, MAX_COUNT, MAX_REPLICAS, MAX_TIME_MS } from "../protocol/limits.ts";
import { isPlain } from "./application.ts";

/** A schema that lets values of one type through, whatever it is given. */
export type Accepts<T> = v.GenericSchema<unknown, T>;

/** An integer within bounds, both included. */
export const integer = (minimum: number, maximum: number, accepted = `an integer from ${minimum} to ${maximum}`): Accepts<number> =>
  v.pipe(v.number(accepted), v.safeInteger(accepted), v.minValue(minimum, accepted), v.maxValue(maximum, accepted));

/** A number within bounds, both included. */
export const atLeast = (minimum: number, maximum: number): Accepts<number> => {
  const accepted = `a number from ${minimum} to ${maximum}`;
  return v.pipe(v.number(accepted), v.minValue(minimum, accepted), v.maxValue(maximum, accepted));
};

/** A number above the one bound, up to the other. */
export const above = (limit: number, maximum: number): Accepts<number> => {
  const accepted = `a number above ${limit} and at most ${maximum}`;
  return v.pipe(v.number(accepted), v.gtValue(limit, accepted), v.maxValue(maximum, accepted));
};

/** A number of replicas. */
export const replicas = (minimum: number): Accepts<number> => integer(minimum, MAX_REPLICAS);
/** A number of anything else. */
export const count = (minimum: number, maximum = MAX_COUNT): Accepts<number> => integer(minimum, maximum);
/** Tries after the first. */
export const attempts = (): Accepts<number> => integer(0, MAX_ATTEMPTS);
/** A time in milliseconds that may be 0. */
export const delay = (): Accepts<number> => atLeast(0, MAX_TIME_MS);
/** A time in milliseconds that may not be 0. */
export const period = (): Accepts<number> => above(0, MAX_TIME_MS);
/** What something is multiplied by. */
export const factor = (): Accepts<number> => above(0, MAX_COUNT);

/** One of some texts. */
export const oneOf = <const T extends readonly [string, ...string[]]>(...values: T): Accepts<T[number]> =>
  v.picklist(values, `one of ${values.map((value) => JSON.stringify(value)).join(", ")}`);

/** Text of a certain form. */
export const text = (form: RegExp, accepted: string): Accepts<string> => v.pipe(v.string(accepted), v.regex(form, accepted));

/** `true` or `false`. */
export const boolean = (): Accepts<boolean> => v.boolean("true or false");

/** A function; nothing is said of what it takes or returns. */
export const callable = <T extends (...args: never[]) => unknown>(accepted = "a function"): Accepts<T> =>
  v.custom<T>((value) => typeof value === "function", accepted);

/** Deeper than any configuration, and too flat to overflow the stack of whoever reads it. */
const MAX_DEPTH = 100;
/** More values than any storage holds. What is shared counts wherever it stands, as in the text. */
const MAX_VALUES = 1_000_000;
const JSON_ACCEPTED = `JSON: null, booleans, finite numbers, strings, arrays and plain objects, at most ${MAX_DEPTH} deep and ${MAX_VALUES} values`;

/** What is JSON as it stands: nothing is lost by sending it as text. */
export const json = (): Accepts<unknown> => v.custom<unknown>(isJson, JSON_ACCEPTED);

/** @internal Takes time by the size of `value`, however often a part of it is used again. */
export function isJson(value: unknown): boolean {
  return measure(value, new Map()) !== undefined;
}

/** How deep a value is, and how many values it is as text. */
interface Measured {
  readonly depth: number;
  readonly values: number;
}

const LEAF: Measured = { depth: 0, values: 1 };

function measure(value: unknown, seen: Map<object, Measured | undefined>, above = 0): Measured | undefined {
  if (value === null || typeof value === "string" || typeof value === "boolean") return LEAF;
  if (typeof value === "number") return Number.isFinite(value) ? LEAF : undefined;
  if (typeof value !== "object") return undefined;
  // One that is being measured has no measure yet, nor ever: it is circular.
  if (seen.has(value)) {
    const before = seen.get(value);
    return before !== undefined && above + before.depth <= MAX_DEPTH ? before : undefined;
  }
  if (above >= MAX_DEPTH || !isPlain(value)) return undefined;
  seen.set(value, undefined);
  let depth = 0;
  let values = 1;
  for (const item of Object.values(value)) {
    const measured = measure(item, seen, above + 1);
    if (measured === undefined) return undefined;
    depth = Math.max(depth, measured.depth + 1);
    values += measured.values;
    if (values > MAX_VALUES) return undefined;
  }
  const measured = { depth, values };
  seen.set(value, measured);
  return measured;
}
