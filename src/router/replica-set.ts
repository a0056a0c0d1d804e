/**
 * The replicas of a deployment, as plain data.
 *
 * Callers keep this in the isolate across requests, so it must never hold a stub, a stream or a promise.
 */
import type { DeploymentConfig } from "../protocol/manifest.ts";
import { formatReplicaId } from "../protocol/names.ts";

/** A replica as a caller addresses it. */
export interface ReplicaRef {
  /** The name of its Durable Object. */
  readonly name: string;
  /** Where it is to be made if it does not exist yet. */
  readonly locationHint?: string;
}

/** Which replicas there are. A later epoch replaces an earlier one. */
export interface ReplicaSet {
  readonly epoch: number;
  readonly replicas: readonly ReplicaRef[];
}

/** The replicas that a deployment starts with, spread over its location hints. */
export function initialReplicaSet(app: string, deployment: string, config: DeploymentConfig): ReplicaSet {
  const hints = config.placement.locationHints ?? [];
  const replicas = Array.from({ length: config.numReplicas }, (_, ordinal): ReplicaRef => {
    const hint = hints[ordinal % Math.max(1, hints.length)];
    const name = formatReplicaId({ app, deployment, location: hint ?? "-", ordinal, incarnation: 0 });
    return hint === undefined ? { name } : { name, locationHint: hint };
  });
  return { epoch: 0, replicas };
}
