/**
 * For each place two candidates at random; of all that were drawn the less loaded come first.
 *
 * Near ones that mostly have room get every place but the last, which keeps a full region from holding a request up.
 */
import type { Candidate, Policy } from "../policy.ts";

/** From how many refusals on a near candidate is treated as a far one. */
const MOSTLY_FULL = 0.5;

export const powerOfTwoChoices: Policy = ({ candidates, random }, count) => {
  const best = (left: number[], places: number) =>
    drawn(left, 2 * places, random)
      .toSorted(byLoad)
      .slice(0, places);
  const byLoad = (a: number, b: number) => compare(candidates[a]!, candidates[b]!);
  const near: number[] = [];
  const others: number[] = [];
  candidates.forEach((candidate, index) => (isPreferred(candidate) ? near : others).push(index));
  if (near.length === 0 || others.length === 0) return best(near.length === 0 ? others : near, count);
  const first = best(near, Math.max(1, count - 1));
  return [...first, ...best(others, count - first.length)];
};

function isPreferred({ isNear = false, refusals = 0 }: Candidate): boolean {
  return isNear && refusals < MOSTLY_FULL;
}

// Equals stay as they were drawn, so that replicas of which nothing is known share evenly.
function compare(a: Candidate, b: Candidate): number {
  return a.load - b.load || (a.refusals ?? 0) - (b.refusals ?? 0);
}

function drawn(left: number[], count: number, random: () => number): number[] {
  const order: number[] = [];
  while (order.length < count && left.length > 0) {
    const at = Math.floor(random() * left.length);
    order.push(left[at]!);
    // The last one takes its place: the order of what is left does not matter.
    left[at] = left.at(-1)!;
    left.pop();
  }
  return order;
}

/**
 * Draws some of many, each as likely as any other, without looking at the rest: Floyd's algorithm.
 *
 * @param count How many; all of them if there are no more.
 * @param random In [0, 1).
 */
export function sample<T>(all: readonly T[], count: number, random: () => number): readonly T[] {
  if (all.length <= count) return all;
  const indexes: number[] = [];
  for (let last = all.length - count; last < all.length; last++) {
    const index = Math.floor(random() * (last + 1));
    indexes.push(indexes.includes(index) ? last : index);
  }
  return indexes.map((index) => all[index]!);
}
