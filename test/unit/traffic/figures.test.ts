import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  count,
  decodeFigures,
  encodeFigures,
  errorPercentOf,
  type Figures,
  growth,
  noFigures,
  p95Of,
  plus,
  requestsIn,
} from "../../../src/traffic/figures.ts";

function figuresOf(answers: readonly (readonly [durationMs: number, isError: boolean])[]): Figures {
  const figures = noFigures();
  for (const [durationMs, isError] of answers) count(figures, durationMs, isError);
  return figures;
}

const duration = fc.oneof(
  fc.integer({ min: 0, max: 2000 }),
  fc.double({ min: 0, max: 100, noNaN: true }),
  fc.integer({ min: 0, max: 2_147_483_647 }),
);
const answers = fc.array(fc.tuple(duration, fc.boolean()), { maxLength: 200 });
const figures = answers.map(figuresOf);

describe("figures", () => {
  it("[G1] have a p95 that is at most 5 % off", () => {
    const latencies = fc.array(
      duration.filter((ms) => ms >= 1),
      { minLength: 1, maxLength: 300 },
    );
    fc.assert(
      fc.property(latencies, (list) => {
        const exact = list.toSorted((a, b) => a - b)[Math.ceil((list.length * 95) / 100) - 1]!;
        const known = p95Of(figuresOf(list.map((ms) => [ms, false])))!;
        expect(Math.abs(known - exact) / exact).toBeLessThanOrEqual(0.05 + 1e-9);
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ["nothing", [], undefined],
    ["what is shorter than the clock's tick", [0, 0.3, 1], 1],
    ["a time that runs backwards", [-5], 1],
    ["no number", [Number.NaN], 1],
  ])("take %s for what it is", (_, list, p95) => {
    expect(p95Of(figuresOf(list.map((ms) => [ms, false])))).toBe(p95);
  });

  it("take the 19th of 20 for the p95", () => {
    const list = Array.from({ length: 20 }, (_, index) => (index < 19 ? 10 : 10_000));
    expect(p95Of(figuresOf(list.map((ms) => [ms, false])))).toBeLessThan(11);
    expect(p95Of(figuresOf([...list, 10_000, 10_000].map((ms) => [ms, false])))).toBeGreaterThan(9000);
  });

  it.each([
    [0, 0, 0],
    [7, 100, 7],
    [29, 10_000, 0.29],
    [57, 100, 57],
    [1, 1, 100],
  ])("know that %i errors of %i are %d %, exactly", (errors, requests, percent) => {
    expect(errorPercentOf(figuresOf(Array.from({ length: requests }, (_, index) => [5, index < errors])))).toBe(percent);
  });

  it("[G2] add up as if one had counted all", () => {
    fc.assert(
      fc.property(answers, answers, (a, b) => {
        expect(plus(figuresOf(a), figuresOf(b))).toEqual(figuresOf([...a, ...b]));
      }),
    );
  });

  it("[G2] grow by what was added", () => {
    fc.assert(
      fc.property(figures, figures, (before, more) => {
        expect(growth(plus(before, more), before)).toEqual(more);
      }),
    );
  });

  it("have begun anew if any count has fallen, and are then new as a whole", () => {
    const before = figuresOf([
      [10, true],
      [10, false],
      [500, false],
    ]);
    const now = figuresOf([
      [10, false],
      [10, false],
      [10, false],
      [10, false],
    ]);
    expect(growth(now, before)).toEqual(now);
  });

  it("come back as they were from text", () => {
    fc.assert(
      fc.property(figures, (all) => {
        expect(decodeFigures(encodeFigures(all))).toEqual(all);
      }),
      { numRuns: 1000 },
    );
  });

  it("are short as text", () => {
    // A replica that has answered 10,000 requests in 20 to 400 ms.
    const all = figuresOf(Array.from({ length: 10_000 }, (_, n) => [20 + 380 * ((n * 0.618) % 1) ** 3, n % 100 === 0]));
    expect(encodeFigures(all).length).toBeLessThan(120);
  });

  it.each(["", "x", "1/2", "0/0/1,2;3", "-1/0/1", "2/0/1", "0/zz/1", `0/0/${"1,".repeat(300)}`, "0/0/zzzzzzzzzzzzzzzz", "0/0/1\n"])(
    "are not read from %j",
    (text) => {
      expect(decodeFigures(text)).toBeUndefined();
    },
  );

  it("are read from no text that they do not write, or mean the same", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("0", "1", "z", "/", ",", "-") }), (text) => {
        const read = decodeFigures(text);
        if (read !== undefined) expect(requestsIn(decodeFigures(encodeFigures(read))!)).toBe(requestsIn(read));
      }),
      { numRuns: 2000 },
    );
  });
});
