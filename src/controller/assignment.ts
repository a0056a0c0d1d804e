/**
 * What replicas and callers are told: the replica set, and each replica's part in it.
 */
import type { Assignment, Duty } from "../protocol/control.ts";
import { type ReplicaRef, type ReplicaSet, replicaRef, routerConfigOf } from "../protocol/replica-set.ts";
import { type ApplicationState, type DeploymentState, isInSet, type ReplicaState } from "./state.ts";

/** The replica set of a deployment, as callers get it. */
export function replicaSetOf(application: ApplicationState, deployment: DeploymentState): ReplicaSet {
  const isGone = deployment.isLeaving;
  return {
    epoch: deployment.epoch,
    replicas: isGone ? [] : deployment.replicas.filter(isInSet).map(({ ref }) => ref),
    spill: spillOf(application.name, deployment),
    config: routerConfigOf(deployment.config),
    routePrefix: application.desired?.routePrefix ?? null,
    ...(isGone ? { isGone } : {}),
  };
}

// In the order of their numbers, the ones that are draining left out: they take nothing new. Where there is no replica, a
// caller can still ask one whether that has changed.
function spillOf(app: string, { name, config, replicas, incarnations, isLeaving }: DeploymentState): ReplicaRef[] {
  const taken = new Set(replicas.map(({ ordinal }) => ordinal));
  const count = replicas.filter(isInSet).length;
  const most = !isLeaving && config.autoscaling?.spillover === true ? config.autoscaling.maxReplicas : 0;
  const room = Math.max(most, count === 0 ? 1 : 0) - count;
  const refs: ReplicaRef[] = [];
  for (let ordinal = 0; refs.length < room; ordinal++) {
    if (taken.has(ordinal)) continue;
    refs.push(replicaRef({ app, deployment: name, config, ordinal, incarnation: incarnations[ordinal] ?? 0 }));
  }
  return refs;
}

/** What a replica is to do. One that is not on the list is gone. */
export function assignmentOf(application: ApplicationState, deployment: DeploymentState, replica: ReplicaState | undefined): Assignment {
  return {
    set: replicaSetOf(application, deployment),
    config: deployment.config,
    duty: dutyOf(replica),
    version: application.version,
  };
}

function dutyOf(replica: ReplicaState | undefined): Duty {
  if (replica === undefined) return "gone";
  return isInSet(replica) ? "serving" : "draining";
}
