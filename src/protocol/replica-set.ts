/**
 * The replicas of a deployment, as plain data: what the controller decides, replicas pass on, and callers obey.
 *
 * Callers keep this in the isolate across requests, so it must never hold a stub, a stream or a promise.
 */
import type { DeploymentConfig } from "./manifest.ts";
import type { RequestMeta } from "./messages.ts";
import { formatReplicaId } from "./names.ts";

/** A replica as a caller addresses it. */
export interface ReplicaRef {
  /** The name of its Durable Object. */
  readonly name: string;
  /** Where it is to be made if it does not exist yet. */
  readonly locationHint?: string;
}

/** The part of a deployment's configuration that callers obey. */
export type RouterConfig = Pick<
  DeploymentConfig,
  "requestRouter" | "retries" | "backpressure" | "requestTimeoutMs" | "maxOngoingRequests" | "maxQueuedRequests" | "tasks"
>;

/** Which replicas there are, and what their callers obey. A later epoch replaces an earlier one. */
export interface ReplicaSet {
  /** 0 is what was compiled; the controller counts on from there. */
  readonly epoch: number;
  readonly replicas: readonly ReplicaRef[];
  /** Replicas beyond the set that a request may start when those of the set are full, in this order; one where there are none. */
  readonly spill: readonly ReplicaRef[];
  readonly config: RouterConfig;
  /** Where HTTP requests reach the application; `null` when they do not. */
  readonly routePrefix: string | null;
  /** How often prefixes had changed when some below the application's own were last given to others. @default 0 */
  readonly routing?: number;
  /** The deployment has been taken away. */
  readonly isGone?: true;
}

/**
 * Whether a request was addressed by its path, to where its application no longer is. One that a handle sent was not, and neither was
 * one at the prefix of several applications, which is none of the application's own.
 */
export function isAtOldPrefix({ hops, routePrefix, traffic }: RequestMeta, set: ReplicaSet): boolean {
  return hops === 0 && traffic === undefined && routePrefix !== undefined && routePrefix !== set.routePrefix;
}

/** The set that a deployment starts with, until its controller says otherwise. */
export function initialReplicaSet(app: string, deployment: string, config: DeploymentConfig, routePrefix: string | null): ReplicaSet {
  const { numReplicas, autoscaling } = config;
  const ref = (ordinal: number) => replicaRef({ app, deployment, config, ordinal, incarnation: 0 });
  // Where there are none, a caller can still ask the first whether that has changed.
  const most = Math.max(1, numReplicas, autoscaling?.spillover === true ? autoscaling.maxReplicas : 0);
  const all = Array.from({ length: most }, (_, ordinal) => ref(ordinal));
  return { epoch: 0, replicas: all.slice(0, numReplicas), spill: all.slice(numReplicas), config: routerConfigOf(config), routePrefix };
}

/** Which replica: its number, and how often the one of that number has been replaced. */
export interface ReplicaIdentity {
  readonly app: string;
  readonly deployment: string;
  readonly config: Pick<DeploymentConfig, "placement">;
  readonly ordinal: number;
  readonly incarnation: number;
}

/** How callers address a replica. Replicas are spread over the deployment's location hints by their number. */
export function replicaRef({ app, deployment, config, ordinal, incarnation }: ReplicaIdentity): ReplicaRef {
  const hints = config.placement.locationHints ?? [];
  const hint = hints[ordinal % Math.max(1, hints.length)];
  const name = formatReplicaId({ app, deployment, location: hint ?? "-", ordinal, incarnation });
  return hint === undefined ? { name } : { name, locationHint: hint };
}

/** What callers need to know of a configuration. */
export function routerConfigOf(config: DeploymentConfig): RouterConfig {
  const { requestRouter, retries, backpressure, requestTimeoutMs, maxOngoingRequests, maxQueuedRequests, tasks } = config;
  const always = { requestRouter, retries, backpressure, requestTimeoutMs, maxOngoingRequests, maxQueuedRequests };
  return tasks === undefined ? always : { ...always, tasks };
}
