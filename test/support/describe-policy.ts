import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Candidate, Policy, PolicyInput } from "../../src/router/policy.ts";

/** Candidates as a router gives them, with loads from `loads`. */
export function candidatesOf(loads: readonly number[]): Candidate[] {
  return loads.map((load, ordinal) => ({ name: `news/Rank/-/${ordinal}.0`, load }));
}

/** Random numbers from a list; the last one repeats. */
export function randomOf(numbers: readonly number[]): () => number {
  let at = 0;
  return () => numbers[Math.min(at++, numbers.length - 1)] ?? 0;
}

const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

const situation = fc.record({
  loads: fc.array(fc.nat(5), { maxLength: 12 }),
  affinity: fc.option(fc.string(), { nil: undefined }),
  randoms: fc.array(fraction, { minLength: 1, maxLength: 30 }),
  count: fc.integer({ min: 1, max: 15 }),
});

/** What every policy promises; see `src/router/policy.ts`. */
export function describePolicy(name: string, policy: Policy): void {
  describe(`the policy ${name}`, () => {
    const input = (loads: readonly number[], affinity: string | undefined, randoms: readonly number[]): PolicyInput => ({
      candidates: Object.freeze(candidatesOf(loads).map((candidate) => Object.freeze(candidate))),
      affinity,
      random: randomOf(randoms),
    });

    it("gives nothing when there are no candidates", () => {
      expect(policy({ candidates: [], affinity: undefined, random: () => 0 }, 2)).toEqual([]);
      expect(policy({ candidates: [], affinity: "key", random: () => 0 }, 2)).toEqual([]);
    });

    it("gives as many as are wanted, or all there are", () => {
      fc.assert(
        fc.property(situation, ({ loads, affinity, randoms, count }) => {
          expect(policy(input(loads, affinity, randoms), count)).toHaveLength(Math.min(count, loads.length));
        }),
      );
    });

    it("gives indexes of candidates, each at most once", () => {
      fc.assert(
        fc.property(situation, ({ loads, affinity, randoms, count }) => {
          const chosen = policy(input(loads, affinity, randoms), count);
          for (const index of chosen) expect(loads[index]).toBeDefined();
          expect(new Set(chosen).size).toBe(chosen.length);
        }),
      );
    });

    it("gives the same answer to the same input and random numbers", () => {
      fc.assert(
        fc.property(situation, ({ loads, affinity, randoms, count }) => {
          const first = policy(input(loads, affinity, randoms), count);
          expect(policy(input(loads, affinity, randoms), count)).toEqual(first);
        }),
      );
    });
  });
}
