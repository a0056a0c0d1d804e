/**
 * A transition of a controller: what happened and what it knew go in, what it knows then comes out. Deterministic: no clock, no chance,
 * no storage of its own. What happens to one replica is looked at in its deployment alone, and there without going through the others.
 *
 * Owns: which replicas there should be, the status, what a report is answered with.
 * Does not own: telling replicas (`orders.ts` says what), how many replicas the load asks for (`autoscale/`), what a configuration
 * changes (`adopt.ts`), storage.
 *
 * Invariants:
 *   S1. Deployments that an event does not concern are looked at when the alarm rings, not before.
 *   S2. The number of replicas stays within the bounds of the configuration.
 *   S3. What nothing follows from changes nothing: an idle application is never written, and wakes nobody.
 */
import type { ConfigChange, Failure, OrderOutcome, ReplicaReport } from "../protocol/control.ts";
import { SETUP_LIMIT_MS } from "../protocol/limits.ts";
import { parseReplicaId } from "../protocol/names.ts";
import { shortened } from "../protocol/thrown.ts";
import { adopt } from "./adopt.ts";
import { applicationStatus } from "./application-status.ts";
import { move, scalingMessage } from "./deployment-status.ts";
import { hasGivenUp, startFailureLimit } from "./orders.ts";
import type { Policies } from "./policies.ts";
import { replace, settleReplicas, takeIn } from "./replica-list.ts";
import { noteDecision, noteLoad, type Problem, scaleByLoad } from "./scaling.ts";
import { type ApplicationState, change, type DeploymentState, isInSet, type ReplicaState } from "./state.ts";

/** What can happen to an application. */
export type ControllerEvent =
  | { readonly kind: "adopt"; readonly change: ConfigChange }
  | { readonly kind: "report"; readonly report: ReplicaReport }
  | {
      readonly kind: "outcome";
      readonly deployment: string;
      readonly replica: string;
      readonly epoch: number;
      readonly outcome: OrderOutcome;
    }
  /** An order did not reach its replica. */
  | { readonly kind: "unreached"; readonly deployment: string; readonly replica: string; readonly reason: string }
  | { readonly kind: "scale"; readonly deployment: string; readonly replicas: number }
  | { readonly kind: "tick" };

/** How long a replica that failed to start, or could not be reached, is left alone: doubled for each failure. */
const RETRY_MS = 100;
const MAX_RETRY_MS = 10_000;
/** How long a replica that runs older code is left alone at most. */
const MAX_PAUSE_MS = 60_000;

/** What a transition leads to, besides the state. */
export interface Consequences {
  /** The deployments that may have changed. */
  readonly touched: ReadonlySet<DeploymentState>;
  /** What policies have newly done wrong. */
  readonly problems: readonly Problem[];
}

/** Takes the event into the state. If it throws, the state is of no more use: what is stored is as it was. */
export function transition(application: ApplicationState, event: ControllerEvent, policies: Policies, nowMs: number): Consequences {
  const touched = new Set<DeploymentState>();
  if (event.kind === "adopt") adopt(application, event.change, nowMs);
  if (event.kind === "adopt" || event.kind === "tick") for (const deployment of application.deployments.values()) touched.add(deployment);
  else {
    const deployment = application.deployments.get(event.kind === "report" ? event.report.deployment : event.deployment);
    if (deployment !== undefined) touched.add(deployment);
    if (deployment !== undefined) happen(application, deployment, event, nowMs);
  }
  const isOneOfMany = event.kind === "report" || event.kind === "outcome" || event.kind === "unreached";
  const problems = scaleByLoad(application, touched, policies, { nowMs, isOneOfMany });
  for (const deployment of touched) {
    settleReplicas(application.name, deployment, nowMs);
    const { epoch, configEpoch, replicas } = deployment;
    if (event.kind === "report") noteAnswer(deployment, event.report.replica);
    replicas.aimAt({ version: application.version, epoch, configEpoch });
    settleStatus(deployment, nowMs);
  }
  if (application.isChanged || [...touched].some(({ isChanged }) => isChanged)) settleApplication(application);
  return { touched, problems };
}

