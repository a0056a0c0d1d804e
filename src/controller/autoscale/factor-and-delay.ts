/**
 * The two rules that every wish of a policy goes through: factors and delays.
 */
import type { AutoscalingConfig } from "../../protocol/manifest.ts";

/** A change that is wanted and waits for its delay. JSON. */
export interface PendingChange {
  readonly direction: "up" | "down";
  /** When it was first wanted, without a break since. */
  readonly sinceMs: number;
  /** The target at that time. */
  readonly fromReplicas: number;
}

/** What is wanted, since when, and when it may happen. */
export interface DueChange {
  readonly replicas: number;
  readonly pending: PendingChange;
  readonly dueAtMs: number;
}

/** The next whole number, but not for what only rounding put above one: 20.000000000000004 requests are no reason for a replica. */
export function roundUp(replicas: number): number {
  return Math.ceil(replicas * (1 - 1e-9));
}

/**
 * Multiplies the step from the target to what is desired by the upscaling or downscaling factor, and rounds up.
 *
 * Ray's `_apply_scaling_factors`: a downscale that a factor below 1 would leave stuck at the target removes one
 * replica. Two things are different, so that a steady load comes to rest. The step is measured from the target, not from
 * the replicas that run (Ray's issue #18925). And a factor above 1 removes no more replicas than desired: in Ray the
 * step back up follows, and with it the next one down.
 */
export function applyFactor(desired: number, targetReplicas: number, config: AutoscalingConfig): number {
  const step = desired - targetReplicas;
  const enough = roundUp(desired);
  if (step >= 0) return roundUp(targetReplicas + config.upscalingFactor * step);
  const scaled = Math.max(enough, roundUp(Math.max(0, targetReplicas + config.downscalingFactor * step)));
  return scaled === targetReplicas && enough < targetReplicas ? targetReplicas - 1 : scaled;
}

/**
 * When `wanted` replicas may become the target; `undefined` when they are it already.
 *
 * Ray's `_apply_delay_logic`: a change must be wanted for its whole delay, by the clock; wanting another direction or no
 * change in between starts it over. More than one replica go down to one at most, and only the last one waits for
 * `downscaleToZeroDelayMs`. A downscale also starts over when something else changed the target meanwhile.
 */
export function dueChange(options: {
  readonly wanted: number;
  readonly targetReplicas: number;
  readonly config: AutoscalingConfig;
  readonly nowMs: number;
  readonly pending: PendingChange | undefined;
}): DueChange | undefined {
  const { wanted, targetReplicas, config, nowMs, pending } = options;
  if (wanted === targetReplicas) return undefined;
  const direction = wanted > targetReplicas ? "up" : "down";
  const isSame = pending?.direction === direction && (direction === "up" || pending.fromReplicas === targetReplicas);
  // A clock that was set back must not shorten the delay.
  const sinceMs = isSame ? Math.min(pending.sinceMs, nowMs) : nowMs;
  return {
    replicas: direction === "down" && targetReplicas > 1 ? Math.max(1, wanted) : wanted,
    pending: { direction, sinceMs, fromReplicas: targetReplicas },
    dueAtMs: sinceMs + delayMs(direction, targetReplicas, config),
  };
}

function delayMs(direction: "up" | "down", targetReplicas: number, config: AutoscalingConfig): number {
  if (direction === "up") return config.upscaleDelayMs;
  return targetReplicas === 1 ? config.downscaleToZeroDelayMs : config.downscaleDelayMs;
}
