/** How many replicas are wanted at a target: what the load or a policy says, through the factors, within the bounds. */
import { clampToBounds } from "./capacity.ts";
import { applyFactor, roundUp } from "./factor-and-delay.ts";
import type { Wish } from "./policy.ts";
import type { AutoscaleInput, Evaluation } from "./autoscale-input.ts";

/** What is wanted. */
export interface DesiredReplicas {
  /** Before factors and bounds. */
  readonly desired: number;
  readonly replicas: number;
  /** Whether it is wanted without a delay: the first replica. */
  readonly isAtOnce: boolean;
}

/** What is asked about: the load is the evaluation's, unless another one is tried. */
export interface Question {
  readonly evaluation: Evaluation;
  /** `undefined` for the default policy. */
  readonly wish: Wish | undefined;
  readonly target: number;
  readonly total?: number;
}

/**
 * What is wanted at a target; `undefined` when the policy wants nothing.
 *
 * Ray's rules, in their order: the first replicas come at once; without a replica and without load the target stays;
 * the default policy wants the load divided by `targetOngoingRequests`.
 */
export function desiredAt({ evaluation, wish, target, total = evaluation.load.total }: Question): DesiredReplicas | undefined {
  const { input, bounds } = evaluation;
  const isWithout = hasNone(input, target);
  if (isWithout && total > 0) {
    const desired = Math.max(roundUp(input.config.upscalingFactor), target);
    return { desired, replicas: clampToBounds(desired, bounds), isAtOnce: true };
  }
  if (wish !== undefined && "problem" in wish) return undefined;
  if (wish === undefined && isWithout) return { desired: target, replicas: target, isAtOnce: false };
  const desired = wish === undefined ? total / input.config.targetOngoingRequests : wish.replicas;
  const replicas = clampToBounds(isWithout ? roundUp(desired) : scaledFrom(input, desired, target), bounds);
  return { desired, replicas, isAtOnce: isWithout && replicas > target };
}

/** Whether somebody waits and no replica is there to serve them. */
export function isColdStart({ input, load, bounds }: Evaluation): boolean {
  return load.total > 0 && hasNone(input, clampToBounds(input.targetReplicas, bounds));
}

/** Draining replicas may still run when the target is 0; they take no requests. */
function hasNone(input: AutoscaleInput, targetReplicas: number): boolean {
  return input.runningReplicas === 0 || targetReplicas === 0;
}

/**
 * While some of the target's replicas are still to start, a factor above 1 does not add to those on their way: what
 * waits meanwhile would be counted again and again.
 */
function scaledFrom(input: AutoscaleInput, desired: number, target: number): number {
  const scaled = applyFactor(desired, target, input.config);
  return input.runningReplicas < target ? Math.min(scaled, Math.max(target, roundUp(desired))) : scaled;
}
