/**
 * Lets the number of replicas follow the load: what replicas report goes in, a new target comes out.
 *
 * A report is added to a running sum, so what it costs does not grow with the number of replicas. A policy is given what all of
 * them have recorded, which does grow: it is asked by reports no more often than Ray's control loop runs.
 */
import { HEARTBEAT_MS, type LoadReport } from "../protocol/control.ts";
import type { AutoscalingConfig } from "../protocol/manifest.ts";
import {
  autoscale,
  autoscaleApplication,
  type AutoscaleInput,
  type AutoscaleResult,
  type AutoscaleState,
  CONTROL_LOOP_MS,
  NEW_AUTOSCALE_STATE,
} from "./autoscale/autoscale.ts";
import { LoadSum } from "./autoscale/load-sum.ts";
import { defaultStaleAfterMs, pruneSeries } from "./autoscale/step-function.ts";
import { exact } from "./autoscale/step-sum.ts";
import { move, scalingMessage } from "./deployment-status.ts";
import { applicationPolicy, deploymentPolicy, type Policies } from "./policies.ts";
import { type ApplicationState, change, type DeploymentState, isInSet, type ReplicaState } from "./state.ts";
import type { ScalingState } from "./stored-state.ts";

/** How many decisions an operator can look back on. */
const DECISIONS_KEPT = 20;

/** Adds what a replica reports to what is known of its load. */
export function noteLoad(deployment: DeploymentState, replica: ReplicaState, load: LoadReport, nowMs: number): void {
  const { autoscaling } = deployment.config;
  if (autoscaling === null) return;
  // What held at the end of the last report was a guess at this one's mean.
  const before = replica.load.filter(({ atMs }) => atMs < load.sinceMs);
  const points = [...before, { atMs: load.sinceMs, value: exact(load.mean) }, { atMs: load.untilMs, value: exact(load.now) }];
  const series = pruneSeries(points, nowMs, autoscaling.lookBackPeriodMs);
  deployment.replicas.update(replica, { load: series, stats: load.stats ?? null });
  deployment.loads?.set(replica.ref.name, series, nowMs);
}

/** What the replicas have reported, added up. */
function loadsOf(deployment: DeploymentState, config: AutoscalingConfig, nowMs: number): LoadSum {
  const { lookBackPeriodMs } = config;
  const staleAfterMs = Math.max(defaultStaleAfterMs(config), 2 * HEARTBEAT_MS);
  const known = deployment.loads;
  if (known?.lookBack.lookBackPeriodMs === lookBackPeriodMs && known.lookBack.staleAfterMs === staleAfterMs) return known;
  const loads = new LoadSum({ lookBackPeriodMs, staleAfterMs });
  // A draining replica's requests are work too, until they end.
  for (const { ref, load } of deployment.replicas) if (load.length > 0) loads.set(ref.name, load, nowMs);
  return (deployment.loads = loads);
}

/** Adds up what the replicas had reported, when it has been read again: an operator sees the load before the next report comes. */
export function addUpLoads({ deployments }: ApplicationState, nowMs: number): void {
  for (const deployment of deployments.values()) {
    const { config, scaling } = deployment;
    if (!isScaled(deployment)) continue;
    const { total } = loadsOf(deployment, config.autoscaling!, nowMs).at(nowMs);
    keep(deployment, { ...scaling, load: total });
  }
}

/** When and why the targets are looked at. */
export interface Look {
  readonly nowMs: number;
  /** It is one of many: a policy that has just been asked is asked again later. */
  readonly isOneOfMany: boolean;
}

/** What a policy has done wrong. */
export interface Problem {
  readonly deployment: string;
  readonly problem: string;
}

/** Moves the targets of these deployments to what the load asks for, where it is time; adds those that it moves with them. */
export function scaleByLoad(application: ApplicationState, touched: Set<DeploymentState>, policies: Policies, look: Look): Problem[] {
  const scaled: DeploymentState[] = [];
  for (const deployment of touched) {
    if (isScaled(deployment)) scaled.push(deployment);
    else notScaled(deployment);
  }
  if (scaled.length === 0) return [];
  const { nowMs } = look;
  const policy = applicationPolicy(application, policies);
  if (policy === undefined) {
    return scaled.flatMap((deployment) => {
      const own = deploymentPolicy(deployment, policies);
      if (own !== undefined && isPutOff(deployment, look)) return [];
      const input = inputOf(application.name, deployment, nowMs);
      return settle(deployment, autoscale(own === undefined ? input : { ...input, policy: own, stats: statsOf(deployment) }), nowMs);
    });
  }
  // It decides for all of them together.
  if (scaled.every((deployment) => isPutOff(deployment, look))) return [];
  const all = [...application.deployments.values()].filter(isScaled);
  const inputs = all.map((deployment) => {
    return [deployment.name, { ...inputOf(application.name, deployment, nowMs), stats: statsOf(deployment) }] as const;
  });
  const results = autoscaleApplication(policy, Object.fromEntries(inputs));
  return all.flatMap((deployment) => {
    touched.add(deployment);
    deployment.policyAskedAtMs = nowMs;
    return settle(deployment, results[deployment.name]!, nowMs);
  });
}

