import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { countsIn, grown } from "../../../src/observe/counted.ts";
import { merged } from "../../../src/observe/series.ts";
import type { SeriesByKey } from "../../../src/protocol/metrics.ts";

const list = fc.uniqueArray(fc.tuple(fc.constantFrom("/", "/a", "/b"), fc.array(fc.nat(100), { minLength: 1, maxLength: 5 })), {
  selector: ([label]) => label,
});
const series = fc
  .dictionary(fc.constantFrom("requests", "latency", "http"), list)
  .map((record): SeriesByKey =>
    Object.fromEntries(Object.entries(record).map(([key, all]) => [key, all.map(([label, numbers]) => [[label], numbers] as const)])),
  );
const nothingButZeros = (all: SeriesByKey) =>
  Object.values(all).every((each) => each.every(([, numbers]) => numbers.every((number) => number === 0)));

describe("what has been counted since", () => {
  it("adds up to what was counted in all", () => {
    fc.assert(
      fc.property(fc.array(series, { maxLength: 6 }), (steps) => {
        let all: SeriesByKey = {};
        let told: SeriesByKey = {};
        let received: SeriesByKey = {};
        for (const step of steps) {
          all = merged(all, step);
          received = merged(received, grown(told, all));
          told = all;
        }
        expect(nothingButZeros(grown(received, all))).toBe(true);
        expect(nothingButZeros(grown(all, received))).toBe(true);
      }),
    );
  });

  it("is nothing where nothing has grown, and never what is so at a moment", () => {
    const counted: SeriesByKey = { requests: [[["/"], [3]]], ongoing: [[[], [2]]] };
    expect([grown(counted, counted), countsIn(counted)]).toEqual([{}, { requests: [[["/"], [3]]] }]);
  });
});
