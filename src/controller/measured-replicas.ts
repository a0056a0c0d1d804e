/**
 * What an application's replicas have measured: taken from their reports, told to whoever scrapes, and forgotten when they have left.
 *
 * Owns: which rows there are. Does not own: what is in one (`metrics-store.ts`), where they are stored.
 *
 * Invariants:
 *   M1. A deployment of many replicas, or of an application that has many, is shown as the sum of all of them. It never gets smaller while
 *       it is shown: what forgotten replicas have counted stays in it.
 *   M2. Rows change here alone, so the running sums are theirs. They are made when they are first asked for, of all rows.
 */
import { LEASE_MS } from "../protocol/control.ts";
import {
  type Birth,
  isShownAsSum,
  type Look,
  type Measured,
  type MetricsSnapshot,
  type ReplicaMetrics,
  type SeriesByKey,
  splitKey,
} from "../protocol/metrics.ts";
import { parseReplicaId } from "../protocol/names.ts";
import { addCounts, isForgotten, keep, keepCounts, type MeasuredStore, totalOf, youngOf } from "./metrics-store.ts";
import type { ApplicationState } from "./state.ts";
import { RunningSums } from "./running-sums.ts";
import { shownOf } from "./status-document.ts";
import { summed } from "./summed-metrics.ts";

/** How often all rows are looked through for those of replicas that left long ago, at most. */
const SWEEP_MS = 600_000;

/** Of which deployment a replica tells, and when. */
interface Taken {
  readonly deployment: string;
  readonly isPresent: boolean;
  readonly nowMs: number;
}

export class MeasuredReplicas {
  readonly #app: string;
  readonly #store: MeasuredStore;
  #sums: RunningSums | undefined;
  #sweptAtMs = -Infinity;

  constructor(app: string, store: MeasuredStore) {
    this.#app = app;
    this.#store = store;
  }

  /** A replica tells what it has measured. @param isPresent Whether it is one of the deployment's. */
  take(replica: string, snapshot: MetricsSnapshot, { deployment, isPresent, nowMs }: Taken): void {
    const before = this.#store.get(replica);
    // The last word of a replica that has drained comes when it has left.
    if (isPresent || before !== undefined) this.#set(replica, before, keep(before, snapshot, nowMs), deployment);
  }

  /** A Worker tells what it has counted since it told the last time, of a deployment that runs inline in it. */
  takeMore(deployment: string, { series, about = {} }: MetricsSnapshot, nowMs: number): void {
    const row = IN_WORKERS + deployment;
    const before = this.#store.get(row);
    this.#set(row, before, keepCounts(before, { series, about }, nowMs));
  }

  /** How the deployments are, and what they have counted, replicas that are not shown any more included: no count gets smaller. */
  looked(application: ApplicationState, nowMs: number): Look["deployments"] {
    if (this.#sums === undefined) {
      this.#sums = new RunningSums();
      for (const [name, measured] of this.#store.entries()) this.#add(name, undefined, measured);
    }
    const look = this.#sums.look(nowMs);
    const shown = shownOf(application).map(({ name, replicas }) => [name, look(replicas.runningCount, this.#whose(name))] as const);
    return Object.fromEntries(shown);
  }

  #set(name: string, before: Measured | undefined, after: Measured, deployment?: string): void {
    this.#store.set(name, after);
    this.#add(name, before, after, deployment);
  }

  #add(name: string, before: Measured | undefined, after: Measured | undefined, deployment = rowOf(name)?.deployment): void {
    if (deployment !== undefined) this.#sums?.replace(name, this.#whose(deployment), before, after);
  }

  #whose(deployment: string): string {
    return `${this.#app}/${deployment}`;
  }

  /** All that is to be scraped. */
  all(application: ApplicationState, nowMs: number): ReplicaMetrics[] {
    const shown: ReplicaMetrics[] = [];
    const parts = new Map<string, ReplicaMetrics[]>();
    const countOf = (deployment: string) => application.deployments.get(deployment)?.replicas.size ?? 0;
    const inAll = application.deployments.keys().reduce((sum, deployment) => sum + countOf(deployment), 0);
    for (const [name, measured] of this.#store.entries()) {
      const of = rowOf(name);
      if (of === undefined) continue;
      const { deployment, replica } = of;
      const isGone = !isPresent(application, name);
      const isMany = isShownAsSum(countOf(deployment), inAll);
      if (!isMany && (replica === undefined || (isGone && isForgotten(measured, nowMs)))) continue;
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

  /** Replicas have left. They are shown for a while: whoever scrapes would miss what they did last. */
  gone(application: ApplicationState, names: readonly string[], { isDeleted, nowMs }: { isDeleted: boolean; nowMs: number }): void {
    if (isDeleted || nowMs - this.#sweptAtMs >= SWEEP_MS) {
      this.#sweep(application, isDeleted, nowMs);
      return;
    }
    for (const name of names) {
      const row = this.#store.get(name);
      if (row !== undefined && row.goneAtMs === undefined) this.#set(name, row, { ...row, goneAtMs: nowMs });
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
        this.#add(name, row, undefined);
      } else if (row.goneAtMs === undefined) this.#set(name, row, { ...row, goneAtMs: nowMs });
    }
    this.#sweptAtMs = nowMs;
  }

  // Of a small deployment too: should it become large, the sum goes on from there.
  #keepCounts(deployment: string, row: Measured): void {
    const name = FORGOTTEN + deployment;
    const before = this.#store.get(name);
    this.#set(name, before, addCounts(before, row));
  }
}

/** What the row of a deployment is called. No replica is called so. */
const FORGOTTEN = "forgotten:";

/** Before the name of a deployment that runs inline in Workers: no name of a replica begins with it. */
const IN_WORKERS = "@";

/** What a row is of: a replica, all Workers, or, without one, what those that are forgotten have counted. */
function rowOf(name: string): { readonly deployment: string; readonly replica: string | undefined } | undefined {
  if (name.startsWith(FORGOTTEN)) return { deployment: name.slice(FORGOTTEN.length), replica: undefined };
  const inWorkers = deploymentInWorkers(name);
  if (inWorkers !== undefined) return { deployment: inWorkers, replica: "" };
  const deployment = parseReplicaId(name)?.deployment;
  return deployment === undefined ? undefined : { deployment, replica: name };
}

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
