/**
 * Ray Serve's `target_capacity`: a system's numbers of replicas, scaled together, as when two clusters swap traffic.
 */
import type { AutoscalingConfig, DeploymentConfig } from "../protocol/manifest.ts";

/**
 * A number of replicas adjusted by the target capacity, rounded half up: at least 1, unless the number or the
 * capacity is 0. Ray's `get_capacity_adjusted_num_replicas`.
 */
export function adjustByCapacity(replicas: number, targetCapacity?: number | null): number {
  if (targetCapacity === undefined || targetCapacity === null || targetCapacity === 100) return replicas;
  if (targetCapacity === 0 || replicas === 0) return 0;
  return Math.max(1, Math.round((replicas * targetCapacity) / 100));
}

/** A deployment's configuration at a target capacity, in percent: its numbers of replicas, and autoscaling's bounds. */
export function atCapacity(config: DeploymentConfig, targetCapacity: number | undefined): DeploymentConfig {
  const adjusted = (replicas: number) => adjustByCapacity(replicas, targetCapacity);
  const { autoscaling } = config;
  return { ...config, numReplicas: adjusted(config.numReplicas), autoscaling: autoscaling === null ? null : bounds(autoscaling, adjusted) };
}

function bounds(autoscaling: AutoscalingConfig, adjusted: (replicas: number) => number): AutoscalingConfig {
  const { minReplicas, initialReplicas, maxReplicas } = autoscaling;
  return {
    ...autoscaling,
    minReplicas: adjusted(minReplicas),
    initialReplicas: adjusted(initialReplicas),
    maxReplicas: adjusted(maxReplicas),
  };
}
