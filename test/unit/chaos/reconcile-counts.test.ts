import { expect, it } from "vitest";
import type { Request } from "../../chaos/history.ts";
import type { Fault } from "../../chaos/reconcile.ts";
import { reconcileCounts } from "../../chaos/reconcile-counts.ts";
import type { Row } from "../../chaos/rows.ts";

interface History {
  readonly name: string;
  /** What each step was told; `undefined` is an error. */
  readonly told: Readonly<Record<string, number | undefined>>;
  /** What was written down, by object. */
  readonly counted: Readonly<Record<string, readonly string[]>>;
  readonly faults: readonly Fault[];
}

const HISTORIES: readonly History[] = [
  { name: "each counted once", told: { a: 1, b: 2 }, counted: { k1: ["a#1", "b#2"] }, faults: [] },
  { name: "counted, and not told", told: { a: undefined, b: 2 }, counted: { k1: ["a#1", "b#2"] }, faults: [] },
  { name: "two keys", told: { a: 1, b: 1 }, counted: { k1: ["a#1"], k2: ["b#1"] }, faults: [] },
  { name: "two objects of one key", told: { a: 1, b: 1 }, counted: { k1: ["a#1", "b#1"] }, faults: ["counted twice", "count lost"] },
  { name: "a count that is gone", told: { a: 1, b: 3 }, counted: { k1: ["a#1", "b#3"] }, faults: ["count lost"] },
  { name: "told what was not counted", told: { a: 1, b: 2 }, counted: { k1: ["a#1"] }, faults: ["told another count"] },
  {
    name: "told another's count",
    told: { a: 2, b: 1 },
    counted: { k1: ["a#1", "b#2"] },
    faults: ["told another count", "told another count"],
  },
];

it.each(HISTORIES)("$name: $faults", ({ told, counted, faults }) => {
  const rows = Object.entries(counted).flatMap(([who, ids]) => ids.map((id): Row => ({ kind: "counted", id, who, atMs: 0, file: who })));
  const passed = Object.entries(told).map(([id, count]) => ({ id, isAnswered: count !== undefined, value: { id, count } }));
  const request = { id: "r", route: "object", seen: { outcome: "ok", detail: "", passed } } as unknown as Request;
  expect(reconcileCounts([request], rows).map(({ fault }) => fault)).toEqual(faults);
});
