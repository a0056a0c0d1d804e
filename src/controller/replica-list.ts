/**
 * Brings the list of replicas in line with how many there should be.
 *
 * Invariants:
 *   L1. Afterwards the set has as many replicas as there should be, and no two with one number.
 *   L2. A replica that is taken out of the set drains first, unless it sleeps: then it has nothing to finish.
 *   L3. Every change of the set has an epoch of its own.
 *   L4. A name is not used again while the replica of that name drains.
 */
import { LEASE_MS } from "../protocol/control.ts";
import { replicaRef } from "../protocol/replica-set.ts";
import { type ApplicationState, type DeploymentState, isInSet, type ReplicaState } from "./state.ts";

/** What a draining replica is given beyond its own time, to say that it has finished. */
const DRAIN_GRACE_MS = 2000;

/** Adds and removes replicas until there are as many as wanted, and forgets the ones that have drained. */
export function settleReplicas(app: string, deployment: DeploymentState, nowMs: number): void {
  const wanted = deployment.isLeaving ? 0 : deployment.target;
  const before = deployment.replicas.filter(isInSet).length;
  for (const replica of removable(deployment.replicas).slice(0, Math.max(0, before - wanted))) drain(deployment, replica, nowMs);
  for (let count = before; count < wanted; count++) add(app, deployment, freeOrdinal(deployment.replicas), nowMs);
  if (before !== wanted) changeSet(deployment);
  deployment.replicas = deployment.replicas.filter((replica) => !isDone(replica, nowMs));
}

/** Whether a replica may be awake, as far as its controller knows. */
export function mayBeAwake({ contactAtMs }: ReplicaState, nowMs: number): boolean {
  return contactAtMs > 0 && nowMs - contactAtMs < LEASE_MS;
}

/** When the list changes by itself; `undefined` when it does not. */
export function nextSettleAtMs({ deployments }: ApplicationState, nowMs: number): number | undefined {
  const draining = Object.values(deployments).flatMap(({ replicas }) => replicas.filter(({ phase }) => phase === "DRAINING"));
  const times = draining.map(({ drainUntilMs, contactAtMs }) => Math.min(drainUntilMs, contactAtMs + LEASE_MS));
  return times.length === 0 ? undefined : Math.max(nowMs, Math.min(...times));
}

/** Puts a new incarnation in a sick replica's place. @param stuckStarts How many were replaced in a row because they did not start. */
export function replace(app: string, deployment: DeploymentState, replica: ReplicaState, { nowMs, stuckStarts }: ReplaceInput): void {
  drain(deployment, replica, nowMs);
  deployment.incarnations[replica.ordinal] = replica.incarnation + 1;
  if (isWanted(deployment)) {
    const next = add(app, deployment, replica.ordinal, nowMs);
    if (stuckStarts > 0) next.stuckStarts = stuckStarts;
  }
  changeSet(deployment);
}

interface ReplaceInput {
  readonly nowMs: number;
  readonly stuckStarts: number;
}

/** Takes in a replica that a request has started beyond the set. */
export function takeIn(app: string, deployment: DeploymentState, ordinal: number, nowMs: number): ReplicaState {
  changeSet(deployment);
  return add(app, deployment, ordinal, nowMs);
}

// One that runs the code of before is asked at leisure whether it still does, and is told of another set at once.
function changeSet(deployment: DeploymentState): void {
  deployment.epoch++;
  for (const replica of deployment.replicas) if (replica.phase === "RUNNING") replica.retryAtMs = 0;
}

function isWanted({ isLeaving, replicas, target }: DeploymentState): boolean {
  return !isLeaving && replicas.filter(isInSet).length < target;
}

// The ones that have not begun first, then the highest numbers: callers that know nothing begin at 0.
function removable(replicas: readonly ReplicaState[]): ReplicaState[] {
  const rank = ({ phase }: ReplicaState) => (phase === "STARTING" ? 0 : 1);
  return replicas.filter(isInSet).toSorted((a, b) => rank(a) - rank(b) || b.ordinal - a.ordinal);
}

function drain(deployment: DeploymentState, replica: ReplicaState, nowMs: number): void {
  replica.phase = "DRAINING";
  replica.sinceMs = nowMs;
  replica.retryAtMs = 0;
  replica.drainUntilMs = nowMs + deployment.config.gracefulShutdownTimeoutMs + DRAIN_GRACE_MS;
}

function isDone(replica: ReplicaState, nowMs: number): boolean {
  return replica.phase === "DRAINING" && (nowMs >= replica.drainUntilMs || !mayBeAwake(replica, nowMs));
}

function freeOrdinal(replicas: readonly ReplicaState[]): number {
  const taken = new Set(replicas.filter(isInSet).map(({ ordinal }) => ordinal));
  let ordinal = 0;
  while (taken.has(ordinal)) ordinal++;
  return ordinal;
}

function add(app: string, deployment: DeploymentState, ordinal: number, nowMs: number): ReplicaState {
  const incarnation = nextIncarnation(deployment, ordinal);
  if (incarnation > 0) deployment.incarnations[ordinal] = incarnation;
  const replica: ReplicaState = {
    ordinal,
    incarnation,
    ref: replicaRef({ app, deployment: deployment.name, config: deployment.config, ordinal, incarnation }),
    phase: "STARTING",
    sinceMs: nowMs,
    version: null,
    epoch: 0,
    contactAtMs: 0,
    retryAtMs: 0,
    drainUntilMs: 0,
    message: "",
    load: [],
    stats: null,
  };
  deployment.replicas.push(replica);
  return replica;
}

// The same object again, unless it is sick or has not finished draining.
function nextIncarnation({ incarnations, replicas }: DeploymentState, ordinal: number): number {
  const present = replicas.filter((replica) => replica.ordinal === ordinal).map(({ incarnation }) => incarnation + 1);
  return Math.max(incarnations[ordinal] ?? 0, ...present);
}
