/**
 * Lets the number of replicas follow the load: what replicas report goes in, a new target comes out.
 */
import { HEARTBEAT_MS, type LoadReport } from "../protocol/control.ts";
import { autoscale, type AutoscaleState, NEW_AUTOSCALE_STATE } from "./autoscale/autoscale.ts";
import type { AutoscalingPolicy } from "./autoscale/policy.ts";
import { defaultStaleAfterMs, pruneSeries } from "./autoscale/step-function.ts";
import { move } from "./deployment-status.ts";
import { type ApplicationState, type DeploymentState, isInSet, type ReplicaState } from "./state.ts";

/** The application's own policies, by deployment. */
export type Policies = Readonly<Record<string, AutoscalingPolicy>>;

/** How many decisions an operator can look back on. */
const DECISIONS_KEPT = 20;

/** Adds what a replica reports to what is known of its load. */
export function noteLoad(deployment: DeploymentState, replica: ReplicaState, load: LoadReport, nowMs: number): void {
  const { autoscaling } = deployment.config;
  if (autoscaling === null) return;
  // What held at the end of the last report was a guess at this one's mean.
  const before = replica.load.filter(({ atMs }) => atMs < load.sinceMs);
  const series = [...before, { atMs: load.sinceMs, value: load.mean }, { atMs: load.untilMs, value: load.now }];
  replica.load = [...pruneSeries(series, nowMs, autoscaling.lookBackPeriodMs)];
  replica.stats = load.stats ?? null;
}

/** Moves the target to what the load asks for, if it is time. */
export function scaleByLoad(application: ApplicationState, deployment: DeploymentState, policies: Policies, nowMs: number): void {
  const { scaling, config, name, replicas } = deployment;
  const { autoscaling } = config;
  if (autoscaling === null || deployment.isLeaving) {
    scaling.evaluateAtMs = null;
    return;
  }
  const inSet = replicas.filter(isInSet);
  const before = deployment.target;
  const result = autoscale({
    app: application.name,
    deployment: name,
    config: autoscaling,
    nowMs,
    targetReplicas: before,
    runningReplicas: inSet.filter(({ phase }) => phase === "RUNNING").length,
    // A draining replica's requests are work too, until they end.
    series: replicas.map(({ load }) => load).filter((points) => points.length > 0),
    staleAfterMs: Math.max(defaultStaleAfterMs(autoscaling), 2 * HEARTBEAT_MS),
    stats: Object.fromEntries(inSet.flatMap(({ ref, stats }) => (stats === null ? [] : [[ref.name, stats]]))),
    policy: policies[name],
    state: (scaling.policy as AutoscaleState | null) ?? NEW_AUTOSCALE_STATE,
  });
  scaling.policy = result.state;
  scaling.evaluateAtMs = result.evaluateAtMs ?? null;
  scaling.load = result.totalOngoingRequests;
  if (result.targetReplicas === before) return;
  deployment.target = result.targetReplicas;
  const isUp = result.targetReplicas > before;
  move(
    deployment,
    isUp ? "AUTOSCALE_UP" : "AUTOSCALE_DOWN",
    `${isUp ? "Upscaling" : "Downscaling"} from ${before} to ${result.targetReplicas} replicas.`,
  );
  noteDecision(deployment, { from: before, reason: result.reason, nowMs });
}

/** Keeps a decision for the operator to see. */
export function noteDecision(
  { scaling, target }: DeploymentState,
  { from, reason, nowMs }: { readonly from: number; readonly reason: string; readonly nowMs: number },
): void {
  scaling.decisions.push({ timestamp_s: nowMs / 1000, prev_num_replicas: from, curr_num_replicas: target, reason });
  scaling.decisions.splice(0, Math.max(0, scaling.decisions.length - DECISIONS_KEPT));
}
