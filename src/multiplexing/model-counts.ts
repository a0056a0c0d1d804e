/**
 * What the models of one replica have cost: counted once, for `models.stats` and for Prometheus.
 */
import { LATENCY_MS } from "../observe/metric-definitions.ts";
import { observe } from "../observe/series.ts";
import type { Measurements } from "../observe/sources.ts";
import { type MultiplexedStats, noStats } from "./registry.ts";

export class ModelCounts {
  /** To be counted up; `sizeBytes` is what `statsWith` adds. */
  readonly stats: { -readonly [K in keyof MultiplexedStats]: MultiplexedStats[K] } = noStats();
  /** A histogram of how long disposals took. */
  readonly disposalsMs: number[] = [0];
  readonly #loadMs = [0];

  loaded(durationMs: number): void {
    this.stats.loads++;
    this.stats.loadMs += durationMs;
    observe(this.#loadMs, LATENCY_MS, durationMs);
  }

  statsWith(models: Iterable<{ readonly sizeBytes: number }>): MultiplexedStats {
    let sizeBytes = 0;
    for (const model of models) sizeBytes += model.sizeBytes;
    return { ...this.stats, sizeBytes };
  }

  /** @param models How many are loaded. */
  measurementsWith(models: number): Measurements {
    const { hits, misses } = this.stats;
    return {
      modelGets: [[[], [hits + misses]]],
      modelHits: [[[], [hits]]],
      modelLoad: [[[], this.#loadMs]],
      modelUnload: [[[], this.disposalsMs]],
      models: [[[], [models]]],
    };
  }
}
