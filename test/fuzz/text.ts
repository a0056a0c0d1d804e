/**
 * Text that is nearly what a reader expects.
 */
import type { Choices } from "./choices.ts";

const PIECES = [
  "", "a", "/", "//", ".", "..", "%", "%2F", "%2f..", "%00", "%E0%A4%A", "\\", "?", "#", "&", "=", " ", "\t", "é", "😀", "\ud800", "\0",
  "\u2028", "__proto__", "constructor", "[", "]", "{", "}", '"', "'", ",", ":", "null", "1e309", "-1", "9999999999", "true", "-", "<<: *a",
  "&a", "*a", "!!js/function", "|", ">", "---", "...", "\n", "\r\n", "~", "0x", "1_0", "@",
] as const; // prettier-ignore

/** A few pieces in a row. */
export function scrap(choices: Choices): string {
  return choices.list(0, 3, () => choices.of(PIECES)).join("");
}

/** `text` with pieces cut out, repeated, put in or replaced. */
export function mutated(choices: Choices, text: string): string {
  let changed = text;
  for (let count = choices.below(4); count > 0; count--) {
    const at = choices.below(changed.length + 1);
    const to = Math.min(changed.length, at + choices.below(12));
    const [before, piece, after] = [changed.slice(0, at), changed.slice(at, to), changed.slice(to)];
    changed = choices.of([
      before + after,
      before + piece + piece + after,
      before + scrap(choices) + after,
      before + scrap(choices) + piece + after,
    ]);
  }
  return changed;
}

const ODD_JSON: readonly unknown[] = [
  null, true, 0, -1, 1e9, 1001, 0.5, 1e308, 2 ** 53, "", "1", "auto", "constructor", "__proto__", [], {}, [[]], [null], { a: 1 }, "x".repeat(5000),
]; // prettier-ignore

/** A JSON value that belongs nowhere. */
export function oddJson(choices: Choices): unknown {
  return structuredClone(choices.of(ODD_JSON));
}

/** A copy of a JSON document in which a few parts were left out, replaced, doubled or renamed. Its shape is mostly kept. */
export function mutatedJson(choices: Choices, document: unknown, most = 3): unknown {
  const root = { it: structuredClone(document) };
  for (let count = choices.below(most + 1); count > 0; count--) {
    const places = placesIn(root);
    const [parent, key] = choices.of(places);
    const value = (parent as Record<string, unknown>)[key];
    const change = choices.below(6);
    if (change === 0) set(parent, key, oddJson(choices));
    else if (change === 1 && parent !== root) {
      if (Array.isArray(parent)) parent.splice(Number(key), 1);
      else delete (parent as Record<string, unknown>)[key];
    } else if (change === 2 && Array.isArray(parent)) parent.push(structuredClone(value));
    else if (change === 3 && !Array.isArray(parent) && parent !== root) set(parent, choices.of(RENAMED), structuredClone(value));
    else if (change === 4 && typeof value === "string") set(parent, key, mutated(choices, value));
    else if (typeof value === "number") set(parent, key, choices.of([0, -1, value + 0.5, value * 1000, 1e9, 2 ** 53, -0, 1001, 1e308]));
    else set(parent, key, structuredClone(choices.of(places.map(([from, at]) => (from as Record<string, unknown>)[at]))));
  }
  return root.it;
}

const RENAMED = [
  "name",
  "num_replicas",
  "numReplicas",
  "constructor",
  "__proto__",
  "toString",
  "applications",
  "deployments",
  "",
  "hops",
] as const;

function set(parent: object, key: string, value: unknown): void {
  if (Array.isArray(parent)) parent[Number(key)] = value;
  else Object.defineProperty(parent, key, { value, enumerable: true, configurable: true, writable: true });
}

function placesIn(root: object): (readonly [parent: object, key: string])[] {
  const places: [object, string][] = [];
  const left: object[] = [root];
  for (let parent = left.pop(); parent !== undefined; parent = left.pop()) {
    for (const key of Object.keys(parent)) {
      if (places.length >= 500) return places;
      places.push([parent, key]);
      const value = (parent as Record<string, unknown>)[key];
      if (typeof value === "object" && value !== null) left.push(value);
    }
  }
  return places;
}
