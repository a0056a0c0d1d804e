import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sample } from "../../../src/router/policies/power-of-two-choices.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

describe("a draw", () => {
  it("gives as many as it is asked for, or all, and none twice, whatever chance says", () => {
    fc.assert(
      fc.property(
        fc.nat(40),
        fc.nat(12),
        fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1 }),
        (size, count, chances) => {
          let turn = 0;
          const some = sample(numbers(size), count, () => chances[turn++ % chances.length]!);
          expect(some).toHaveLength(Math.min(size, count));
          expect(new Set(some).size).toBe(some.length);
          expect(some.every((one) => one >= 0 && one < size)).toBe(true);
        },
      ),
    );
  });

  it("gives each the same chance", () => {
    // Every sequence of chances for 3 of 5, once each: 3 * 4 * 5 of them, and each number is in three fifths.
    const counts = numbers(5).map(() => 0);
    for (const a of numbers(3)) {
      for (const b of numbers(4)) {
        for (const c of numbers(5)) {
          const chances = [(a + 0.5) / 3, (b + 0.5) / 4, (c + 0.5) / 5];
          for (const one of sample(numbers(5), 3, () => chances.shift()!)) counts[one]!++;
        }
      }
    }
    expect(counts).toEqual([36, 36, 36, 36, 36]);
  });
});
