/**
 * What a controller keeps of what its replicas measure.
 *
 * Counts go on over the sleep of a replica: one that begins anew has its numbers added to those of before. So what is
 * scraped only grows while a replica is there, although its memory comes and goes.
 *
 * Whoever scrapes sees how much a count grows between two looks, and nothing of what it was when it appeared. So a count is
 * shown with 0 at first, for as long as two looks may lie apart, and a replica that has gone is shown for longer than windows usually are.
 */
import { MEASURED, type Metric } from "../observe/metric-definitions.ts";
import { merged, seriesOf } from "../observe/series.ts";
import { type Birth, type Measured, type MetricsSnapshot, type SeriesByKey, splitKey, STARTS } from "../protocol/metrics.ts";

/** Storage, by the name of a replica's object. */
export interface MeasuredStore {
  get(replica: string): Measured | undefined;
  set(replica: string, measured: Measured): unknown;
  delete(replica: string): unknown;
  entries(): Iterable<readonly [replica: string, measured: Measured]>;
}

/** The longest time between two scrapes with which growth is counted in full, in milliseconds. */
export const SCRAPE_MS = 15_000;

/**
 * How long a replica that has left is shown, in milliseconds. Prometheus takes a series that ends within its window to have gone on
 * for half a gap: where many replicas come and go, what it adds would be more than 2 %.
 */
export const GONE_MS = 3_600_000;

const NONE: SeriesByKey = {};

/** What is kept once `snapshot` has come. */
export function keep(before: Measured | undefined, snapshot: MetricsSnapshot, atMs: number): Measured {
  if (before === undefined) {
    const births = [[STARTS, [], atMs] as const, ...birthsIn(snapshot.series, [], atMs)];
    return { starts: 1, atMs, latest: snapshot, earlier: NONE, births };
  }
  const { starts, latest, earlier } = before;
  // The last word of a replica that was lost may come late.
  if (snapshot.startedAtMs < latest.startedAtMs) return before;
  const births = [...youngOf(before, atMs), ...birthsIn(snapshot.series, [latest.series, earlier], atMs)];
  if (snapshot.startedAtMs === latest.startedAtMs) return { ...before, atMs, latest: snapshot, births };
  return { starts: starts + 1, atMs, latest: snapshot, earlier: merged(earlier, countsOf(latest.series)), births };
}

/** What is kept once some of many sources, which are told apart by nobody, has counted so much more. */
export function keepMore(before: Measured | undefined, more: SeriesByKey, atMs: number): Measured {
  return keep(before, { startedAtMs: 0, series: merged(before?.latest.series ?? NONE, more) }, atMs);
}

/** What a replica has measured in all. @param isSilent Whether it should have been heard of since, if it still worked. */
export function totalOf({ latest, earlier }: Measured, isSilent: boolean): SeriesByKey {
  return merged(earlier, isSilent ? countsOf(latest.series) : latest.series);
}

/** Whether a replica that is no longer there is not shown any more. */
export function isForgotten({ goneAtMs = -Infinity }: Measured, nowMs: number): boolean {
  return nowMs - goneAtMs >= GONE_MS;
}

/** The counts that have just appeared, and are to be scraped as 0. */
export function youngOf({ births = [] }: Measured, nowMs: number): readonly Birth[] {
  return births.filter(([, , bornAtMs]) => nowMs - bornAtMs < SCRAPE_MS);
}

function birthsIn(series: SeriesByKey, known: readonly SeriesByKey[], atMs: number): Birth[] {
  const births: Birth[] = [];
  for (const key of Object.keys(series)) {
    if (isGauge(key)) continue;
    for (const [labels] of series[key]!) {
      if (!known.some((before) => seriesOf(before[key], labels) !== undefined)) births.push([key, labels, atMs]);
    }
  }
  return births;
}

// What is so at a moment is not so any more. A key that is not known is a newer version's, and taken for a count.
function countsOf(series: SeriesByKey): SeriesByKey {
  return Object.fromEntries(Object.entries(series).filter(([key]) => !isGauge(key)));
}

function isGauge(key: string): boolean {
  return (MEASURED as Readonly<Partial<Record<string, Metric>>>)[splitKey(key).metric]?.type === "gauge";
}
