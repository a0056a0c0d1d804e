/**
 * What the replicas of an application have counted together, for a controller with many of them: it keeps each one's last word
 * with the replica, and a sum for each window, so that a report costs the same however many replicas there are.
 */
import type { CountedWindows, WindowCount } from "../protocol/traffic.ts";
import { encodeFigures, figuresIn, plus } from "./figures.ts";
import { news } from "./tally.ts";

/** How many windows are summed: the newest. */
const MAX_WINDOWS = 16;

/**
 * The sums with one more word of a replica.
 *
 * @param last The word of this replica that was taken before.
 * @returns The sums, or the same ones if there is no news, and the word to keep for the replica.
 */
export function summed(
  sums: readonly WindowCount[],
  last: CountedWindows | undefined,
  told: CountedWindows,
): { readonly sums: readonly WindowCount[]; readonly last: CountedWindows } {
  // Late, from before it began anew.
  if (last !== undefined && told.run < last.run) return { sums, last };
  const all = new Map(sums);
  for (const [window, figures] of told.counts) {
    const before = last?.counts.find(([known]) => known === window);
    const more = news(before === undefined ? undefined : [last!.run, before[1]], [told.run, figures]);
    if (more !== undefined) all.set(window, encodeFigures(plus(figuresIn(all.get(window)), more)));
  }
  const kept = [...all].toSorted(([a], [b]) => a - b).slice(-MAX_WINDOWS);
  const isNews =
    kept.length !== sums.length || kept.some(([window, figures], index) => window !== sums[index]![0] || figures !== sums[index]![1]);
  return { sums: isNews ? kept : sums, last: told };
}
