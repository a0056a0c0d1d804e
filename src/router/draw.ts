/**
 * Draws some of many, each as likely as any other, without looking at the rest: Floyd's algorithm.
 *
 * @param count How many; all of them if there are no more.
 * @param random In [0, 1).
 */
export function drawn<T>(all: readonly T[], count: number, random: () => number): readonly T[] {
  if (all.length <= count) return all;
  const indexes: number[] = [];
  for (let last = all.length - count; last < all.length; last++) {
    const index = Math.floor(random() * (last + 1));
    indexes.push(indexes.includes(index) ? last : index);
  }
  return indexes.map((index) => all[index]!);
}
