/**
 * What replicas have measured, added up for a person to read. Pure.
 */
import { BATCH_MS, LATENCY_MS, type MetricKey } from "../../observe/metric-definitions.ts";
import { countOf, summed } from "../../observe/series.ts";
import type { Label, Series, SeriesByKey } from "../../protocol/metrics.ts";

/** What there is to say of a replica, or of several together: all that was ever counted, and what goes on as it was told last. */
export interface Measured {
  readonly requests: number;
  readonly errors: number;
  /** What failed requests failed with, the most frequent first. */
  readonly errorTypes: readonly (readonly [type: string, count: number])[];
  /** In milliseconds; `undefined` without a request. */
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
  readonly ongoing: number;
  readonly queued: number;
  /** Answers by status code. */
  readonly http: readonly (readonly [status: string, count: number])[];
  readonly batches: readonly Batches[];
  readonly models: Models | undefined;
}

/** What a function of `serve.batch` has done. */
export interface Batches {
  readonly name: string;
  readonly count: number;
  readonly meanSize: number;
  /** Of `maxBatchSize`, in percent. */
  readonly meanUtilization: number;
  readonly p95WaitMs: number | undefined;
}

/** What `serve.multiplexed` has done. */
export interface Models {
  readonly loaded: number;
  readonly gets: number;
  readonly hits: number;
}

/** Adds up what several replicas measured. */
export function measuredBy(replicas: readonly SeriesByKey[]): Measured {
  const all = (key: MetricKey): readonly Series[] => replicas.flatMap((series) => series[key] ?? []);
  const count = (key: MetricKey) => summed(all(key))[0]!;
  const errorTypes = countsBy(all("errors"), (labels) => labels.at(-1));
  const latency = summed(all("latency"));
  const gets = count("modelGets");
  return {
    requests: count("requests"),
    errors: count("errors"),
    errorTypes: errorTypes.toSorted(([, a], [, b]) => b - a),
    p50Ms: quantileOf(latency, LATENCY_MS, 0.5),
    p99Ms: quantileOf(latency, LATENCY_MS, 0.99),
    ongoing: count("ongoing"),
    queued: count("queued"),
    http: countsBy(all("http"), (labels) => labels.at(-1)).toSorted(([a], [b]) => a.localeCompare(b)),
    batches: batchesOf(all),
    models: gets === 0 ? undefined : { loaded: count("models"), gets, hits: count("modelHits") },
  };
}

function batchesOf(all: (key: MetricKey) => readonly Series[]): Batches[] {
  const functions = [...new Set(all("batchSize").map(([[name]]) => name))];
  return functions.map((name) => {
    const own = (key: MetricKey) => summed(all(key).filter(([[first]]) => first === name));
    return {
      name: String(name),
      count: countOf(own("batchSize")),
      meanSize: meanOf(own("batchSize")),
      meanUtilization: meanOf(own("batchUtilization")),
      p95WaitMs: quantileOf(own("batchWait"), BATCH_MS, 0.95),
    };
  });
}

function countsBy(series: readonly Series[], labelOf: (labels: readonly Label[]) => Label | undefined): [string, number][] {
  const counts = new Map<string, number>();
  for (const [labels, [number = 0]] of series) {
    const label = String(labelOf(labels) ?? "");
    counts.set(label, (counts.get(label) ?? 0) + number);
  }
  return [...counts];
}

function meanOf(histogram: readonly number[]): number {
  const count = countOf(histogram);
  return count === 0 ? 0 : histogram[0]! / count;
}

/**
 * A quantile of a histogram, interpolated within its bucket as Prometheus's `histogram_quantile` does; `undefined` of no
 * values. Above the last bound it is the last bound: more is not known.
 */
export function quantileOf([, ...counts]: readonly number[], bounds: readonly number[], share: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  let left = share * total;
  for (const [index, bound] of bounds.entries()) {
    const count = counts[index] ?? 0;
    const below = bounds[index - 1] ?? 0;
    if (left <= count && count > 0) return below + ((bound - below) * left) / count;
    left -= count;
  }
  return bounds.at(-1);
}
