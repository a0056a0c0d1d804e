/**
 * Lets the number of replicas follow the load: what replicas report goes in, a new target comes out.
 */
import { HEARTBEAT_MS, type LoadReport } from "../protocol/control.ts";
import type { AutoscalingConfig } from "../protocol/manifest.ts";
import { own } from "../protocol/own.ts";
import {
  autoscale,
  autoscaleApplication,
  type AutoscaleInput,
  type AutoscaleResult,
  type AutoscaleState,
  NEW_AUTOSCALE_STATE,
} from "./autoscale/autoscale.ts";
import type { ApplicationAutoscalingPolicy } from "./autoscale/policy.ts";
import { defaultStaleAfterMs, pruneSeries } from "./autoscale/step-function.ts";
import { move } from "./deployment-status.ts";
import { applicationPolicy, deploymentPolicy, type Policies } from "./policies.ts";
import { type ApplicationState, type DeploymentState, isInSet, type ReplicaState } from "./state.ts";

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

/** Moves the targets to what the load asks for, where it is time. */
export function scaleByLoad(application: ApplicationState, policies: Policies, nowMs: number): void {
  const inputs: Record<string, AutoscaleInput> = {};
  for (const deployment of Object.values(application.deployments)) {
    const { autoscaling } = deployment.config;
    if (autoscaling === null || deployment.isLeaving) {
      Object.assign(deployment.scaling, { evaluateAtMs: null, problem: undefined });
    } else {
      const policy = deploymentPolicy(deployment, policies);
      inputs[deployment.name] = { ...inputOf(deployment, autoscaling), app: application.name, nowMs, policy };
    }
  }
  for (const [name, result] of Object.entries(decide(applicationPolicy(application, policies), inputs))) {
    settle(application.deployments[name]!, result, nowMs);
  }
}

/** The application's policy decides for all of them together; else each deployment's own, or its load. */
function decide(policy: ApplicationAutoscalingPolicy | undefined, inputs: Record<string, AutoscaleInput>): Record<string, AutoscaleResult> {
  const entries = Object.entries(inputs);
  if (policy !== undefined && entries.length > 0) return autoscaleApplication(policy, inputs);
  return Object.fromEntries(entries.map(([name, input]) => [name, autoscale(input)]));
}

function inputOf({ name, target, replicas, scaling }: DeploymentState, config: AutoscalingConfig): Omit<AutoscaleInput, "app" | "nowMs"> {
  const inSet = replicas.filter(isInSet);
  return {
    deployment: name,
    config,
    targetReplicas: target,
    runningReplicas: inSet.filter(({ phase }) => phase === "RUNNING").length,
    // A draining replica's requests are work too, until they end.
    series: replicas.map(({ load }) => load).filter((points) => points.length > 0),
    staleAfterMs: Math.max(defaultStaleAfterMs(config), 2 * HEARTBEAT_MS),
    stats: Object.fromEntries(inSet.flatMap(({ ref, stats }) => (stats === null ? [] : [[ref.name, stats]]))),
    state: (scaling.policy as AutoscaleState | null) ?? NEW_AUTOSCALE_STATE,
  };
}

function settle(deployment: DeploymentState, result: AutoscaleResult, nowMs: number): void {
  const { scaling, target: from } = deployment;
  const { targetReplicas: to, reason, problem } = result;
  const isNews = problem !== undefined && problem !== scaling.problem;
  scaling.policy = result.state;
  scaling.evaluateAtMs = result.evaluateAtMs ?? null;
  scaling.load = result.totalOngoingRequests;
  scaling.problem = problem;
  if (to !== from) {
    deployment.target = to;
    const isUp = to > from;
    move(deployment, isUp ? "AUTOSCALE_UP" : "AUTOSCALE_DOWN", `${isUp ? "Upscaling" : "Downscaling"} from ${from} to ${to} replicas.`);
  }
  if (to !== from || isNews) noteDecision(deployment, { from, reason, nowMs });
}

/** What is new that a policy has done wrong, by deployment. */
export function newProblems(
  before: ApplicationState,
  after: ApplicationState,
): { readonly deployment: string; readonly problem: string }[] {
  return Object.values(after.deployments).flatMap(({ name, scaling: { problem } }) =>
    problem === undefined || problem === own(before.deployments, name)?.scaling.problem ? [] : [{ deployment: name, problem }],
  );
}

/** Keeps a decision for the operator to see. */
export function noteDecision(
  { scaling, target }: DeploymentState,
  { from, reason, nowMs }: { readonly from: number; readonly reason: string; readonly nowMs: number },
): void {
  scaling.decisions.push({ timestamp_s: nowMs / 1000, prev_num_replicas: from, curr_num_replicas: target, reason });
  scaling.decisions.splice(0, Math.max(0, scaling.decisions.length - DECISIONS_KEPT));
}