function isScaled({ config, isLeaving }: DeploymentState): boolean {
  return config.autoscaling !== null && !isLeaving;
}

function notScaled(deployment: DeploymentState): void {
  deployment.loads = undefined;
  const { scaling } = deployment;
  if (scaling.evaluateAtMs === null && scaling.problem === undefined) return;
  change(deployment, { scaling: { ...scaling, evaluateAtMs: null, problem: undefined } });
}

/** Whether a policy waits until it is asked again: then it is noted when. Otherwise it is asked now. */
function isPutOff(deployment: DeploymentState, { nowMs, isOneOfMany }: Look): boolean {
  const { policyAskedAtMs, scaling } = deployment;
  const nextMs = policyAskedAtMs + CONTROL_LOOP_MS;
  if (!isOneOfMany || nowMs >= nextMs || nowMs < policyAskedAtMs) {
    deployment.policyAskedAtMs = nowMs;
    return false;
  }
  keep(deployment, { ...scaling, evaluateAtMs: Math.min(scaling.evaluateAtMs ?? Infinity, nextMs) });
  return true;
}

function inputOf(app: string, deployment: DeploymentState, nowMs: number): AutoscaleInput {
  const { name, target, replicas, scaling, config } = deployment;
  return {
    app,
    deployment: name,
    nowMs,
    config: config.autoscaling!,
    targetReplicas: target,
    runningReplicas: replicas.runningCount,
    load: loadsOf(deployment, config.autoscaling!, nowMs).at(nowMs),
    state: scaling.policy ?? NEW_AUTOSCALE_STATE,
  };
}

function statsOf({ replicas }: DeploymentState): NonNullable<AutoscaleInput["stats"]> {
  const inSet = [...replicas].filter(isInSet);
  return Object.fromEntries(inSet.flatMap(({ ref, stats }) => (stats === null ? [] : [[ref.name, stats]])));
}

function settle(deployment: DeploymentState, result: AutoscaleResult, nowMs: number): Problem[] {
  const { scaling, target: from } = deployment;
  const { targetReplicas: to, reason, problem, state: policy } = result;
  const isNews = problem !== undefined && problem !== scaling.problem;
  const evaluateAtMs = result.evaluateAtMs ?? null;
  keep(deployment, { policy, evaluateAtMs, load: result.totalOngoingRequests, problem, decisions: scaling.decisions });
  if (to !== from) {
    change(deployment, { target: to });
    move(deployment, to > from ? "AUTOSCALE_UP" : "AUTOSCALE_DOWN", scalingMessage(from, to));
  }
  if (to !== from || isNews) noteDecision(deployment, { from, reason, nowMs });
  return isNews ? [{ deployment: deployment.name, problem }] : [];
}

// What changes with each report, and follows from the reports, is not stored again and again.
function keep(deployment: DeploymentState, scaling: ScalingState): void {
  const before = deployment.scaling;
  const isSame =
    isSameState(before.policy, scaling.policy) &&
    (before.evaluateAtMs === null) === (scaling.evaluateAtMs === null) &&
    before.problem === scaling.problem;
  if (isSame) Object.assign(deployment, { scaling });
  else change(deployment, { scaling });
}

function isSameState(before: AutoscaleState | null, after: AutoscaleState | null): boolean {
  if (before === after) return true;
  if (before === null || after === null) return false;
  const [was, is] = [before.pending, after.pending];
  const isSamePending = was?.direction === is?.direction && was?.sinceMs === is?.sinceMs && was?.fromReplicas === is?.fromReplicas;
  return isSamePending && before.policy === after.policy;
}

/** Keeps a decision for the operator to see. */
export function noteDecision(
  deployment: DeploymentState,
  { from, reason, nowMs }: { readonly from: number; readonly reason: string; readonly nowMs: number },
): void {
  const { scaling, target } = deployment;
  const decision = { timestamp_s: nowMs / 1000, prev_num_replicas: from, curr_num_replicas: target, reason };
  change(deployment, { scaling: { ...scaling, decisions: [...scaling.decisions, decision].slice(-DECISIONS_KEPT) } });
}
