/**
 * What an application's replicas have measured: taken from their reports, told to whoever scrapes, and forgotten when they have left.
 *
 * Owns: which rows there are. Does not own: what is in one (`metrics-store.ts`), where they are stored.
 */
import { LEASE_MS } from "../protocol/control.ts";
import type { MetricsSnapshot, ReplicaMetrics } from "../protocol/metrics.ts";
import { parseReplicaId } from "../protocol/names.ts";
import { isForgotten, keep, type MeasuredStore, totalOf, youngOf } from "./metrics-store.ts";
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

  /** All that is to be scraped. */
  all(application: ApplicationState, nowMs: number): ReplicaMetrics[] {
    return [...this.#store.entries()].flatMap(([replica, measured]): ReplicaMetrics | [] => {
      const deployment = parseReplicaId(replica)?.deployment;
      const isThere = isPresent(application, replica);
      if (deployment === undefined || (!isThere && isForgotten(measured, nowMs))) return [];
      const isSilent = !isThere || nowMs - measured.atMs > LEASE_MS;
      return { deployment, replica, starts: measured.starts, series: totalOf(measured, isSilent), young: youngOf(measured, nowMs) };
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

function isPresent({ deployments }: ApplicationState, replica: string): boolean {
  const deployment = parseReplicaId(replica)?.deployment;
  return deployment !== undefined && deployments.get(deployment)?.replicas.get(replica) !== undefined;
}
