/**
 * What has been counted, and how much more than before: what many isolates have counted is added up, so each tells what is new.
 */
import { MEASURED, type Metric } from "../observe/metric-definitions.ts";
import { seriesOf } from "../observe/series.ts";
import { userMetricOf } from "../observe/user-metric.ts";
import { isUserKey, type Series, type SeriesByKey, splitKey } from "../protocol/metrics.ts";

/** What of all that was measured is told: the counts, and what the application sets. What else is so at a moment does not add up. */
export function countsIn(series: SeriesByKey): SeriesByKey {
  const metrics: Readonly<Partial<Record<string, Metric>>> = MEASURED;
  return Object.fromEntries(Object.entries(series).filter(([key]) => metrics[splitKey(key).metric]?.type !== "gauge"));
}

/** Whether the application sets the numbers of such series: they do not add up. */
export function isSetByApplication(key: string): boolean {
  return isUserKey(key) && userMetricOf(splitKey(key).metric)?.type === "gauge";
}

/** What has been counted since. Only what has grown is in it, and of what the application sets, what is another number. */
export function grown(before: SeriesByKey, now: SeriesByKey): SeriesByKey {
  const more: Record<string, Series[]> = {};
  for (const [key, list] of Object.entries(now)) {
    const isSet = isSetByApplication(key);
    for (const [labels, numbers] of list) {
      const known = seriesOf(before[key], labels)?.[1];
      const rest = numbers.map((number, index) => number - (known?.[index] ?? 0));
      // What was set to 0 is news, too.
      if ((isSet && known === undefined) || rest.some((number) => number !== 0)) (more[key] ??= []).push([labels, isSet ? numbers : rest]);
    }
  }
  return more;
}

/** What has been counted by now, of which some is known from before. Without what the application sets: that is news whenever it is set. */
export function countedBy(before: SeriesByKey, now: SeriesByKey): SeriesByKey {
  const all: Record<string, readonly Series[]> = { ...before };
  for (const [key, list] of Object.entries(now)) {
    if (isSetByApplication(key)) continue;
    all[key] = [...list, ...(before[key] ?? []).filter(([labels]) => seriesOf(list, labels) === undefined)];
  }
  return all as SeriesByKey;
}
