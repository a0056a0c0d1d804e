/**
 * How many replicas there are when a limit is met. Pure: from what was measured at some sizes.
 */

/** A number of replicas, and what it led to. */
export interface Reading {
  readonly replicas: number;
  readonly value: number;
}

/**
 * The number of replicas at which a value that grows reaches a limit.
 *
 * Between two readings, and beyond the last, the value is taken to grow as a power of the number of replicas.
 */
export function replicasAt(readings: readonly Reading[], limit: number): number {
  const { from, power } = growthAt(readings, ({ value }) => value >= limit);
  return Math.floor(from.replicas * (limit / from.value) ** (1 / power));
}

/** The value at a number of replicas, by the same assumption. */
export function valueAt(readings: readonly Reading[], replicas: number): number {
  const { from, power } = growthAt(readings, (reading) => reading.replicas >= replicas);
  return from.value * (replicas / from.replicas) ** power;
}

function growthAt(readings: readonly Reading[], isBeyond: (reading: Reading) => boolean): { from: Reading; power: number } {
  const beyond = readings.findIndex(isBeyond);
  const upper = beyond === -1 ? readings.length - 1 : Math.max(1, beyond);
  const [from, to] = [readings[upper - 1], readings[upper]];
  if (from === undefined || to === undefined)
    throw new Error(`There are ${readings.length} readings. It takes at least 2 to see what grows.`);
  return { from, power: Math.log(to.value / from.value) / Math.log(to.replicas / from.replicas) };
}
