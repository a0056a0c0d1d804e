/** The figures of paired measurements: medians over rounds, and bootstrap intervals. */
import { ascending, median, percentile } from "../statistics.ts";

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
  const draw = () => median(values.map(() => values[Math.floor(Math.random() * values.length)]!));
  const medians = ascending(Array.from({ length: DRAWS }, draw));
  return { median: median(values), low: percentile(medians, 0.025), high: percentile(medians, 0.975) };
}

/** Round by round `over` by `under`. */
export function ratios(over: readonly number[], under: readonly number[]): number[] {
  return over.map((value, round) => value / under[round]!);
}

/** `0.87 [0.85-0.89]`. */
export function show({ median: middle, low, high }: Estimate, digits = 3): string {
  return `${middle.toFixed(digits)} [${low.toFixed(digits)}-${high.toFixed(digits)}]`;
}
