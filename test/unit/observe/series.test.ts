import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countOf, MAX_SERIES, merged, numbersAt, observe } from "../../../src/observe/series.ts";
import type { Series } from "../../../src/protocol/metrics.ts";

const BOUNDS = [0, 1, 2, 5, 10];

const label = fc.constantFrom("a", "b", "", 200, 500);
const counted = fc.array(fc.tuple(fc.constantFrom("x", "y"), label, label, fc.integer({ min: 1, max: 9 })), { maxLength: 40 });

/** Counters by key and two labels. */
function countersOf(events: readonly (readonly [string, string | number, string | number, number])[]) {
  const all: Record<string, Series[]> = {};
  for (const [key, first, second, value] of events) numbersAt((all[key] ??= []), first, second)[0]! += value;
  return all;
}

const sorted = (all: Readonly<Record<string, readonly Series[]>>) =>
  Object.fromEntries(Object.entries(all).map(([key, list]) => [key, list.map((one) => JSON.stringify(one)).toSorted()]));

describe("series", () => {
  it("are told apart by all their labels, whose kind counts", () => {
    const series: Series[] = [];
    for (const at of [["/", "GET", 200], ["/", "GET", 404], ["/", "POST", 200], ["/"], ["/", "GET", "200"]] as const) {
      numbersAt(series, ...at)[0]!++;
    }
    expect(series).toHaveLength(5);
    numbersAt(series, "/", "GET", 200)[0]!++;
    expect(series[0]).toEqual([["/", "GET", 200], [2]]);
  });

  it(`[N1] are no more than ${MAX_SERIES} of one metric, and what is beyond is counted as other`, () => {
    const series: Series[] = [];
    for (let n = 0; n < 1000; n++) numbersAt(series, `Error${n}`, n)[0]!++;
    expect(series).toHaveLength(MAX_SERIES + 1);
    expect(series.at(-1)).toEqual([["other", "other"], [1000 - MAX_SERIES]]);
    numbersAt(series, "Error1", 1)[0]!++;
    expect(series[1]).toEqual([["Error1", 1], [2]]);
  });

  it("[N2] merge into what would have been counted at once, in any order, and are left as they were", () => {
    fc.assert(
      fc.property(counted, counted, (a, b) => {
        const [left, right] = [countersOf(a), countersOf(b)];
        const before = JSON.stringify([left, right]);
        expect(sorted(merged(left, right))).toEqual(sorted(countersOf([...a, ...b])));
        expect(sorted(merged(left, right))).toEqual(sorted(merged(right, left)));
        expect(JSON.stringify([left, right])).toBe(before);
      }),
    );
  });
});

describe("a histogram", () => {
  it("has each value in the first bucket whose bound it does not exceed", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 })), (values) => {
        const numbers = [0];
        for (const value of values) observe(numbers, BOUNDS, value);
        expect(numbers[0]).toBe(values.reduce((sum, value) => sum + value, 0));
        expect(countOf(numbers)).toBe(values.length);
        for (const [index, bound] of BOUNDS.entries()) {
          const below = numbers.slice(1, index + 2).reduce((sum, count) => sum + count, 0);
          expect(below).toBe(values.filter((value) => value <= bound).length);
        }
        // What is sent has no empty buckets at its end.
        if (values.length > 0) expect(numbers.at(-1)).toBeGreaterThan(0);
      }),
    );
  });

  it("[N2] merges with one whose last buckets are left out", () => {
    const [low, high] = [[0], [0]];
    observe(low, BOUNDS, 1);
    observe(high, BOUNDS, 100);
    expect(merged({ x: [[[], low]] }, { x: [[[], high]] })).toEqual({ x: [[[], [101, 0, 1, 0, 0, 0, 1]]] });
  });
});
