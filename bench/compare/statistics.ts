/** Medians and spreads of what was measured round by round. */
import { median } from "../statistics.ts";
import type { Comparison, Outcome, Sample } from "./measure.ts";

/** The middle of some values, the smallest and the largest. */
export interface Summary {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** Sums up values; there must be one. */
export function summaryOf(values: readonly number[]): Summary {
  return { median: median(values), low: Math.min(...values), high: Math.max(...values) };
}

/** Why an outcome says nothing; `undefined` if it does. One wrong answer is enough. */
export function failureOf({ failure, samples, wrong }: Outcome): string | undefined {
  const wrongInAll = samples.reduce((sum, sample) => sum + sample.wrong, wrong);
  if (failure !== undefined) return failure;
  if (wrongInAll > 0) return `failed: ${wrongInAll} wrong or missing answers`;
  if (samples.length === 0) return "not measured";
  return samples.some(({ perSecond }) => perSecond === 0) ? "failed: a round without an answer" : undefined;
}

/** Sums up one measure of an outcome; `undefined` if the outcome says nothing. */
export function summaryIn(outcome: Outcome, key: keyof Sample): Summary | undefined {
  return failureOf(outcome) === undefined ? summaryOf(outcome.samples.map((sample) => sample[key])) : undefined;
}

/** A system's throughput over another's, compared round by round; `undefined` if one of the two says nothing. */
export function ratioOf({ outcomes }: Comparison, over: string, under: string): Summary | undefined {
  const [upper, lower] = [over, under].map((id) => outcomes.find(({ system }) => system === id));
  if (upper === undefined || lower === undefined || failureOf(upper) !== undefined || failureOf(lower) !== undefined) return undefined;
  return summaryOf(upper.samples.map(({ perSecond }, round) => perSecond / lower.samples[round]!.perSecond));
}
