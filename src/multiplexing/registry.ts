/**
 * All the models of a replica: for whoever runs the replica, and for whoever tells callers which models it has.
 */
import type { ReplicaScope } from "../context/scope.ts";
import type { Measurements } from "../observe/sources.ts";
import { DEFAULT_HEALTH_CHECK_TIMEOUT_MS } from "../protocol/limits.ts";

/** The models that one `serve.multiplexed` has loaded in one replica. */
export interface ModelHolder {
  readonly present: readonly string[];
  readonly measurements: Measurements;
  close(): Promise<void>;
}

// Weakly, because several replicas share an isolate and come and go in it.
const holders = new WeakMap<ReplicaScope, ModelHolder[]>();

/** Makes the models of `holder` known as the replica's. */
export function registerModels(replica: ReplicaScope, holder: ModelHolder): void {
  const known = holders.get(replica);
  if (known === undefined) holders.set(replica, [holder]);
  else known.push(holder);
}

/** The ids of the models that a replica has loaded or loads, each once. */
export function loadedModelIds(replica: ReplicaScope): readonly string[] {
  const known = holders.get(replica);
  return known === undefined ? [] : [...new Set(known.flatMap(({ present }) => present))];
}

/** What is measured of a replica's models, by each `serve.multiplexed` of it. Starts anew with the replica's instance. */
export function modelMeasurements(replica: ReplicaScope): readonly Measurements[] {
  return (holders.get(replica) ?? []).map(({ measurements }) => measurements);
}

/**
 * Disposes of a replica's models, in use or not, and ends every wait for one: the end of a drained replica, and of an
 * instance whose start failed. Never rejects; what a disposal throws is logged.
 */
export async function disposeModels(replica: ReplicaScope): Promise<void> {
  const known = holders.get(replica) ?? [];
  holders.delete(replica);
  await Promise.all(known.map((holder) => holder.close()));
}

const limits = new WeakMap<ReplicaScope, () => number>();

/** Says how long the disposal of one of a replica's models may take, in milliseconds: asked each time, because it may change. */
export function limitDisposals(replica: ReplicaScope, timeoutMs: () => number): void {
  limits.set(replica, timeoutMs);
}

/** How long the disposal of one of a replica's models may take, in milliseconds. */
export function disposalLimitMs(replica: ReplicaScope): number {
  return limits.get(replica)?.() ?? DEFAULT_HEALTH_CHECK_TIMEOUT_MS;
}

/** What a replica's models have cost since it started. Counts only grow. */
export interface MultiplexedStats {
  /** Calls that found the model loaded. */
  readonly hits: number;
  /** Calls that had to wait: for a load that they began, or for one that was under way. */
  readonly misses: number;
  /** Models that were loaded, prefetched ones included. */
  readonly loads: number;
  /** Loads that failed, or were given up because nobody waited for them any more. */
  readonly failures: number;
  readonly evictions: number;
  /** Loads that `prefetch` began. */
  readonly prefetches: number;
  /** Loads beyond `maxModelsPerReplica`, because no model would have come free without the request that asked. */
  readonly exceeded: number;
  /** Milliseconds that the loads took, all of them together. */
  readonly loadMs: number;
  /** What the models take now, by `sizeOf`. */
  readonly sizeBytes: number;
}

/** Of a replica that was never asked for a model. */
export function noStats(): MultiplexedStats {
  return { hits: 0, misses: 0, loads: 0, failures: 0, evictions: 0, prefetches: 0, exceeded: 0, loadMs: 0, sizeBytes: 0 };
}
