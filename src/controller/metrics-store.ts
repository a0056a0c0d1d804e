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
import { userMetricOf } from "../observe/user-metric.ts";
import {
  type Birth,
  isUserKey,
  type Measured,
  type MetricsSnapshot,
  type Series,
  type SeriesByKey,
  splitKey,
  STARTS,
  type UserCounts,
} from "../protocol/metrics.ts";

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
  if (snapshot.startedAtMs === latest.startedAtMs) return { ...before, atMs, latest: changed(latest, snapshot), births };
  const about = { ...latest.about, ...snapshot.about };
  return { starts: starts + 1, atMs, latest: { ...snapshot, about }, earlier: merged(earlier, countsOf(latest.series)), births };
}

// Of the application's own metrics only the series that have changed come.
function changed(before: MetricsSnapshot, snapshot: MetricsSnapshot): MetricsSnapshot {
  const own = Object.entries(before.series).filter(([key]) => isUserKey(key));
  if (own.length === 0) return snapshot;
  const series: Record<string, readonly Series[]> = { ...snapshot.series };
  for (const [key, known] of own) series[key] = replaced(known, series[key]);
  return { ...snapshot, series, about: { ...before.about, ...snapshot.about } };
}

function replaced(known: readonly Series[], news: readonly Series[] = []): readonly Series[] {
  return news.length === 0 ? known : [...known.filter(([labels]) => seriesOf(news, labels) === undefined), ...news];
}

/** What is kept once an isolate has told what it has counted since it told so last. */
export function keepCounts(before: Measured | undefined, { series, about }: UserCounts, atMs: number): Measured {
  const { latest, earlier } = before ?? { latest: { startedAtMs: 0, series: NONE }, earlier: NONE };
  const births = [...(before === undefined ? [] : youngOf(before, atMs)), ...birthsIn(series, [earlier], atMs)];
  const gauges: Record<string, readonly Series[]> = { ...latest.series };
  for (const [key, news] of Object.entries(series)) if (isGauge(key)) gauges[key] = replaced(gauges[key] ?? [], news);
  const kept = { startedAtMs: 0, series: merged(gauges), about: { ...latest.about, ...about } };
  return { starts: 1, atMs, latest: kept, earlier: merged(earlier, countsOf(series)), births };
}

/** Whether a replica's numbers that are so at a moment still are: those that it measures by itself, and those that the application sets. */
export interface Momentary {
  /** It should have been heard of since, if it still worked. */
  readonly isSilent: boolean;
  /** It has left. */
  readonly isGone: boolean;
}

/** What a replica has measured in all. */
export function totalOf({ latest, earlier }: Measured, { isSilent, isGone }: Momentary): SeriesByKey {
  const now = Object.entries(latest.series).filter(([key]) => !isGauge(key) || !(isUserKey(key) ? isGone : isSilent));
  // The latest first: a metric may have been defined anew.
  return merged(Object.fromEntries(now), earlier);
}

/** What is left of a replica that is not shown any more, in what its deployment's replicas have counted together. */
export function addCounts(before: Measured | undefined, measured: Measured): Measured {
  const { starts = 0, earlier = NONE, latest } = before ?? {};
  const counts = countsOf(totalOf(measured, { isSilent: true, isGone: true }));
  const about = { ...measured.latest.about, ...latest?.about };
  const atMs = Math.max(before?.atMs ?? 0, measured.atMs);
  return { starts: starts + measured.starts, atMs, latest: { startedAtMs: 0, series: NONE, about }, earlier: merged(counts, earlier) };
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
  const { metric } = splitKey(key);
  if (isUserKey(metric)) return userMetricOf(metric)?.type === "gauge";
  return (MEASURED as Readonly<Partial<Record<string, Metric>>>)[metric]?.type === "gauge";
}
