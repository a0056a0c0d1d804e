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
import { type AskedApplicationPolicy, askApplicationPolicy, askPolicy } from "./policy.ts";
import { type AutoscaleInput, evaluationOf } from "./autoscale-input.ts";
import { isColdStart } from "./desired-replicas.ts";

export { type AutoscaleResult, CONTROL_LOOP_MS } from "./decision.ts";
export { type AutoscaleInput, type AutoscaleState, NEW_AUTOSCALE_STATE } from "./autoscale-input.ts";

/** Decides the target of one deployment. Ray asks no policy while somebody waits and no replica runs; nor does this. */
export function autoscale(input: AutoscaleInput): AutoscaleResult {
  const evaluation = evaluationOf(input);
  const isByLoad = input.policy === undefined || isColdStart(evaluation);
  return decide(evaluation, isByLoad ? undefined : askPolicy(input.policy, evaluation.context));
}

/**
 * Decides the targets of an application's deployments together, by name: Ray's application-level policy.
 *
 * The factors, delays and bounds of each deployment apply to what the policy wants for it, and its first replica comes
 * at once. A deployment that the policy leaves out keeps its target; all of them do when it throws. The `policy` of an
 * input is not asked.
 */
export function autoscaleApplication(
  policy: AskedApplicationPolicy,
  inputs: Readonly<Record<string, AutoscaleInput>>,
): Record<string, AutoscaleResult> {
  const evaluations = Object.entries(inputs).map(([name, input]) => [name, evaluationOf(input)] as const);
  const wishes = askApplicationPolicy(policy, Object.fromEntries(evaluations.map(([name, { context }]) => [name, context])));
  return Object.fromEntries(evaluations.map(([name, evaluation]) => [name, decide(evaluation, wishes[name])]));
}
