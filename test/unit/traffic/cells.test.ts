import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Share } from "../../../src/protocol/traffic.ts";
import {
  CellLookup,
  CELLS,
  cellOfValue,
  cellsIn,
  cellsOf,
  decodeCells,
  drawnCell,
  encodeCells,
  percentOf,
  reshare,
} from "../../../src/traffic/cells.ts";

const APPLICATIONS = ["a", "b", "c", "d", "e"];

/** Shares of some of the applications, in any order, with up to two decimals. */
const shares: fc.Arbitrary<Share[]> = fc
  .tuple(fc.shuffledSubarray(APPLICATIONS, { minLength: 1 }), fc.array(fc.nat(CELLS), { minLength: 4, maxLength: 4 }))
  .map(([applications, cuts]) => {
    const ends = cuts.slice(0, applications.length - 1).toSorted((a, b) => a - b);
    return applications.map((application, index) => ({
      application,
      percent: ((ends[index] ?? CELLS) - (ends[index - 1] ?? 0)) / 100,
    }));
  });

const shareOf = (list: readonly Share[], application: string) => list.find((share) => share.application === application)?.percent ?? 0;

describe("the cells of a prefix", () => {
  it("[L1] [L2] [L3] follow any history of shares exactly, and only from those that shrink to those that grow", () => {
    fc.assert(
      fc.property(fc.array(shares, { minLength: 2, maxLength: 8 }), (history) => {
        let map = reshare(undefined, history[0]!);
        history.slice(1).forEach((next, index) => {
          const last = history[index]!;
          const [before, after] = [decodeCells(map), decodeCells((map = reshare(map, next)))];
          let moved = 0;
          for (let cell = 0; cell < CELLS; cell++) {
            if (before[cell] === after[cell]) continue;
            moved++;
            if (!(shareOf(next, before[cell]!) < shareOf(last, before[cell]!))) throw new Error(`[L2] ${before[cell]} does not shrink`);
            if (!(shareOf(next, after[cell]!) > shareOf(last, after[cell]!))) throw new Error(`[L2] ${after[cell]} does not grow`);
          }
          const grown = APPLICATIONS.reduce((sum, one) => sum + Math.max(0, cellsOf(shareOf(next, one)) - cellsOf(shareOf(last, one))), 0);
          expect(moved, "[L3]").toBe(grown);
          for (const one of APPLICATIONS) expect(cellsIn(map, one), `[L1] ${one}`).toBe(cellsOf(shareOf(next, one)));
        });
      }),
      { numRuns: 100 },
    );
  });

  it("come back as they were from what is stored", () => {
    const owners = fc
      .array(fc.tuple(fc.constantFrom(...APPLICATIONS), fc.integer({ min: 1, max: 3000 })), { minLength: 1, maxLength: 60 })
      .map((runs) => {
        const cells = runs.flatMap(([owner, length]) => Array.from({ length }, () => owner)).slice(0, CELLS);
        return [...cells, ...Array.from({ length: CELLS - cells.length }, () => "z")];
      });
    fc.assert(
      fc.property(owners, (cells) => {
        const stored: unknown = JSON.parse(JSON.stringify(encodeCells(cells)));
        expect(decodeCells(stored as never)).toEqual(cells);
      }),
      { numRuns: 50 },
    );
  });

  it("stay in few runs, however often shares change", () => {
    fc.assert(
      fc.property(fc.array(shares, { minLength: 500, maxLength: 500 }), (history) => {
        let map = reshare(undefined, history[0]!);
        for (const next of history) map = reshare(map, next);
        expect(JSON.stringify(map).length).toBeLessThan(2000);
      }),
      { numRuns: 20 },
    );
  });

  it("are looked up as they are stored", () => {
    fc.assert(
      fc.property(shares, shares, (first, second) => {
        const map = reshare(reshare(undefined, first), second);
        const lookup = new CellLookup(map);
        const looked = Array.from({ length: CELLS }, (_, cell) => lookup.ownerOf(cell));
        expect(looked).toEqual(decodeCells(map));
      }),
      { numRuns: 100 },
    );
  });

  it.each<[string, Share[]]>([
    ["less than 100", [{ application: "a", percent: 99.99 }]],
    [
      "more than 100",
      [
        { application: "a", percent: 99.99 },
        { application: "b", percent: 0.02 },
      ],
    ],
    [
      "one application twice",
      [
        { application: "a", percent: 100 },
        { application: "a", percent: 100 },
      ],
    ],
    ["nothing", []],
  ])("are not made of %s", (_, list) => {
    expect(() => reshare(undefined, list)).toThrow(RangeError);
  });
});

describe("percentages and cells", () => {
  it("are the same thing, to the hundredth", () => {
    for (let cells = 0; cells <= CELLS; cells++) expect(cellsOf(percentOf(cells))).toBe(cells);
    expect([0.29, 0.57, 1.13, 33.33, 99.99].map((percent) => percentOf(cellsOf(percent)))).toEqual([0.29, 0.57, 1.13, 33.33, 99.99]);
  });
});

describe("a cell", () => {
  it("is the same for equal sticky values, in every isolate and version", () => {
    expect(["ada", "bob", "", "ü", "x".repeat(10_000)].map((value) => cellOfValue("/rank", value))).toMatchInlineSnapshot(`
      [
        8617,
        8339,
        3183,
        7909,
        4395,
      ]
    `);
  });

  it("is another for another prefix, so that routes do not share their first users", () => {
    const values = Array.from({ length: 4000 }, (_, user) => `user-${user}`);
    const first = values.filter((value) => cellOfValue("/rank", value) < 500);
    const both = first.filter((value) => cellOfValue("/search", value) < 500);
    expect(both.length).toBeLessThan(first.length / 5);
  });

  it.each([
    ["numbered", (n: number) => `user-${n}`],
    ["random", (n: number) => Math.sin(n).toString(36)],
    ["of one length", (n: number) => String(1_000_000 + n)],
  ])("is any with the same chance for values that are %s", (_, valueOf) => {
    const perTenth = Array.from({ length: 10 }, () => 0);
    for (let n = 0; n < 20_000; n++) perTenth[Math.floor(cellOfValue("/rank", valueOf(n)) / 1000)]!++;
    // 2,000 each; five standard deviations are 212.
    for (const count of perTenth) expect(Math.abs(count - 2000)).toBeLessThan(212);
  });

  it("is always one of the map's", () => {
    expect([0, 0.5, 1 - Number.EPSILON / 2].map(drawnCell)).toEqual([0, 5000, 9999]);
    fc.assert(
      fc.property(fc.string(), fc.string(), (prefix, value) => {
        const cell = cellOfValue(prefix, value);
        return Number.isInteger(cell) && cell >= 0 && cell < CELLS;
      }),
    );
  });
});
