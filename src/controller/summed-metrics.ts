/**
 * What a deployment's replicas have measured together, where there are too many to show each. Pure.
 *
 * Whoever scrapes is to see a count begin at 0. In a sum that is one which only replicas have whose own count has just appeared; any
 * other grows by theirs, and is shown as it is.
 */
import { addTo } from "../observe/series.ts";
import type { Birth, Label, ReplicaMetrics, Series, SeriesByKey } from "../protocol/metrics.ts";
import { STARTS } from "../protocol/metrics.ts";

interface Sum {
  readonly labels: readonly Label[];
  readonly numbers: number[];
  /** When it appeared, if it has just; the first of those that have it. */
  bornAtMs: number | undefined;
}

/** Adds up what the replicas of one deployment have measured. There is at least one. */
export function summed(replicas: readonly ReplicaMetrics[]): ReplicaMetrics {
  const sums = new Map<string, Map<string, Sum>>();
  let starts = 0;
  let areStartsYoung = true;
  let about = {};
  for (const replica of replicas.toSorted((a, b) => (a.atMs ?? 0) - (b.atMs ?? 0))) {
    starts += replica.starts;
    const births = bornIn(replica.young);
    areStartsYoung &&= births.has(textOf(STARTS, []));
    about = { ...about, ...replica.about };
    for (const [key, list] of Object.entries(replica.series)) {
      let ofKey = sums.get(key);
      if (ofKey === undefined) sums.set(key, (ofKey = new Map()));
      for (const [labels, numbers] of list) add(ofKey, labels, numbers, births.get(textOf(key, labels)));
    }
  }
  const young: Birth[] = areStartsYoung ? [[STARTS, [], replicas[0]!.atMs ?? 0]] : [];
  const series: Record<string, readonly Series[]> = {};
  for (const [key, ofKey] of sums) {
    series[key] = Array.from(ofKey.values(), ({ labels, numbers }): Series => [labels, numbers]);
    for (const { labels, bornAtMs } of ofKey.values()) if (bornAtMs !== undefined) young.push([key, labels, bornAtMs]);
  }
  const atMs = Math.max(...replicas.map((one) => one.atMs ?? 0));
  const { app, deployment, isInline } = replicas[0]!;
  const whose = { ...(app === undefined ? {} : { app }), deployment, ...(isInline === true ? { isInline } : {}) };
  return { ...whose, replica: undefined, starts, series: series satisfies SeriesByKey, young, atMs, about };
}

function bornIn(young: readonly Birth[] = []): Map<string, number> {
  return new Map(young.map(([key, labels, bornAtMs]) => [textOf(key, labels), bornAtMs]));
}

function textOf(key: string, labels: readonly Label[]): string {
  return JSON.stringify([key, ...labels]);
}

function add(sums: Map<string, Sum>, labels: readonly Label[], numbers: readonly number[], bornAtMs: number | undefined): void {
  const text = JSON.stringify(labels);
  const sum = sums.get(text);
  if (sum === undefined) {
    sums.set(text, { labels, numbers: [...numbers], bornAtMs });
    return;
  }
  addTo(sum.numbers, numbers);
  sum.bornAtMs = sum.bornAtMs === undefined || bornAtMs === undefined ? undefined : Math.min(sum.bornAtMs, bornAtMs);
}
