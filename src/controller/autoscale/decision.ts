/** What a wish becomes: the target that it moves, or the change that waits, and when to look again. */
import type { AutoscalingConfig } from "../../protocol/manifest.ts";
import { earliest } from "../schedule.ts";
import { clampToBounds } from "./capacity.ts";
import { type DueChange, dueChange } from "./factor-and-delay.ts";
import type { PolicyState, Wish } from "./policy.ts";
import type { AutoscaleState, Evaluation } from "./autoscale-input.ts";
import { type DesiredReplicas, desiredAt } from "./desired-replicas.ts";

/** Ray's control loop: how soon, at most, the same reports are looked at again. */
export const CONTROL_LOOP_MS = 100;

/** What an evaluation decided. */
export interface AutoscaleResult {
  readonly targetReplicas: number;
  readonly state: AutoscaleState;
  /** Which way the target moved. What only waits is in `state.pending`. */
  readonly direction: "up" | "down" | "none";
  /** Why, in sentences for the log and the status. */
  readonly reason: string;
  /** When the result may differ although nothing was reported; `undefined` when it cannot. Always later than now. */
  readonly evaluateAtMs: number | undefined;
  /** Requests running or waiting, over the look-back period. */
  readonly totalOngoingRequests: number;
  /** What the policy wants, before factors, delays and bounds; `undefined` when it wants nothing. */
  readonly desiredReplicas: number | undefined;
  /** Why what the policy did could not be used. */
  readonly problem: string | undefined;
}

/**
 * Decides from what a policy wants.
 *
 * @param wish `undefined` for the default policy.
 */
export function decide(evaluation: Evaluation, wish: Wish | undefined): AutoscaleResult {
  const { input, bounds } = evaluation;
  const { nowMs } = input;
  const before = clampToBounds(input.targetReplicas, bounds);
  const wanted = desiredAt({ evaluation, wish, target: before });
  if (wanted === undefined) return undecided(evaluation, wish, before);
  const change = changeTo(wanted, evaluation, before, input.state.pending);
  const isDue = change !== undefined && (wanted.isAtOnce || change.dueAtMs <= nowMs);
  const after = isDue ? change.replicas : before;
  // What is left to do after a step, because of a factor below 1 or for the last replica, waits from now on.
  const next = isDue ? changeTo(desiredAt({ evaluation, wish, target: after }), evaluation, after, undefined) : change;
  return {
    ...moved(evaluation, after),
    state: stateOf(policyStateOf(evaluation, wish), next),
    reason: reasonOf(evaluation, { wanted, before, after, next }),
    evaluateAtMs: earliest(
      evaluation.load.staleAtMs,
      settledAtMs(evaluation, wish, after),
      next && (next.dueAtMs > nowMs ? next.dueAtMs : nowMs + CONTROL_LOOP_MS),
      // A custom policy sees the target, so it may want something else now.
      isDue && wish !== undefined ? nowMs + stepMs(input.config) : undefined,
    ),
    totalOngoingRequests: evaluation.load.total,
    desiredReplicas: wanted.desired,
    problem: problemOf(wish),
  };
}

/** A policy that wants nothing neither moves the target nor starts a delay over. */
function undecided(evaluation: Evaluation, wish: Wish | undefined, target: number): AutoscaleResult {
  const { pending } = evaluation.input.state;
  const problem = wish !== undefined && "problem" in wish ? wish.problem : "Nothing is wanted.";
  return {
    ...moved(evaluation, target),
    state: stateOf(policyStateOf(evaluation, wish), pending === undefined ? undefined : { pending }),
    reason: `${problem} The target stays at ${target}.`,
    evaluateAtMs: earliest(evaluation.load.staleAtMs, settledAtMs(evaluation, wish, target)),
    totalOngoingRequests: evaluation.load.total,
    desiredReplicas: undefined,
    problem: problemOf(wish),
  };
}

function problemOf(wish: Wish | undefined): string | undefined {
  return wish !== undefined && "problem" in wish && wish.isByChoice !== true ? wish.problem : undefined;
}

function changeTo(
  wanted: DesiredReplicas | undefined,
  { input: { config, nowMs } }: Evaluation,
  targetReplicas: number,
  pending: AutoscaleState["pending"],
): DueChange | undefined {
  return wanted && dueChange({ wanted: wanted.replicas, targetReplicas, config, nowMs, pending });
}

/** When to look again while the look-back period still sees a change of load that could matter. */
function settledAtMs(evaluation: Evaluation, wish: Wish | undefined, target: number): number | undefined {
  const { lowest, highest } = evaluation.load;
  const replicasAt = (total: number) => desiredAt({ evaluation, wish, target, total })?.replicas;
  const isSettled = lowest === highest || (wish === undefined && replicasAt(lowest) === replicasAt(highest));
  return isSettled ? undefined : evaluation.input.nowMs + stepMs(evaluation.input.config);
}

/** How often Ray's replicas and handles take their numbers. */
function stepMs({ metricsIntervalMs, lookBackPeriodMs }: AutoscalingConfig): number {
  return Math.max(CONTROL_LOOP_MS, Math.min(metricsIntervalMs, lookBackPeriodMs / 5));
}

function moved({ input }: Evaluation, target: number): Pick<AutoscaleResult, "targetReplicas" | "direction"> {
  const step = target - input.targetReplicas;
  return { targetReplicas: target, direction: step > 0 ? "up" : step < 0 ? "down" : "none" };
}

function policyStateOf({ input }: Evaluation, wish: Wish | undefined): PolicyState {
  return (wish !== undefined && "state" in wish ? wish.state : undefined) ?? input.state.policy;
}

function stateOf(policy: PolicyState, next: Pick<DueChange, "pending"> | undefined): AutoscaleState {
  return next === undefined ? { policy } : { pending: next.pending, policy };
}

interface Decision {
  readonly wanted: DesiredReplicas;
  readonly before: number;
  readonly after: number;
  readonly next: DueChange | undefined;
}

function reasonOf({ input, load, bounds }: Evaluation, { wanted, before, after, next }: Decision): string {
  const { targetReplicas } = input;
  const why = `${rounded(load.total)} ongoing requests: ${rounded(wanted.desired)} replicas are desired, ${bounds.min} to ${bounds.max} allowed.`;
  const what =
    after === targetReplicas
      ? `The target stays at ${after}.`
      : `The target goes from ${targetReplicas} to ${after}${after === before ? ", into these bounds" : ""}.`;
  const wait =
    next === undefined
      ? []
      : [`It goes ${next.pending.direction} to ${next.replicas} when that has been wanted for ${next.dueAtMs - next.pending.sinceMs} ms.`];
  return [why, what, ...wait].join(" ");
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
