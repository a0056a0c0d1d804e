/**
 * What an application's replicas have measured: taken from their reports, told to whoever scrapes, and forgotten when they have left.
 *
 * Owns: which rows there are. Does not own: what is in one (`metrics-store.ts`), where they are stored.
 *
 * Invariants:
 *   M1. A deployment of many replicas, or of an application that has many, is shown as the sum of all of them. It never gets smaller while
 *       it is shown: what forgotten replicas have counted stays in it.
 */
import { LEASE_MS } from "../protocol/control.ts";
import {
  type Birth,
  isShownAsSum,
  type Measured,
  type MetricsSnapshot,
  type ReplicaMetrics,
  type SeriesByKey,
  splitKey,
} from "../protocol/metrics.ts";
import { parseReplicaId } from "../protocol/names.ts";
import { addCounts, isForgotten, keep, keepCounts, type MeasuredStore, totalOf, youngOf } from "./metrics-store.ts";
import type { ApplicationState } from "./state.ts";
import { summed } from "./summed-metrics.ts";

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
  takeMore(deployment: string, { series, about = {} }: MetricsSnapshot, nowMs: number): void {
    const row = IN_WORKERS + deployment;
    this.#store.set(row, keepCounts(this.#store.get(row), { series, about }, nowMs));
  }

  /** All that is to be scraped. @param isWhole With what replicas counted that are not shown any more: then no sum gets smaller. */
  all(application: ApplicationState, nowMs: number, isWhole = false): ReplicaMetrics[] {
    const shown: ReplicaMetrics[] = [];
    const parts = new Map<string, ReplicaMetrics[]>();
    const countOf = (deployment: string) => application.deployments.get(deployment)?.replicas.size ?? 0;
    const inAll = application.deployments.keys().reduce((sum, deployment) => sum + countOf(deployment), 0);
    for (const [name, { deployment, replica }, measured] of this.#rows()) {
      const isGone = !isPresent(application, name);
      const isMany = isShownAsSum(countOf(deployment), inAll);
      if (!isMany && !isWhole && (replica === undefined || (isGone && isForgotten(measured, nowMs)))) continue;
      const isSilent = isGone || nowMs - measured.atMs > LEASE_MS;
      const { starts, atMs, latest } = measured;
      const series = totalOf(measured, { isSilent, isGone });
      const about = latest.about ?? {};
      const all: ReplicaMetrics = { deployment, replica, starts, series, young: youngOf(measured, nowMs), atMs, about };
      for (const metrics of replica === "" ? [{ ...all, isInline: true as const }] : byDeployment(all)) {
        const whose = JSON.stringify([metrics.app, metrics.deployment]);
        if (!isMany) shown.push(metrics);
        else if (parts.get(whose)?.push(metrics) === undefined) parts.set(whose, [metrics]);
      }
    }
    return [...shown, ...Array.from(parts.values(), summed)];
  }

  /** The rows, with what each is of: a replica, all Workers, or, without one, what those that are forgotten have counted. */
  *#rows(): Generator<readonly [name: string, of: { readonly deployment: string; readonly replica: string | undefined }, Measured]> {
    for (const [name, measured] of this.#store.entries()) {
      const deployment = parseReplicaId(name)?.deployment;
      const inWorkers = deploymentInWorkers(name);
      if (inWorkers !== undefined) yield [name, { deployment: inWorkers, replica: "" }, measured];
      else if (deployment !== undefined) yield [name, { deployment, replica: name }, measured];
      else if (name.startsWith(FORGOTTEN)) yield [name, { deployment: name.slice(FORGOTTEN.length), replica: undefined }, measured];
    }
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
      if (name.startsWith(FORGOTTEN) && !isDeleted) continue;
      const deployment = parseReplicaId(name)?.deployment;
      if (isDeleted || (row.goneAtMs !== undefined && isForgotten(row, nowMs))) {
        if (!isDeleted && deployment !== undefined) this.#keepCounts(deployment, row);
        this.#store.delete(name);
      } else if (row.goneAtMs === undefined) this.#store.set(name, { ...row, goneAtMs: nowMs });
    }
    this.#sweptAtMs = nowMs;
  }

  // Of a small deployment too: should it become large, the sum goes on from there.
  #keepCounts(deployment: string, row: Measured): void {
    const name = FORGOTTEN + deployment;
    this.#store.set(name, addCounts(this.#store.get(name), row));
  }
}

/** What the row of a deployment is called. No replica is called so. */
const FORGOTTEN = "forgotten:";

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
