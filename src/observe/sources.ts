/**
 * What a replica's parts measure by themselves, for whoever takes a snapshot of the replica.
 */
import type { ReplicaScope } from "../context/scope.ts";
import type { Series, SeriesByKey } from "../protocol/metrics.ts";
import type { MetricKey } from "./metric-definitions.ts";

/** A part's numbers, with all that it has counted so far. */
export type Measurements = Readonly<Partial<Record<MetricKey, readonly Series[]>>>;

/** The same, or those of what runs inline in the replica (`guestSeries`). */
type Source = () => Measurements | SeriesByKey;

// Weakly, because several replicas share an isolate and come and go in it.
const sources = new WeakMap<ReplicaScope, Source[]>();

/** Has `source` asked whenever a snapshot of the replica is taken. */
export function addSource(replica: ReplicaScope, source: Source): void {
  const known = sources.get(replica);
  if (known === undefined) sources.set(replica, [source]);
  else known.push(source);
}

/** What the parts of a replica that asked for it have measured. */
export function measurementsOf(replica: ReplicaScope): readonly (Measurements | SeriesByKey)[] {
  return (sources.get(replica) ?? []).map((source) => source());
}
