/**
 * Puts what the schema library found into a sentence: what is wrong, with the value seen, and what is accepted.
 */
import type * as v from "valibot";
import { own } from "../protocol/own.ts";
import { closest, show } from "../protocol/wording.ts";

const MAX_DEPTH = 100;
/** How long the text may be, about. What is shared counts each time, because it is written each time. */
const MAX_JSON_LENGTH = 10_000_000;
/** What {@link isJson} accepts. */
export const JSON_RULE = `JSON: null, booleans, finite numbers, strings, arrays and plain objects, at most ${MAX_JSON_LENGTH} characters in all`;

/** Whether `value` is JSON as it stands: nothing is lost by sending it as text, and there is an end to that. */
export function isJson(value: unknown): boolean {
  let left = MAX_JSON_LENGTH;
  const fits = (length: number) => (left -= length + 1) >= 0;
  const isPart = (part: unknown, depth: number): boolean => {
    if (typeof part === "string") return fits(part.length);
    if (part === null || typeof part === "boolean") return fits(0);
    if (typeof part === "number") return fits(0) && Number.isFinite(part);
    if (typeof part !== "object" || depth > MAX_DEPTH || !fits(0)) return false;
    // Holes, too, are written.
    if (Array.isArray(part)) return part.length <= left && part.every((item) => isPart(item, depth + 1));
    const proto: unknown = Object.getPrototypeOf(part);
    if (proto !== Object.prototype && proto !== null) return false;
    return Object.entries(part).every(([key, item]) => fits(key.length) && isPart(item, depth + 1));
  };
  return isPart(value, 0);
}

/** The sentence about one issue, and where in the options it is. */
export function describeIssue(issue: v.BaseIssue<unknown>, schema: unknown): { path: string[]; problem: string } {
  const path = (issue.path ?? []).map(({ key }) => String(key));
  const where = path.join(".");
  if (issue.expected === "never") {
    const known = keysAt(schema, path.slice(0, -1));
    const nearest = closest(path.at(-1) ?? "", known);
    const cure = nearest === undefined ? `Accepted: ${known.join(", ")}.` : `Did you mean ${nearest}?`;
    return { path, problem: `unknown option ${show(where)}. ${cure}` };
  }
  const subject = where === "" ? "the options" : where;
  return { path, problem: `${subject} must be ${issue.message}, got ${show(issue.input)}.` };
}

interface ObjectSchema {
  readonly entries?: Readonly<Record<string, { readonly wrapped?: unknown } | undefined>>;
}

function keysAt(schema: unknown, path: readonly string[]): string[] {
  let entries = (schema as ObjectSchema).entries ?? {};
  for (const key of path) entries = (own(entries, key)?.wrapped as ObjectSchema | undefined)?.entries ?? {};
  return Object.keys(entries);
}
