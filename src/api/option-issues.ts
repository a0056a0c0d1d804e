/**
 * Puts what the schema library found into a sentence: what is wrong, with the value seen, and what is accepted.
 */
import type * as v from "valibot";
import { own } from "../protocol/own.ts";

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

/** A value as it reads in an error, cut to a length that a terminal shows. */
export function show(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value === "number" || typeof value === "bigint" || value === undefined) return String(value);
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    // Circular, or holds a bigint: the type has to do.
  }
  text ??= `a value of type ${typeof value}`;
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** Longer than any name that could be meant, and what is compared costs time by its length. */
const MAX_TYPED = 100;

/** The candidate nearest to what was typed, if one is near enough to be meant. */
export function closest(typed: string, candidates: readonly string[]): string | undefined {
  if (typed.length > MAX_TYPED) return undefined;
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(typed.length / 2)) + 1;
  for (const candidate of candidates) {
    const isPart = candidate.toLowerCase().includes(typed.toLowerCase()) && typed.length > 2;
    const distance = isPart ? 1 : editDistance(typed.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}
