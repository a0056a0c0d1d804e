/**
 * Brings the list of replicas in line with how many there should be.
 *
 * Invariants:
 *   L1. Afterwards the set has as many replicas as there should be, and no two with one number.
 *   L2. A replica that is taken out of the set drains first, also one that sleeps: its object may hold sockets, and have an alarm.
 *   L3. Every change of the set has an epoch of its own.
 *   L4. A number that is wanted again has the same object as before, and so its storage: also one that is still draining. Only one that
 *       is sick is replaced by another.
 */
import { type ReplicaRef, replicaRef } from "../protocol/replica-set.ts";
import { change, type DeploymentState, isInSet, type ReplicaState } from "./state.ts";

/** What a draining replica is given beyond its own time, to say that it has finished. */
const DRAIN_GRACE_MS = 2000;

/** Adds and removes replicas until there are as many as wanted, and forgets the ones that have drained. */
export function settleReplicas(app: string, deployment: DeploymentState, nowMs: number): void {
  const { replicas } = deployment;
  const wanted = deployment.isLeaving ? 0 : deployment.target;
  const before = replicas.inSetCount;
  if (before > wanted) for (const replica of removable(deployment).slice(0, before - wanted)) drain(deployment, replica, nowMs);
  for (let count = before; count < wanted; count++) bringIn(app, deployment, replicas.freeOrdinal(), nowMs);
  if (before !== wanted) changeSet(deployment);
  for (const replica of replicas.drained(nowMs)) {
    replicas.remove(replica);
    deployment.loads?.delete(replica.ref.name, nowMs);
  }
}

/** Puts a new incarnation in a sick replica's place. @param stuckStarts How many were replaced in a row because they did not start. */
export function replace(app: string, deployment: DeploymentState, replica: ReplicaState, { nowMs, stuckStarts }: ReplaceInput): void {
  drain(deployment, replica, nowMs);
  noteIncarnation(deployment, replica.ordinal, replica.incarnation + 1);
  if (!deployment.isLeaving && deployment.replicas.inSetCount < deployment.target) {
    const next = add(app, deployment, replica.ordinal, nowMs);
    if (stuckStarts > 0) deployment.replicas.update(next, { stuckStarts });
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
  const { replicas, epoch } = deployment;
  change(deployment, { epoch: epoch + 1 });
  for (const replica of replicas) if (replica.phase === "RUNNING") replicas.update(replica, { retryAtMs: 0 });
}

// The ones that have not begun first, then the highest numbers: callers that know nothing begin at 0.
function removable({ replicas }: DeploymentState): ReplicaState[] {
  const rank = ({ phase }: ReplicaState) => (phase === "STARTING" ? 0 : 1);
  return [...replicas].filter(isInSet).toSorted((a, b) => rank(a) - rank(b) || b.ordinal - a.ordinal);
}

function drain({ replicas, config }: DeploymentState, replica: ReplicaState, nowMs: number): void {
  const drainUntilMs = nowMs + config.gracefulShutdownTimeoutMs + DRAIN_GRACE_MS;
  replicas.update(replica, { phase: "DRAINING", sinceMs: nowMs, retryAtMs: 0, drainUntilMs });
}

// One that drains has not forgotten anything: it serves on, or starts its class again.
function bringIn(app: string, deployment: DeploymentState, ordinal: number, nowMs: number): void {
  const draining = deployment.replicas.get(refOf(app, deployment, ordinal).name);
  if (draining === undefined) add(app, deployment, ordinal, nowMs);
  else deployment.replicas.update(draining, { phase: "STARTING", sinceMs: nowMs, retryAtMs: 0, drainUntilMs: 0, message: "" });
}

function refOf(app: string, { name, config, incarnations }: DeploymentState, ordinal: number): ReplicaRef {
  return replicaRef({ app, deployment: name, config, ordinal, incarnation: incarnations[ordinal] ?? 0 });
}

function add(app: string, deployment: DeploymentState, ordinal: number, nowMs: number): ReplicaState {
  const replica: ReplicaState = {
    ordinal,
    incarnation: deployment.incarnations[ordinal] ?? 0,
    ref: refOf(app, deployment, ordinal),
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
  deployment.replicas.add(replica);
  return replica;
}

function noteIncarnation(deployment: DeploymentState, ordinal: number, incarnation: number): void {
  const { incarnations } = deployment;
  if (incarnations[ordinal] !== incarnation) change(deployment, { incarnations: { ...incarnations, [ordinal]: incarnation } });
}