function settleApplication(application: ApplicationState): void {
  const deployments = [...application.deployments.values()].filter(({ isLeaving }) => !isLeaving);
  change(application, { status: applicationStatus(application.status, application.desired === null, deployments) });
}

function happen(
  application: ApplicationState,
  deployment: DeploymentState,
  event: Exclude<ControllerEvent, { kind: "adopt" | "tick" }>,
  nowMs: number,
): void {
  if (event.kind === "scale") {
    scale(deployment, event.replicas);
    return;
  }
  const { replicas } = deployment;
  const name = event.kind === "report" ? event.report.replica : event.replica;
  const replica = replicas.get(name) ?? spilled(application, deployment, event, nowMs);
  if (replica === undefined) return;
  if (event.kind === "report") hear({ app: application.name, deployment, replica }, event.report, nowMs);
  else if (event.kind === "outcome") {
    replicas.update(replica, { contactAtMs: nowMs, retryAtMs: 0 });
    settleOutcome(application, deployment, replica, { ...event, nowMs });
  } else replicas.update(replica, { message: shortened(event.reason), retryAtMs: nowMs + MAX_RETRY_MS / 10 });
}

function scale(deployment: DeploymentState, replicas: number): void {
  const { target, config } = deployment;
  if (replicas === target) return;
  change(deployment, { config: { ...config, numReplicas: replicas }, target: replicas, startFailures: 0 });
  move(deployment, replicas > target ? "MANUAL_UP" : "MANUAL_DOWN", scalingMessage(target, replicas));
}

// A replica that is not on the list, and was started by a request that found the others full.
function spilled(
  { name, version }: ApplicationState,
  deployment: DeploymentState,
  event: ControllerEvent,
  nowMs: number,
): ReplicaState | undefined {
  const { autoscaling } = deployment.config;
  if (event.kind !== "report" || event.report.version !== version || autoscaling === null || deployment.isLeaving) return undefined;
  // Others have been taken out of the set, and are found by callers that have not heard of that.
  if (event.report.event.kind !== "woke" || event.report.event.isSpill !== true) return undefined;
  const id = parseReplicaId(event.report.replica);
  const { replicas, target, incarnations } = deployment;
  const { inSetCount } = replicas;
  // A request that finds no replica at all always brings the first one up.
  if (!autoscaling.spillover && inSetCount > 0) return undefined;
  if (id === undefined || inSetCount >= autoscaling.maxReplicas || replicas.isTaken(id.ordinal)) return undefined;
  if (id.incarnation !== (incarnations[id.ordinal] ?? 0)) return undefined;
  change(deployment, { target: Math.max(target, inSetCount + 1) });
  const replica = takeIn(name, deployment, id.ordinal, nowMs);
  if (deployment.target > target) {
    move(deployment, "AUTOSCALE_UP", scalingMessage(target, deployment.target));
    noteDecision(deployment, { from: target, reason: `A request found every replica full and started ${replica.ref.name}.`, nowMs });
  }
  return replica;
}

interface About {
  readonly app: string;
  readonly deployment: DeploymentState;
  readonly replica: ReplicaState;
}

function hear({ app, deployment, replica }: About, report: ReplicaReport, nowMs: number): void {
  const { event } = report;
  const { replicas } = deployment;
  replicas.update(replica, { contactAtMs: nowMs });
  // It was told more than is known here, so what was stored here is gone. Counted on from there, the set is obeyed again.
  if (report.epoch > deployment.epoch) change(deployment, { epoch: report.epoch + 1 });
  if (event.kind === "load") noteLoad(deployment, replica, event.load, nowMs);
  else if (event.kind === "drained") replicas.update(replica, { drainUntilMs: nowMs });
  else if (event.kind === "startFailed") failStart(deployment, replica, event, nowMs);
  else if (event.kind === "refused" && report.epoch >= deployment.configEpoch)
    move(deployment, "RECONFIGURE_FAILED", shortened(event.failure), event.stack);
  else if (event.kind === "unhealthy" && isInSet(replica) && !isGivenTime(deployment, replica, report, nowMs)) {
    const message = shortened(event.message);
    move(deployment, "HEALTH_CHECK_FAILED", message, event.stack);
    replicas.update(replica, { message });
    const stuckStarts = report.isStarting === true ? (replica.stuckStarts ?? 0) + 1 : 0;
    replace(app, deployment, replica, { nowMs, stuckStarts });
  }
  // Its object may be alive although its class does not start.
  if ((event.kind === "load" || event.kind === "alive") && report.isStarting !== true) begin(deployment, replica, report.version, nowMs);
}

