/**
 * What a controller keeps of what its replicas measure.
 *
 * Counts go on over the sleep of a replica: one that begins anew has its numbers added to those of before. So what is
 * scraped only grows while a replica is there, although its memory comes and goes.
 */
import { MEASURED, type Metric } from "../observe/catalogue.ts";
import { merged } from "../observe/series.ts";
import type { Measured, MetricsSnapshot, SeriesByKey } from "../protocol/metrics.ts";

/** Storage, by the name of a replica's object. */
export interface MeasuredStore {
  get(replica: string): Measured | undefined;
  set(replica: string, measured: Measured): unknown;
  delete(replica: string): unknown;
}

const NONE: SeriesByKey = {};

/** What is kept once `snapshot` has come. */
export function keep(before: Measured | undefined, snapshot: MetricsSnapshot, atMs: number): Measured {
  if (before === undefined) return { starts: 1, atMs, latest: snapshot, earlier: NONE };
  const { starts, latest, earlier } = before;
  // The last word of a replica that was lost may come late.
  if (snapshot.startedAtMs < latest.startedAtMs) return before;
  if (snapshot.startedAtMs === latest.startedAtMs) return { ...before, atMs, latest: snapshot };
  return { starts: starts + 1, atMs, latest: snapshot, earlier: merged(earlier, countsOf(latest.series)) };
}

/** What a replica has measured in all. @param isSilent Whether it should have been heard of since, if it still worked. */
export function totalOf({ latest, earlier }: Measured, isSilent: boolean): SeriesByKey {
  return merged(earlier, isSilent ? countsOf(latest.series) : latest.series);
}

// What is so at a moment is not so any more. A key that is not known is a newer version's, and taken for a count.
function countsOf(series: SeriesByKey): SeriesByKey {
  return Object.fromEntries(Object.entries(series).filter(([key]) => !isGauge(key)));
}

function isGauge(key: string): boolean {
  return (MEASURED as Readonly<Partial<Record<string, Metric>>>)[key]?.type === "gauge";
}
