/** What a decision depends on, and what follows from it at once. */
import type { AutoscalingContext } from "../../protocol/autoscaling.ts";
import type { AutoscalingConfig } from "../../protocol/manifest.ts";
import { type ReplicaBounds, replicaBounds, type TargetCapacity } from "./capacity.ts";
import type { PendingChange } from "./factor-and-delay.ts";
import type { SummedLoad } from "./load-sum.ts";
import type { AskedPolicy, PolicyState } from "./policy.ts";

/** What is remembered from one evaluation to the next. JSON, to be stored. */
export interface AutoscaleState {
  /** The change that waits for its delay. */
  readonly pending?: PendingChange;
  /** What the policy returned as its state last. */
  readonly policy: PolicyState;
}

/** The state of a deployment that was never evaluated. */
export const NEW_AUTOSCALE_STATE: AutoscaleState = { policy: {} };

/** Everything a decision depends on. Evaluate when any of it changes, and at `evaluateAtMs`. */
export interface AutoscaleInput extends TargetCapacity {
  readonly app: string;
  readonly deployment: string;
  readonly config: AutoscalingConfig;
  readonly nowMs: number;
  readonly targetReplicas: number;
  /**
   * Replicas that have started and are not on their way out, asleep or not; Ray's `current_num_replicas`. While it is
   * 0 the target is held, for what waits is no measure of how many replicas it takes.
   */
  readonly runningReplicas: number;
  /** Of all replicas together, over the look-back period that ends now. */
  readonly load: SummedLoad;
  /** What `recordAutoscalingStats` returned, by replica. */
  readonly stats?: AutoscalingContext["stats"] | undefined;
  /** @default the load, divided by `targetOngoingRequests` */
  readonly policy?: AskedPolicy | undefined;
  readonly state: AutoscaleState;
}

/** An input, and what a policy would be told of it. */
export interface Evaluation {
  readonly input: AutoscaleInput;
  readonly load: SummedLoad;
  readonly bounds: ReplicaBounds;
  readonly context: AutoscalingContext;
}

/** Prepares an input for its decision. */
export function evaluationOf(input: AutoscaleInput): Evaluation {
  const { load } = input;
  const context = {
    app: input.app,
    deployment: input.deployment,
    currentReplicas: input.runningReplicas,
    targetReplicas: input.targetReplicas,
    totalOngoingRequests: load.total,
    stats: input.stats ?? {},
    state: input.state.policy,
  };
  return { input, load, bounds: replicaBounds(input.config, input), context };
}
