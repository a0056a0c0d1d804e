/**
 * Random numbers that a seed decides, and what is drawn from them.
 */

/** Gives a number in [0, 1). */
export type Random = () => number;

/** An endless row of numbers, the same for the same seed (mulberry32). */
export function seeded(seed: number): Random {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The time to an event that may come at any moment. */
export function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - random());
}

/** How fast the tail falls, and how much longer than the shortest the longest may be. */
const TAIL = 1.5;
const LONGEST = 1000;
/** The mean, where the shortest is 1. */
const UNIT_MEAN = ((TAIL / (TAIL - 1)) * (1 - LONGEST ** (1 - TAIL))) / (1 - LONGEST ** -TAIL);

/** Mostly short, now and then very long: a bounded Pareto distribution. */
export function heavyTailed(random: Random, mean: number): number {
  const shortest = mean / UNIT_MEAN;
  return shortest * (1 - random() * (1 - LONGEST ** -TAIL)) ** (-1 / TAIL);
}
