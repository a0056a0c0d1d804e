/**
 * What an application's replicas have measured: taken from their reports, told to whoever scrapes, and forgotten when they have left.
 *
 * Owns: which rows there are. Does not own: what is in one (`metrics-store.ts`), where they are stored.
 */
import { LEASE_MS } from "../protocol/control.ts";
import { type Birth, type MetricsSnapshot, type ReplicaMetrics, type SeriesByKey, splitKey } from "../protocol/metrics.ts";
import { parseReplicaId } from "../protocol/names.ts";
import { isForgotten, keep, keepMore, type MeasuredStore, totalOf, youngOf } from "./metrics-store.ts";
import type { ApplicationState } from "./state.ts";

/** How often all rows are looked through for those of replicas that left long ago, at most. */
const SWEEP_MS = 600_000;

export class MeasuredReplicas {
  readonly #store: MeasuredStore;
  #sweptAtMs = -Infinity;

  constructor(store: MeasuredStore) {
    this.#store = store;
  }

  /** A replica tells what it has measured. @param isPresent Whether it is one of the application's. */
  take(replica: string, snapshot: MetricsSnapshot, { isPresent, nowMs }: { readonly isPresent: boolean; readonly nowMs: number }): void {
    const before = this.#store.get(replica);
    // The last word of a replica that has drained comes when it has left.
    if (isPresent || before !== undefined) this.#store.set(replica, keep(before, snapshot, nowMs));
  }

  /** A Worker tells what it has counted since it told the last time, of a deployment that runs inline in it. */
  takeMore(deployment: string, more: SeriesByKey, nowMs: number): void {
    const row = IN_WORKERS + deployment;
    this.#store.set(row, keepMore(this.#store.get(row), more, nowMs));
  }

  /** All that is to be scraped. */
  all(application: ApplicationState, nowMs: number): ReplicaMetrics[] {
    return [...this.#store.entries()].flatMap(([row, measured]): ReplicaMetrics[] => {
      const isThere = isPresent(application, row);
      if (!isThere && isForgotten(measured, nowMs)) return [];
      const inWorkers = deploymentInWorkers(row);
      const isSilent = inWorkers === undefined && (!isThere || nowMs - measured.atMs > LEASE_MS);
      const series = totalOf(measured, isSilent);
      const young = youngOf(measured, nowMs);
      if (inWorkers !== undefined) return [{ deployment: inWorkers, replica: "", isInline: true, starts: 0, series, young }];
      const deployment = parseReplicaId(row)?.deployment;
      if (deployment === undefined) return [];
      return byDeployment({ deployment, replica: row, starts: measured.starts, series, young });
    });
  }

  /** Replicas have left. They are shown for a while: whoever scrapes would miss what they did last. */
  gone(application: ApplicationState, names: readonly string[], { isDeleted, nowMs }: { isDeleted: boolean; nowMs: number }): void {
    if (isDeleted || nowMs - this.#sweptAtMs >= SWEEP_MS) {
      this.#sweep(application, isDeleted, nowMs);
      return;
    }
    for (const name of names) {
      const row = this.#store.get(name);
      if (row !== undefined && row.goneAtMs === undefined) this.#store.set(name, { ...row, goneAtMs: nowMs });
    }
  }

  #sweep(application: ApplicationState, isDeleted: boolean, nowMs: number): void {
    for (const [name, row] of Array.from(this.#store.entries())) {
      if (isPresent(application, name)) continue;
      if (isDeleted || (row.goneAtMs !== undefined && isForgotten(row, nowMs))) this.#store.delete(name);
      else if (row.goneAtMs === undefined) this.#store.set(name, { ...row, goneAtMs: nowMs });
    }
    this.#sweptAtMs = nowMs;
  }
}

/** Before the name of a deployment that runs inline in Workers: no name of a replica begins with it. */
const IN_WORKERS = "@";

function deploymentInWorkers(row: string): string | undefined {
  return row.startsWith(IN_WORKERS) ? row.slice(IN_WORKERS.length) : undefined;
}

/** What a replica has measured, and what has run inline in it, apart. */
function byDeployment(all: ReplicaMetrics): ReplicaMetrics[] {
  const { series, young = [], replica } = all;
  const parts = new Map<string | undefined, Record<string, SeriesByKey[string]>>([[undefined, {}]]);
  for (const [key, list] of Object.entries(series)) {
    const { metric, deployment } = splitKey(key);
    const part = parts.get(deployment) ?? {};
    parts.set(deployment, part);
    part[metric] = list;
  }
  return [...parts].map(([whose, part]) => {
    const births = young.flatMap(([key, labels, bornAtMs]): Birth[] => {
      const { metric, deployment } = splitKey(key);
      return deployment === whose ? [[metric, labels, bornAtMs]] : [];
    });
    if (whose === undefined) return { ...all, series: part, young: births };
    const [app = "", deployment = ""] = whose.split("/");
    return { app, deployment, replica, isInline: true, starts: 0, series: part, young: births };
  });
}

function isPresent({ deployments }: ApplicationState, replica: string): boolean {
  const inWorkers = deploymentInWorkers(replica);
  if (inWorkers !== undefined) return deployments.get(inWorkers)?.isLeaving === false;
  const deployment = parseReplicaId(replica)?.deployment;
  return deployment !== undefined && deployments.get(deployment)?.replicas.get(replica) !== undefined;
}
