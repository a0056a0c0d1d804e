/**
 * The application's own metrics, as they are scraped. Pure.
 *
 * What was told by different versions of the code may not agree on what a name means. The newest one that was told decides the type; of
 * two series with the same labels the newer one is shown.
 */
import { type Birth, isUserKey, type ReplicaMetrics, type Series } from "../protocol/metrics.ts";
import { REPLICA } from "../observe/metric-definitions.ts";
import { seriesOf } from "../observe/series.ts";
import { type UserMetric, userMetricOf } from "../observe/user-metric.ts";
import type { Family, Shown } from "./exposition.ts";

/** Who has told something: a replica, all of a deployment together, or code of the Worker. */
export interface UserSource {
  readonly application: string;
  readonly metrics: Pick<ReplicaMetrics, "deployment" | "replica" | "series" | "young" | "atMs" | "about">;
}

interface Part {
  readonly metric: UserMetric;
  readonly help: string;
  readonly shown: Shown;
}

/** All metrics that are not the framework's, by name. */
export function userFamilies(sources: readonly UserSource[]): Family[] {
  const byName = new Map<string, Part[]>();
  for (const { application, metrics } of sources.toSorted((a, b) => (b.metrics.atMs ?? 0) - (a.metrics.atMs ?? 0))) {
    const { deployment, replica, series, young, about = {} } = metrics;
    for (const key of Object.keys(series)) {
      const metric = isUserKey(key) ? userMetricOf(key) : undefined;
      if (metric === undefined) continue;
      const parts = byName.get(metric.name) ?? [];
      byName.set(metric.name, parts);
      for (const [labels, numbers] of begunAt0(series[key], key, young)) {
        parts.push({ metric, help: about[metric.name] ?? "", shown: [[application, deployment, replica, ...labels], numbers] });
      }
    }
  }
  return [...byName.values()].flatMap(familiesOf);
}

/** The series of a metric, those that have just appeared with 0: whoever scrapes is to see them grow. */
export function begunAt0(series: readonly Series[] = [], key: string, young: readonly Birth[] = []): readonly Series[] {
  const begun = young.filter(([known]) => known === key).map(([, labels]): Series => [labels, [0]]);
  return begun.length === 0 ? series : series.map(([labels, numbers]) => [labels, seriesOf(begun, labels) === undefined ? numbers : [0]]);
}

// One for each set of tags and boundaries; they stand together, under the first one's help.
function familiesOf(parts: readonly Part[]): Family[] {
  const { type, name } = parts[0]!.metric;
  const help = parts.find((part) => part.help !== "")?.help ?? name;
  const seen = new Set<string>();
  const families = new Map<string, [metric: Family[0], Shown[]]>();
  for (const { metric, shown } of parts) {
    const { tagKeys, bounds } = metric;
    const labels = JSON.stringify([tagKeys, shown[0]]);
    if (metric.type !== type || seen.has(labels)) continue;
    seen.add(labels);
    const key = JSON.stringify([tagKeys, bounds]);
    const family = families.get(key);
    if (family !== undefined) family[1].push(shown);
    else families.set(key, [{ name, type, help, labels: [...REPLICA, ...tagKeys], ...(bounds === undefined ? {} : { bounds }) }, [shown]]);
  }
  return [...families.values()];
}
