/**
 * Puts what the schema library found into a sentence: what is wrong, with the value seen, and what is accepted.
 */
import type * as v from "valibot";
import { own } from "../protocol/own.ts";
import { closest, show } from "../protocol/wording.ts";

/** Whether `value` is JSON as it stands: nothing is lost by sending it as text. */
export function isJson(value: unknown, depth = 0): boolean {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || depth > 100) return false;
  if (Array.isArray(value)) return value.every((item) => isJson(item, depth + 1));
  const proto: unknown = Object.getPrototypeOf(value);
  return (proto === Object.prototype || proto === null) && Object.values(value).every((item) => isJson(item, depth + 1));
}

/** The sentence about one issue, and where in the options it is. */
export function describeIssue(issue: v.BaseIssue<unknown>, schema: unknown): { path: string[]; problem: string } {
  const path = (issue.path ?? []).map(({ key }) => String(key));
  const where = path.join(".");
  if (issue.expected === "never") {
    const known = keysAt(schema, path.slice(0, -1));
    const nearest = closest(path.at(-1) ?? "", known);
    const cure = nearest === undefined ? `Accepted: ${known.join(", ")}.` : `Did you mean ${nearest}?`;
    return { path, problem: `unknown option ${JSON.stringify(where)}. ${cure}` };
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
