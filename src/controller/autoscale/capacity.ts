/**
 * Between which numbers of replicas a deployment may be, and with which it begins.
 */
import { adjustByCapacity } from "../../config/target-capacity.ts";
import type { AutoscalingConfig } from "../../protocol/manifest.ts";

/** What scales every number of replicas of a system, as Ray Serve's `target_capacity` does for two clusters that swap traffic. */
export interface TargetCapacity {
  /** In percent, 0 to 100; `null` and `undefined` are 100. */
  readonly targetCapacity?: number | null | undefined;
  /** Whether the capacity is on its way up: then `initialReplicas` is the lower bound. */
  readonly targetCapacityDirection?: "up" | "down" | undefined;
}

/** The smallest and largest number of replicas. */
export interface ReplicaBounds {
  readonly min: number;
  readonly max: number;
}

/** The bounds that autoscaling keeps to, adjusted by the target capacity. */
export function replicaBounds(config: AutoscalingConfig, capacity: TargetCapacity = {}): ReplicaBounds {
  const lower = capacity.targetCapacityDirection === "up" ? config.initialReplicas : config.minReplicas;
  return {
    min: adjustByCapacity(lower, capacity.targetCapacity),
    max: adjustByCapacity(config.maxReplicas, capacity.targetCapacity),
  };
}

/** A number of replicas moved into bounds. */
export function clampToBounds(replicas: number, { min, max }: ReplicaBounds): number {
  return Math.max(min, Math.min(max, replicas));
}
