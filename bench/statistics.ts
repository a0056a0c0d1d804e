/** What measured values come to. */

/** The values, the smallest first. */
export function ascending(values: readonly number[]): Float64Array {
  return Float64Array.from(values).toSorted();
}

/** The value below which this share of the values lies; they must be {@link ascending}. Not a number if there are none. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
}

/** The middle one; the lower of two. */
export function median(values: readonly number[]): number {
  return ascending(values)[(values.length - 1) >> 1]!;
}
