/** Uniform choice: the baseline that every other policy is measured against. */

/**
 * Picks one of `count` candidates.
 *
 * @returns Its index; -1 when there are none.
 */
export function pickRandom(count: number, random: () => number): number {
  return count === 0 ? -1 : Math.floor(random() * count);
}
