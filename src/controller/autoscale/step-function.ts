/**
 * Load over time: what replicas reported, as right-continuous step functions.
 *
 * A value holds from its time until the next one, and the last one until now. Times in milliseconds since the epoch.
 */

/** What was reported at one time. */
export interface Point {
  readonly atMs: number;
  /** Requests running or waiting; not negative. */
  readonly value: number;
}

/** The reports of one replica, oldest first. Every report is a point, also one that repeats the value. */
export type Series = readonly Point[];

/** Leaves out the points that no look-back period from `nowMs` on can see; the value at its start is kept. */
export function pruneSeries(series: Series, nowMs: number, lookBackPeriodMs: number): Series {
  const startMs = nowMs - lookBackPeriodMs;
  const kept = series.findLastIndex(({ atMs }) => atMs <= startMs);
  return kept <= 0 ? series : series.slice(kept);
}

/**
 * When a series becomes stale, because it claims load and has been silent for `staleAfterMs`; `Infinity` for one that claims
 * none. That is phantom load, of a replica that is gone.
 *
 * Ray Serve drops every silent series. Here a replica without work is silent by design: what it last said is 0, which
 * holds, and what it said before leaves the look-back period in its time.
 */
export function staleAtMs(series: Series, staleAfterMs: number): number {
  const last = series.at(-1);
  return last === undefined || last.value === 0 ? Infinity : last.atMs + staleAfterMs;
}

/** After how much silence a series is stale, unless said otherwise: two reports missed, and at least 10 s, as in Ray Serve. */
export function defaultStaleAfterMs(config: { readonly metricsIntervalMs: number }): number {
  return Math.max(2 * config.metricsIntervalMs, 10_000);
}
