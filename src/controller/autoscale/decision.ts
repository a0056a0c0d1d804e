/** What a wish becomes: the target that it moves, or the change that waits, and when to look again. */
import type { AutoscalingConfig } from "../../protocol/manifest.ts";
import { clampToBounds } from "./capacity.ts";
import { type DueChange, dueChange } from "./factor-and-delay.ts";
import type { PolicyState, Wish } from "./policy.ts";
import type { AutoscaleState, Situation } from "./situation.ts";
import { type Wanted, wantedAt } from "./wanted.ts";

/** Ray's control loop: how soon, at most, the same reports are looked at again. */
const CONTROL_LOOP_MS = 100;

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
export function decide(situation: Situation, wish: Wish | undefined): AutoscaleResult {
  const { input, bounds } = situation;
  const { nowMs } = input;
  const before = clampToBounds(input.targetReplicas, bounds);
  const wanted = wantedAt({ situation, wish, target: before });
  if (wanted === undefined) return undecided(situation, wish, before);
  const change = changeTo(wanted, situation, before, input.state.pending);
  const isDue = change !== undefined && (wanted.isAtOnce || change.dueAtMs <= nowMs);
  const after = isDue ? change.replicas : before;
  // What is left to do after a step, because of a factor below 1 or for the last replica, waits from now on.
  const next = isDue ? changeTo(wantedAt({ situation, wish, target: after }), situation, after, undefined) : change;
  return {
    ...moved(situation, after),
    state: stateOf(policyStateOf(situation, wish), next),
    reason: reasonOf(situation, { wanted, before, after, next }),
    evaluateAtMs: earliest([
      situation.staleAtMs,
      settledAtMs(situation, wish, after),
      next === undefined ? Infinity : next.dueAtMs > nowMs ? next.dueAtMs : nowMs + CONTROL_LOOP_MS,
      // A custom policy sees the target, so it may want something else now.
      isDue && wish !== undefined ? nowMs + stepMs(input.config) : Infinity,
    ]),
    totalOngoingRequests: situation.load.total,
    desiredReplicas: wanted.desired,
    problem: problemOf(wish),
  };
}

/** A policy that wants nothing neither moves the target nor starts a delay over. */
function undecided(situation: Situation, wish: Wish | undefined, target: number): AutoscaleResult {
  const { pending } = situation.input.state;
  const problem = wish !== undefined && "problem" in wish ? wish.problem : "Nothing is wanted.";
  return {
    ...moved(situation, target),
    state: stateOf(policyStateOf(situation, wish), pending === undefined ? undefined : { pending }),
    reason: `${problem} The target stays at ${target}.`,
    evaluateAtMs: earliest([situation.staleAtMs, settledAtMs(situation, wish, target)]),
    totalOngoingRequests: situation.load.total,
    desiredReplicas: undefined,
    problem: problemOf(wish),
  };
}

function problemOf(wish: Wish | undefined): string | undefined {
  return wish !== undefined && "problem" in wish && wish.isByChoice !== true ? wish.problem : undefined;
}

function changeTo(
  wanted: Wanted | undefined,
  { input: { config, nowMs } }: Situation,
  targetReplicas: number,
  pending: AutoscaleState["pending"],
): DueChange | undefined {
  return wanted && dueChange({ wanted: wanted.replicas, targetReplicas, config, nowMs, pending });
}

/** When to look again while the look-back period still sees a change of load that could matter. */
function settledAtMs(situation: Situation, wish: Wish | undefined, target: number): number {
  const { lowest, highest } = situation.load;
  const replicasAt = (total: number) => wantedAt({ situation, wish, target, total })?.replicas;
  const isSettled = lowest === highest || (wish === undefined && replicasAt(lowest) === replicasAt(highest));
  return isSettled ? Infinity : situation.input.nowMs + stepMs(situation.input.config);
}

/** How often Ray's replicas and handles take their numbers. */
function stepMs({ metricsIntervalMs, lookBackPeriodMs }: AutoscalingConfig): number {
  return Math.max(CONTROL_LOOP_MS, Math.min(metricsIntervalMs, lookBackPeriodMs / 5));
}

function earliest(times: readonly number[]): number | undefined {
  const first = Math.min(...times);
  return first === Infinity ? undefined : first;
}

function moved({ input }: Situation, target: number): Pick<AutoscaleResult, "targetReplicas" | "direction"> {
  const step = target - input.targetReplicas;
  return { targetReplicas: target, direction: step > 0 ? "up" : step < 0 ? "down" : "none" };
}

function policyStateOf({ input }: Situation, wish: Wish | undefined): PolicyState {
  return (wish !== undefined && "state" in wish ? wish.state : undefined) ?? input.state.policy;
}

function stateOf(policy: PolicyState, next: Pick<DueChange, "pending"> | undefined): AutoscaleState {
  return next === undefined ? { policy } : { pending: next.pending, policy };
}

interface Decision {
  readonly wanted: Wanted;
  readonly before: number;
  readonly after: number;
  readonly next: DueChange | undefined;
}

function reasonOf({ input, load, bounds }: Situation, { wanted, before, after, next }: Decision): string {
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
