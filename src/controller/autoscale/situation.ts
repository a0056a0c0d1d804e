/** What a decision depends on, and what follows from the reports alone. */
import type { AutoscalingConfig } from "../../protocol/manifest.ts";
import { type ReplicaBounds, replicaBounds, type TargetCapacity } from "./capacity.ts";
import type { PendingChange } from "./factor-and-delay.ts";
import type { AutoscalingContext, AutoscalingPolicy, PolicyState } from "./policy.ts";
import {
  type AggregatedLoad,
  aggregateLoad,
  type AggregationFunction,
  defaultStaleAfterMs,
  dropStale,
  type Series,
  staleAtMs,
} from "./step-function.ts";

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
  /** One for each replica and each caller that waits for a replica. */
  readonly series: readonly Series[];
  /** @default two missed reports, and at least 10 s */
  readonly staleAfterMs?: number | undefined;
  /** @default "mean" */
  readonly aggregationFunction?: AggregationFunction | undefined;
  /** What `recordAutoscalingStats` returned, by replica. */
  readonly stats?: AutoscalingContext["stats"] | undefined;
  /** @default the load, divided by `targetOngoingRequests` */
  readonly policy?: AutoscalingPolicy | undefined;
  readonly state: AutoscaleState;
}

/** An input with its reports added up. */
export interface Situation {
  readonly input: AutoscaleInput;
  readonly load: AggregatedLoad;
  readonly bounds: ReplicaBounds;
  readonly context: AutoscalingContext;
  /** When the next series becomes stale; `Infinity` when none does. */
  readonly staleAtMs: number;
}

/** Drops phantom load, and adds up the rest. */
export function situationOf(input: AutoscaleInput): Situation {
  const staleAfterMs = input.staleAfterMs ?? defaultStaleAfterMs(input.config);
  const series = dropStale(input.series, input.nowMs, staleAfterMs);
  const load = aggregateLoad({
    series,
    nowMs: input.nowMs,
    lookBackPeriodMs: input.config.lookBackPeriodMs,
    aggregationFunction: input.aggregationFunction,
  });
  const context = {
    app: input.app,
    deployment: input.deployment,
    currentReplicas: input.runningReplicas,
    targetReplicas: input.targetReplicas,
    totalOngoingRequests: load.total,
    stats: input.stats ?? {},
    state: input.state.policy,
  };
  const next = Math.min(Infinity, ...series.map((points) => staleAtMs(points, staleAfterMs)));
  return { input, load, bounds: replicaBounds(input.config, input), context, staleAtMs: next };
}
