/**
 * The load of a look-back period by the book: all series added up anew, as Ray Serve does. What the running sum of the
 * controller (`load-sum.ts`) gives is compared with this.
 */
import { type Point, type Series, staleAtMs } from "../../src/controller/autoscale/step-function.ts";

/** How the load of the look-back period becomes one number; Ray's `aggregation_function`. */
export type AggregationFunction = "mean" | "max" | "min";

/** The load of a look-back period. */
export interface AggregatedLoad {
  /** Requests running or waiting, by the aggregation function. */
  readonly total: number;
  /** The bounds of every total that a later look-back period can give, unless there is a new report. */
  readonly lowest: number;
  readonly highest: number;
}

const NO_LOAD: AggregatedLoad = { total: 0, lowest: 0, highest: 0 };

/** Adds series up; before its first point a series counts as 0. Points at one time become one point. */
export function sumSeries(series: readonly Series[]): Point[] {
  const events = series
    .flatMap((points, index) => points.map(({ atMs, value }) => ({ atMs, value, index })))
    .toSorted((a, b) => a.atMs - b.atMs);
  const current = series.map(() => 0);
  const sum: Point[] = [];
  for (const { atMs, value, index } of events) {
    current[index] = value;
    if (sum.at(-1)?.atMs === atMs) sum.pop();
    // Added up anew, not by differences: rounding must not leave a rest where every series is at 0.
    sum.push({ atMs, value: current.reduce((total, one) => total + one, 0) });
  }
  return sum;
}

/**
 * The load over the last `lookBackPeriodMs`: a time-weighted mean, or the largest or smallest value.
 *
 * As in Ray Serve, the period begins no earlier than the time at which every series has data, so that a late one does
 * not count as 0, and the last value has at least a millisecond, so that a request that arrived just now counts.
 */
export function aggregateLoad(options: {
  readonly series: readonly Series[];
  readonly nowMs: number;
  readonly lookBackPeriodMs: number;
  readonly aggregationFunction?: AggregationFunction | undefined;
}): AggregatedLoad {
  const series = options.series.filter((points) => points.length > 0);
  const sum = sumSeries(series);
  const last = sum.at(-1);
  if (last === undefined) return NO_LOAD;
  const startMs = Math.max(options.nowMs - options.lookBackPeriodMs, ...series.map(([first]) => first!.atMs));
  const endMs = options.nowMs > last.atMs ? options.nowMs : last.atMs + 1;
  const steps = stepsWithin(sum, startMs, endMs);
  const lowest = Math.min(...steps.map(({ value }) => value));
  const highest = Math.max(...steps.map(({ value }) => value));
  const totals = { mean: () => meanOf(steps, lowest, highest), max: () => highest, min: () => lowest };
  return { total: totals[options.aggregationFunction ?? "mean"](), lowest, highest };
}

/** The parts of a step function between two times; none is empty. */
function stepsWithin(sum: readonly Point[], startMs: number, endMs: number): { value: number; lengthMs: number }[] {
  return sum
    .map(({ atMs, value }, index) => ({
      value,
      lengthMs: Math.min(sum[index + 1]?.atMs ?? endMs, endMs) - Math.max(atMs, startMs),
    }))
    .filter(({ lengthMs }) => lengthMs > 0);
}

/** Between the lowest and the highest value, whatever rounding does. */
function meanOf(steps: readonly { value: number; lengthMs: number }[], lowest: number, highest: number): number {
  const lengthMs = steps.reduce((total, step) => total + step.lengthMs, 0);
  const weighted = steps.reduce((total, step) => total + step.value * (step.lengthMs / lengthMs), 0);
  return Math.min(Math.max(weighted, lowest), highest);
}

/**
 * Leaves out the series that claim load and have been silent for `staleAfterMs`: phantom load, of a replica or a
 * caller that is gone.
 *
 * Ray Serve drops every silent series. Here a replica without work is silent by design: what it last said is 0, which
 * holds, and what it said before leaves the look-back period in its time.
 */
export function dropStale(series: readonly Series[], nowMs: number, staleAfterMs: number): Series[] {
  return series.filter((points) => nowMs < staleAtMs(points, staleAfterMs));
}