// A start that hangs by accident is over with the first replacement. One that is slow would never end if it were replaced again
// and again, so each has twice the time of the one before, up to what `setup` may take.
function isGivenTime(
  { config }: DeploymentState,
  { sinceMs, stuckStarts = 0 }: ReplicaState,
  report: ReplicaReport,
  nowMs: number,
): boolean {
  if (report.isStarting !== true || stuckStarts === 0) return false;
  return nowMs - sinceMs < Math.min(SETUP_LIMIT_MS, config.healthCheckPeriodMs * 2 ** stuckStarts);
}

// What it is answered with has the newest epoch.
function noteAnswer({ replicas, epoch }: DeploymentState, name: string): void {
  const replica = replicas.get(name);
  if (replica !== undefined) replicas.update(replica, { epoch });
}

/** It runs: it said so, or it answered that it has started. */
function begin({ replicas }: DeploymentState, replica: ReplicaState, version: string, nowMs: number): void {
  if (replica.phase !== "STARTING") replicas.update(replica, { version });
  else replicas.update(replica, { version, phase: "RUNNING", stuckStarts: undefined, sinceMs: nowMs, message: "" });
}

function settleOutcome(
  { version, deployedAtMs }: ApplicationState,
  deployment: DeploymentState,
  replica: ReplicaState,
  { epoch, outcome, nowMs }: { readonly epoch: number; readonly outcome: OrderOutcome; readonly nowMs: number },
): void {
  const { replicas } = deployment;
  if (outcome.kind === "startFailed") {
    failStart(deployment, replica, outcome, nowMs);
    return;
  }
  replicas.update(replica, { epoch: Math.max(replica.epoch, epoch) });
  // The object may run the code of before for a while. It is asked again, ever less often: who is asked does not sleep.
  const pauseMs = Math.min(MAX_PAUSE_MS, Math.max(MAX_RETRY_MS, nowMs - deployedAtMs));
  if (outcome.version !== version) replicas.update(replica, { retryAtMs: nowMs + pauseMs });
  begin(deployment, replica, outcome.version, nowMs);
  if (outcome.kind === "reconfigureFailed") {
    if (epoch >= deployment.configEpoch) move(deployment, "RECONFIGURE_FAILED", shortened(outcome.message), outcome.stack);
  } else if (outcome.version === version) change(deployment, { hasStarted: true, startFailures: 0 });
}

function failStart(deployment: DeploymentState, replica: ReplicaState, { message, stack }: Failure, nowMs: number): void {
  const reason = shortened(message);
  const startFailures = deployment.startFailures + 1;
  change(deployment, { startFailures });
  deployment.replicas.update(replica, {
    message: reason,
    retryAtMs: nowMs + Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** (startFailures - 1)),
  });
  const left = startFailureLimit(deployment) - startFailures;
  if (left > 0) {
    change(deployment, { message: `A replica failed to start with exception. Retrying ${left} more time(s). Error: ${reason}`, stack });
    return;
  }
  move(
    deployment,
    "REPLICA_STARTUP_FAILED",
    `The deployment failed to start ${startFailures} times in a row. This may be due to a problem with its constructor or ` +
      `initial health check failing. See the logs for details. Error:\n${reason}`,
    stack,
  );
}

function settleStatus(deployment: DeploymentState, nowMs: number): void {
  if (deployment.isLeaving || hasGivenUp(deployment) || deployment.trigger === "RECONFIGURE_FAILED") return;
  const { replicas, target } = deployment;
  if (replicas.size === target && replicas.isSettled(nowMs)) move(deployment, "HEALTHY");
}
