import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffMs } from "../../../src/router/backoff.ts";

describe("back-off", () => {
  it("is anything from nothing to a bound that doubles with each attempt, up to half a second", () => {
    const almostOne = 1 - Number.EPSILON;
    expect([0, 1, 2, 3, 4, 5, 60].map((attempt) => backoffMs(attempt, () => almostOne))).toEqual([19, 39, 79, 159, 319, 499, 499]);
    expect(backoffMs(5, () => 0)).toBe(0);
  });

  it("is a whole number of milliseconds within its bound, whatever the random number", () => {
    fc.assert(
      fc.property(fc.nat(100), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempt, random) => {
        const ms = backoffMs(attempt, () => random);
        expect(Number.isInteger(ms)).toBe(true);
        expect(ms).toBeGreaterThanOrEqual(0);
        expect(ms).toBeLessThan(Math.min(500, 20 * 2 ** attempt));
      }),
    );
  });
});
