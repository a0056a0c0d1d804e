/** The figures of paired measurements: medians over rounds, and bootstrap intervals. */

/** A median with its 95 % interval. */
export interface Estimate {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** How often a sample is drawn again for an interval. */
const DRAWS = 1000;

/** The median of values, and between which values it lies in 95 of 100 samples that are drawn from them again. */
export function estimate(values: readonly number[]): Estimate {
  const medians = Array.from({ length: DRAWS }, () => median(values.map(() => values[Math.floor(Math.random() * values.length)]!)));
  medians.sort((a, b) => a - b);
  return { median: median(values), low: medians[Math.floor(DRAWS * 0.025)]!, high: medians[Math.floor(DRAWS * 0.975)]! };
}

/** The middle one; between the middle two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
}

/** Round by round `over` by `under`. */
export function ratios(over: readonly number[], under: readonly number[]): number[] {
  return over.map((value, round) => value / under[round]!);
}

/** `0.87 [0.85-0.89]`. */
export function show({ median: middle, low, high }: Estimate, digits = 3): string {
  return `${middle.toFixed(digits)} [${low.toFixed(digits)}-${high.toFixed(digits)}]`;
}
