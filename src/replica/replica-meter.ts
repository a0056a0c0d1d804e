/**
 * What a replica measures of its requests.
 *
 * Owns: which numbers a request adds to. Does not own: who is told of them, and when (load-reporter.ts).
 *
 * Invariants:
 *   T1. A request adds to numbers that are there: nothing is allocated, unless it is the first of its kind or has failed.
 *   T2. Each request is counted once, as processed or as failed, when the last of it has been sent.
 */
import type { ReplicaScope } from "../context/scope.ts";
import { modelMeasurements } from "../multiplexing/registry.ts";
import { LATENCY_MS, type MetricKey } from "../observe/metric-definitions.ts";
import { merged, numbersAt, observe } from "../observe/series.ts";
import { measurementsOf } from "../observe/sources.ts";
import { descriptionOf, userMetricOf } from "../observe/user-metric.ts";
import { type UserSeries, userSeriesOf } from "../observe/user-series.ts";
import type { AdmissionMode, Load } from "../protocol/messages.ts";
import { type Descriptions, isUserKey, type MetricsSnapshot, type Series, type SeriesByKey, splitKey } from "../protocol/metrics.ts";

/** What a request failed with. */
export interface Failed {
  readonly error: unknown;
}

/** A request that has run. */
export interface Ran {
  /** The prefix that the HTTP request behind it came by. */
  readonly routePrefix: string | undefined;
  /** When its user code began. */
  readonly startedAtMs: number;
  /** When the last of it was sent. */
  readonly endedAtMs: number;
}

/** What is measured of each request. */
type Counted = Extract<MetricKey, "requests" | "errors" | "latency" | "http" | "httpLatency" | "refused">;

export class ReplicaMeter {
  readonly #scope: ReplicaScope;
  readonly #load: () => Load;
  readonly #startedAtMs: number;
  readonly #counted: Record<Counted, Series[]> = { requests: [], errors: [], latency: [], http: [], httpLatency: [], refused: [] };
  /** The metrics of the application's own. */
  readonly #user: UserSeries;
  /** Up to which of their changes a snapshot goes. */
  readonly #upTo = new WeakMap<MetricsSnapshot, number>();
  /** Whether something has been counted since the last snapshot. */
  hasNews = false;
  /** Called when something is counted that may belong to no request. */
  counted: (() => void) | undefined;
  /** Called whenever something is counted. */
  noted: (() => void) | undefined;
  /** How many series the last snapshot had; `undefined` before the first. */
  #told: number | undefined;

  /**
   * @param startedAtMs When the replica was started.
   * @param load What it has on its hands.
   */
  constructor(scope: ReplicaScope, startedAtMs: number, load: () => Load) {
    this.#scope = scope;
    this.#load = load;
    this.#startedAtMs = startedAtMs;
    this.#user = userSeriesOf(scope);
    this.#user.changed = () => {
      this.hasNews = true;
      this.counted?.();
      this.noted?.();
    };
  }

  /** A request has run. */
  ran({ routePrefix = "", startedAtMs, endedAtMs }: Ran, failed?: Failed): void {
    this.hasNews = true;
    observe(numbersAt(this.#counted.latency, routePrefix), LATENCY_MS, endedAtMs - startedAtMs);
    if (failed === undefined) numbersAt(this.#counted.requests, routePrefix)[0]!++;
    else this.#failed(routePrefix, failed.error);
    this.noted?.();
  }

  /** One that came over HTTP has been answered. */
  answered({ routePrefix = "", startedAtMs, endedAtMs }: Ran, method: string, status: number): void {
    numbersAt(this.#counted.http, routePrefix, method, status)[0]!++;
    observe(numbersAt(this.#counted.httpLatency, routePrefix, method, status), LATENCY_MS, endedAtMs - startedAtMs);
    this.noted?.();
  }

  /** A request left the queue without having run. @param http How an HTTP request was answered. */
  gaveUp(route = "", error: unknown, http?: { readonly method: string; readonly status: number }): void {
    this.#failed(route, error);
    if (http !== undefined) numbersAt(this.#counted.http, route, http.method, http.status)[0]!++;
    this.noted?.();
  }

  /** A request was refused: another replica may take it. */
  refused(mode: AdmissionMode): void {
    this.hasNews = true;
    numbersAt(this.#counted.refused, mode)[0]!++;
    this.noted?.();
  }

  /** Whether there are series that the controller has not heard of: they are shown from 0 on, the sooner the better. */
  get hasNewSeries(): boolean {
    if (this.#told === undefined || this.#user.hasNewSeries) return true;
    return this.hasNews && countOfSeries(this.series) > this.#told;
  }

  /** All that the replica has measured since it was started; of the application's own metrics, what has changed since {@link heard}. */
  snapshot(): MetricsSnapshot {
    this.hasNews = false;
    const series = this.series;
    this.#told = countOfSeries(series);
    const { series: own, about: ofOwn, upTo } = this.#user.take();
    const about = { ...descriptionsIn(series), ...ofOwn };
    const isTelling = Object.keys(about).length > 0;
    const snapshot = { startedAtMs: this.#startedAtMs, series: { ...series, ...own }, ...(isTelling ? { about } : {}) };
    this.#upTo.set(snapshot, upTo);
    return snapshot;
  }

  /** The controller has this snapshot. */
  heard(snapshot: MetricsSnapshot): void {
    this.#user.heard({ upTo: this.#upTo.get(snapshot) ?? 0 });
  }

  /** All that it has measured. */
  get series(): SeriesByKey {
    const { ongoing, queued } = this.#load();
    const momentary: SeriesByKey = { ongoing: [[[], [ongoing]]], queued: [[[], [queued]]] };
    const parts = [...measurementsOf(this.#scope), ...modelMeasurements(this.#scope)];
    return merged(this.#counted, momentary, ...(parts as SeriesByKey[]));
  }

  #failed(route: string, error: unknown): void {
    this.hasNews = true;
    numbersAt(this.#counted.errors, route, nameOf(error))[0]!++;
  }
}

// Of the metrics that deployments use which run inline in the replica.
function descriptionsIn(series: SeriesByKey): Descriptions {
  const about: Record<string, string> = {};
  for (const key of Object.keys(series)) {
    const name = isUserKey(key) ? userMetricOf(splitKey(key).metric)?.name : undefined;
    if (name !== undefined && descriptionOf(name) !== "") about[name] = descriptionOf(name);
  }
  return about;
}

function countOfSeries(series: SeriesByKey): number {
  return Object.values(series).reduce((count, list) => count + list.length, 0);
}

/** A name is a label, which is kept and scraped. */
const MAX_NAME_LENGTH = 100;

// Whatever was thrown may have a name that cannot be read, or is none.
function nameOf(error: unknown): string {
  try {
    const name: unknown = error instanceof Error ? error.name : typeof error;
    return typeof name === "string" ? name.slice(0, MAX_NAME_LENGTH) : "Error";
  } catch {
    return "Error";
  }
}
