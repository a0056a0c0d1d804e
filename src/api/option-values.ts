/**
 * What the options take, as valibot schemas. The message of each says what is accepted: an error, the reference page and the JSON
 * Schema are made of it.
 */
import * as v from "valibot";
import { MAX_ATTEMPTS, MAX_COUNT, MAX_REPLICAS, MAX_TASK_TIME_MS, MAX_TIME_MS } from "../protocol/limits.ts";
import { isPlain } from "./application.ts";

/**
 * A schema that lets values of one type through, whatever it is given. Valibot's, without its name: who uses edge-serve's types needs
 * none of valibot's, which take the types of a browser for granted.
 */
export interface Accepts<out T> {
  readonly kind: "schema";
  readonly "~types"?: { readonly output: T } | undefined;
}

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
/** A time in milliseconds that may be longer than any timer. */
export const retention = (): Accepts<number> => atLeast(0, MAX_TASK_TIME_MS);
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

const MAX_DEPTH = 100;
/** How long the text may be, about. What is shared counts each time, because it is written each time. */
const MAX_JSON_LENGTH = 10_000_000;
const JSON_RULE = `JSON: null, booleans, finite numbers, strings, arrays and plain objects, at most ${MAX_JSON_LENGTH} characters in all`;

/** What is JSON as it stands: nothing is lost by sending it as text. */
export const json = (): Accepts<unknown> => v.custom<unknown>(isJson, JSON_RULE);

/** @internal Whether `value` is JSON as it stands, and there is an end to its text. */
export function isJson(value: unknown): boolean {
  let left = MAX_JSON_LENGTH;
  const fits = (length: number) => (left -= length + 1) >= 0;
  const isPart = (part: unknown, depth: number): boolean => {
    if (typeof part === "string") return fits(part.length);
    if (part === null || typeof part === "boolean") return fits(0);
    if (typeof part === "number") return fits(0) && Number.isFinite(part);
    if (typeof part !== "object" || depth > MAX_DEPTH || !fits(0) || !isPlain(part)) return false;
    // Holes, too, are written.
    if (Array.isArray(part)) return part.length <= left && part.every((item) => isPart(item, depth + 1));
    return Object.entries(part).every(([key, item]) => fits(key.length) && isPart(item, depth + 1));
  };
  return isPart(value, 0);
}
