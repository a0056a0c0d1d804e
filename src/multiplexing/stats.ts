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
