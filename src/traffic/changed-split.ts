/**
 * One change of a split, said from the command line.
 */
import type { Share } from "../protocol/traffic.ts";
import { CELLS, cellsOf, percentOf } from "./cells.ts";

/**
 * The split with some shares changed. What they gain or lose is the one application's that nothing is said of; with several of
 * those, or none, what is said has to come to 100 by itself.
 *
 * @param changes Percentages by application.
 * @throws `RangeError` if an application is not in the split, or the percentages don't come to 100.
 */
export function changedSplit(split: readonly Share[], changes: ReadonlyMap<string, number>): Share[] {
  const names = split.map(({ application }) => application);
  for (const name of changes.keys()) {
    if (!names.includes(name))
      throw new RangeError(`${JSON.stringify(name)} has no share of this route. The applications: ${names.join(", ")}.`);
  }
  const others = names.filter((name) => !changes.has(name));
  const shares = split.map(({ application, percent }) => ({ application, percent: changes.get(application) ?? percent }));
  const rest = CELLS - cellsOfAll(shares.filter(({ application }) => application !== others[0]));
  if (others.length === 1 && rest >= 0) {
    return shares.map((share) => (share.application === others[0] ? { ...share, percent: percentOf(rest) } : share));
  }
  const sum = cellsOfAll(shares);
  if (sum !== CELLS)
    throw new RangeError(`The percentages must add up to 100, and come to ${percentOf(sum)}. Give those of ${names.join(", ")}.`);
  return shares;
}

// Added up in cells, which are whole numbers.
function cellsOfAll(shares: readonly Share[]): number {
  return shares.reduce((sum, { percent }) => sum + cellsOf(percent), 0);
}
