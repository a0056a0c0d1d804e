/**
 * What a controller knows of its application, in memory. It is made from what is stored (`stored-state.ts`), and whatever of it
 * must last is stored again before anything that follows from it is done.
 *
 * Invariants:
 *   G1. Fields that are stored change by {@link change}, and those of replicas by their roster: so what has changed is known,
 *       and nothing else is written.
 */
import { LEASE_MS } from "../protocol/control.ts";
import type { DeploymentConfig } from "../protocol/manifest.ts";
import type { ReplicaRef, ReplicaSet } from "../protocol/replica-set.ts";
import type { ReplicaPhase } from "../protocol/status.ts";
import type { LoadSum } from "./autoscale/load-sum.ts";
import type { Point } from "./autoscale/step-function.ts";
import type { Roster } from "./roster.ts";
import { Schedule } from "./schedule.ts";
import type { ApplicationRow, DeploymentRow } from "./stored-state.ts";

/** What is stored as one row. */
export interface Tracked {
  /** Whether the row is to be written. */
  isChanged: boolean;
}

/** An application, as its controller knows it. */
export interface ApplicationState extends Tracked, Readonly<ApplicationRow> {
  readonly deployments: Map<string, DeploymentState>;
  /** When each deployment is to be looked at again, whatever happens. */
  readonly agenda: Schedule<DeploymentState>;
}

/** A deployment, as its controller knows it. */
export interface DeploymentState extends Tracked, Readonly<DeploymentRow> {
  readonly replicas: Roster;
  /** What the replicas have reported, added up; made from their reports when it is first asked for. */
  loads: LoadSum | undefined;
  /** When a policy was asked last, by this object. */
  policyAskedAtMs: number;
  /** The replica set as it was last given away, and what it was made from. */
  given: { readonly set: ReplicaSet; readonly revision: number; readonly config: DeploymentConfig } | undefined;
}

/** A replica, as its controller knows it. */
export interface ReplicaState {
  readonly ordinal: number;
  readonly incarnation: number;
  readonly ref: ReplicaRef;
  readonly phase: ReplicaPhase;
  /** When it came into its phase. */
  readonly sinceMs: number;
  /** Of the code that it was last seen to run. */
  readonly version: string | null;
  /** The newest epoch that it is known to have. */
  readonly epoch: number;
  /** When it was last heard of; 0 is never. While its lease lasts it may be awake. */
  readonly contactAtMs: number;
  /** Not before this time is it told anything again. */
  readonly retryAtMs: number;
  /** When a draining one is given up. */
  readonly drainUntilMs: number;
  readonly message: string;
  /** How many before it, in a row, were replaced because requests ran out of time while they started. */
  readonly stuckStarts?: number | undefined;
  /** Its load over the look-back period, as a step function. */
  readonly load: readonly Point[];
  readonly stats: Readonly<Record<string, number>> | null;
}

/** A replica that callers may choose. */
export function isInSet({ phase }: Pick<ReplicaState, "phase">): boolean {
  return phase === "STARTING" || phase === "RUNNING";
}

/** Whether a replica may be awake, as far as its controller knows. */
export function mayBeAwake({ contactAtMs }: Pick<ReplicaState, "contactAtMs">, nowMs: number): boolean {
  return contactAtMs > 0 && nowMs - contactAtMs < LEASE_MS;
}

/** Changes fields of a row; it is written if any of them was different. */
export function change<T extends Tracked>(row: T, fields: Partial<T>): void {
  for (const key of Object.keys(fields) as (keyof T)[]) {
    if (Object.is(row[key], fields[key])) continue;
    Object.assign(row, fields);
    row.isChanged = true;
    return;
  }
}

/** How many replicas an application has, the draining ones included. */
export function replicaCount({ deployments }: ApplicationState): number {
  let count = 0;
  for (const { replicas } of deployments.values()) count += replicas.size;
  return count;
}

/** What is known of an application before anything has happened. */
export function freshState(name: string): ApplicationState {
  return {
    name,
    revision: 0,
    version: "",
    desired: null,
    deployedAtMs: 0,
    status: "NOT_STARTED",
    deployments: new Map(),
    agenda: new Schedule(),
    isChanged: false,
  };
}
