/**
 * What replicas and callers are told: the replica set, and each replica's part in it.
 */
import { type Assignment, type Duty, keyedConfigIn, reportIntervalMs } from "../protocol/control.ts";
import { type ReplicaRef, type ReplicaSet, replicaRef, routerConfigOf } from "../protocol/replica-set.ts";
import { inlineConfigs } from "./adopt.ts";
import { type ApplicationState, type DeploymentState, isInSet, replicaCount, type ReplicaState } from "./state.ts";

/** The replica set of a deployment, as callers get it. One object for all that ask, until it changes. */
export function replicaSetOf(application: ApplicationState, deployment: DeploymentState): ReplicaSet {
  const { given, replicas, epoch, config } = deployment;
  const routePrefix = application.desired?.routePrefix ?? null;
  const isSame = given?.set.epoch === epoch && given.revision === replicas.revision && given.set.routePrefix === routePrefix;
  if (isSame && given.config === config) return given.set;
  const set = { ...makeSet(application.name, routePrefix, deployment), ...routingOf(application, deployment) };
  deployment.given = { set, revision: replicas.revision, config };
  return set;
}

// Its epoch has changed with it.
function routingOf({ routing, desired }: ApplicationState, { name }: DeploymentState): Pick<ReplicaSet, "routing"> {
  return routing === undefined || desired?.ingress !== name ? {} : { routing };
}

function makeSet(app: string, routePrefix: string | null, deployment: DeploymentState): ReplicaSet {
  const { epoch, config, replicas, isLeaving } = deployment;
  return {
    epoch,
    replicas: isLeaving ? [] : [...replicas].filter(isInSet).map(({ ref }) => ref),
    spill: spillOf(app, deployment),
    config: routerConfigOf(config),
    routePrefix,
    ...(isLeaving ? { isGone: true } : {}),
  };
}

// In the order of their numbers, the ones that are draining left out: they take nothing new. Where there is no replica, a
// caller can still ask one whether that has changed.
function spillOf(app: string, { name, config, replicas, incarnations, isLeaving }: DeploymentState): ReplicaRef[] {
  if (config.keyed === true) return [];
  const count = replicas.inSetCount;
  const most = !isLeaving && config.autoscaling?.spillover === true ? config.autoscaling.maxReplicas : 0;
  const room = Math.max(most, count === 0 ? 1 : 0) - count;
  const refs: ReplicaRef[] = [];
  for (let ordinal = 0; refs.length < room; ordinal++) {
    if (replicas.withOrdinal(ordinal).length > 0) continue;
    refs.push(replicaRef({ app, deployment: name, config, ordinal, incarnation: incarnations[ordinal] ?? 0 }));
  }
  return refs;
}

/** What a replica is to do. One that is not on the list is gone. */
export function assignmentOf(application: ApplicationState, deployment: DeploymentState, replica: ReplicaState | undefined): Assignment {
  const reportMs = reportIntervalMs(replicaCount(application));
  const inline = inlineConfigs(application);
  return {
    set: replicaSetOf(application, deployment),
    config: deployment.config,
    duty: dutyOf(replica),
    version: application.version,
    ...(Object.keys(inline).length === 0 ? {} : { inline }),
    ...(reportMs === 0 ? {} : { reportMs }),
    ...keyedIn(application),
  };
}

// Nobody tells an object of a key but those who call it.
function keyedIn(application: ApplicationState): Pick<Assignment, "keyed"> {
  const all = [...application.deployments.values()].filter(({ config }) => config.keyed === true);
  if (all.length === 0) return {};
  const { version } = application;
  return {
    keyed: Object.fromEntries(
      all.map((one) => [one.name, keyedConfigIn({ set: replicaSetOf(application, one), config: one.config, duty: "serving", version })]),
    ),
  };
}

function dutyOf(replica: ReplicaState | undefined): Duty {
  if (replica === undefined) return "gone";
  return isInSet(replica) ? "serving" : "draining";
}
