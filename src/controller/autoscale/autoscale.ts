/**
 * How many replicas a deployment should have: Ray Serve's algorithm, as a function.
 *
 * Owns:          what load, policy and time say about the target, and when to ask again.
 * Does not own:  the clock, the reports, storage of the state, starting and stopping replicas.
 *
 * Invariants:
 *   A1. After every evaluation the target is within the bounds, adjusted by the target capacity.
 *   A2. But for that, and for the first replica, it never moves before its delay.
 *   A3. More load never means fewer replicas.
 *   A4. The same input gives the same result, and evaluating again at the same time changes nothing.
 *   A5. Without an `evaluateAtMs`, no later evaluation of the same input moves the target: without work, no wake-ups.
 */
import { type AutoscaleResult, decide } from "./decision.ts";
import { type ApplicationAutoscalingPolicy, askApplicationPolicy, askPolicy } from "./policy.ts";
import { type AutoscaleInput, situationOf } from "./situation.ts";
import { isColdStart } from "./wanted.ts";

export type { AutoscaleResult } from "./decision.ts";
export { type AutoscaleInput, type AutoscaleState, NEW_AUTOSCALE_STATE } from "./situation.ts";

/** Decides the target of one deployment. Ray asks no policy while somebody waits and no replica runs; nor does this. */
export function autoscale(input: AutoscaleInput): AutoscaleResult {
  const situation = situationOf(input);
  const isByLoad = input.policy === undefined || isColdStart(situation);
  return decide(situation, isByLoad ? undefined : askPolicy(input.policy, situation.context));
}

/**
 * Decides the targets of an application's deployments together, by name: Ray's application-level policy.
 *
 * The factors, delays and bounds of each deployment apply to what the policy wants for it, and its first replica comes
 * at once. A deployment that the policy leaves out keeps its target; all of them do when it throws. The `policy` of an
 * input is not asked.
 */
export function autoscaleApplication(
  policy: ApplicationAutoscalingPolicy,
  inputs: Readonly<Record<string, AutoscaleInput>>,
): Record<string, AutoscaleResult> {
  const situations = Object.entries(inputs).map(([name, input]) => [name, situationOf(input)] as const);
  const wishes = askApplicationPolicy(policy, Object.fromEntries(situations.map(([name, { context }]) => [name, context])));
  return Object.fromEntries(situations.map(([name, situation]) => [name, decide(situation, wishes[name])]));
}
