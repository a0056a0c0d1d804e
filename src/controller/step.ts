/**
 * One step of a controller: what happened and what it knew go in, what it knows then comes out. Deterministic: no clock, no chance, no
 * storage of its own.
 *
 * Owns: which replicas there should be, the status, what a report is answered with.
 * Does not own: telling replicas (`orders.ts` says what), how many replicas the load asks for (`autoscale/`), storage.
 *
 * Invariants:
 *   S1. An older configuration never replaces a newer one.
 *   S2. The number of replicas stays within the bounds of the configuration.
 *   S3. A step that nothing follows from changes nothing: an idle application is never written, and wakes nobody.
 */
import type { ConfigChange, OrderOutcome, ReplicaReport } from "../protocol/control.ts";
import { SETUP_LIMIT_MS } from "../protocol/limits.ts";
import type { DeploymentConfig } from "../protocol/manifest.ts";
import { parseReplicaId } from "../protocol/names.ts";
import { own } from "../protocol/own.ts";
import { shortened } from "../protocol/thrown.ts";
import { applicationStatus } from "./application-status.ts";
import { move } from "./deployment-status.ts";
import { hasGivenUp, startFailureLimit } from "./orders.ts";
import type { Policies } from "./policies.ts";
import { mayBeAwake, replace, settleReplicas, takeIn } from "./replica-list.ts";
import { noteDecision, noteLoad, scaleByLoad } from "./scaling.ts";
import { type ApplicationState, type DeploymentState, isInSet, type ReplicaState } from "./state.ts";

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

/** Takes the event into `application`, which must be the caller's own copy. */
export function step(application: ApplicationState, event: ControllerEvent, policies: Policies, nowMs: number): void {
  if (event.kind === "adopt") adopt(application, event.change, nowMs);
  else if (event.kind !== "tick") {
    const name = event.kind === "report" ? event.report.deployment : event.deployment;
    const deployment = own(application.deployments, name);
    if (deployment !== undefined) happen(application, deployment, event, nowMs);
  }
  scaleByLoad(application, policies, nowMs);
  for (const deployment of Object.values(application.deployments)) {
    settleReplicas(application.name, deployment, nowMs);
    settleStatus(application, deployment, nowMs);
  }
  if (event.kind === "report") noteAnswer(application, event.report);
  application.status = applicationStatus(
    application.status,
    application.desired === null,
    Object.values(application.deployments).filter(({ isLeaving }) => !isLeaving),
  );
}

function adopt(application: ApplicationState, { revision, version, application: desired, isCompiled }: ConfigChange, nowMs: number): void {
  const isNewCode = version !== application.version;
  if (!isNewCode && revision < application.revision) return;
  const isSame = !isNewCode && JSON.stringify(desired) === JSON.stringify(application.desired);
  // Delivered once more, or what was compiled. An operator's document takes back what was scaled by hand, an equal one too.
  const isRepeated = revision === application.revision || isCompiled === true;
  application.revision = revision;
  if (isSame && isRepeated) return;
  const isMoved = desired?.routePrefix !== application.desired?.routePrefix;
  if (!isSame) Object.assign(application, { version, desired, deployedAtMs: nowMs });
  const wanted = desired?.deployments ?? {};
  for (const [name, config] of Object.entries(wanted)) {
    const known = own(application.deployments, name);
    if (known === undefined) application.deployments[name] = newDeployment(name, config);
    else update(known, config, { isNewCode, isMoved });
  }
  for (const deployment of Object.values(application.deployments)) {
    if (Object.hasOwn(wanted, deployment.name) || deployment.isLeaving) continue;
    deployment.isLeaving = true;
    deployment.epoch++;
    move(deployment, "DELETE");
  }
}

function newDeployment(name: string, config: DeploymentConfig): DeploymentState {
  return {
    name,
    epoch: 1,
    config,
    configEpoch: 1,
    target: config.numReplicas,
    isLeaving: false,
    status: "UPDATING",
    trigger: "CONFIG_UPDATE_STARTED",
    message: "",
    startFailures: 0,
    hasStarted: false,
    replicas: [],
    incarnations: {},
    scaling: { policy: null, evaluateAtMs: null, load: 0, decisions: [] },
  };
}

function update(
  deployment: DeploymentState,
  config: DeploymentConfig,
  { isNewCode, isMoved }: { isNewCode: boolean; isMoved: boolean },
): void {
  const before = deployment.config;
  const { numReplicas: _, ...rest } = config;
  const { numReplicas: __, ...restBefore } = before;
  const isCountOnly = JSON.stringify(rest) === JSON.stringify(restBefore);
  const isSame = isCountOnly && config.numReplicas === before.numReplicas;
  if (isSame && !isNewCode && !isMoved && !deployment.isLeaving) return;
  const target = targetAfter(deployment, config);
  if (isCountOnly && !isNewCode && !isMoved && !deployment.isLeaving) {
    // Ray Serve shows a change of the number alone as scaling.
    const { target: from } = deployment;
    move(deployment, target > from ? "MANUAL_UP" : "MANUAL_DOWN", scalingMessage(from, target));
  } else {
    deployment.configEpoch = ++deployment.epoch;
    move(deployment, "CONFIG_UPDATE");
  }
  Object.assign(deployment, { config, target, isLeaving: false, startFailures: 0 });
  if (isNewCode) deployment.hasStarted = false;
  for (const replica of deployment.replicas) replica.retryAtMs = 0;
}

// Autoscaled before and after: the load has decided, and goes on deciding within the new bounds.
function targetAfter(deployment: DeploymentState, { autoscaling, numReplicas }: DeploymentConfig): number {
  if (autoscaling === null || deployment.config.autoscaling === null || deployment.isLeaving) return numReplicas;
  return Math.min(autoscaling.maxReplicas, Math.max(autoscaling.minReplicas, deployment.target));
}

function scalingMessage(from: number, to: number): string {
  return `${to > from ? "Upscaling" : "Downscaling"} from ${from} to ${to} replicas.`;
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
  const name = event.kind === "report" ? event.report.replica : event.replica;
  const replica = deployment.replicas.find(({ ref }) => ref.name === name) ?? spilled(application, deployment, event, nowMs);
  if (replica === undefined) return;
  if (event.kind === "report") hear({ app: application.name, deployment, replica }, event.report, nowMs);
  else if (event.kind === "outcome") {
    replica.contactAtMs = nowMs;
    replica.retryAtMs = 0;
    settleOutcome(application, deployment, replica, { ...event, nowMs });
  } else {
    replica.message = shortened(event.reason);
    replica.retryAtMs = nowMs + MAX_RETRY_MS / 10;
  }
}

function scale(deployment: DeploymentState, replicas: number): void {
  const { target } = deployment;
  if (replicas === target) return;
  deployment.config = { ...deployment.config, numReplicas: replicas };
  deployment.target = replicas;
  deployment.startFailures = 0;
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
  const inSet = deployment.replicas.filter(isInSet);
  // A request that finds no replica at all always brings the first one up.
  if (!autoscaling.spillover && inSet.length > 0) return undefined;
  if (id === undefined || inSet.length >= autoscaling.maxReplicas || inSet.some(({ ordinal }) => ordinal === id.ordinal)) return undefined;
  if (id.incarnation !== (deployment.incarnations[id.ordinal] ?? 0)) return undefined;
  const { target } = deployment;
  deployment.target = Math.max(target, inSet.length + 1);
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
  replica.contactAtMs = nowMs;
  // It was told more than is known here, so what was stored here is gone. Counted on from there, the set is obeyed again.
  if (report.epoch > deployment.epoch) deployment.epoch = report.epoch + 1;
  if (event.kind === "load") noteLoad(deployment, replica, event.load, nowMs);
  else if (event.kind === "drained") replica.drainUntilMs = nowMs;
  else if (event.kind === "startFailed") failStart(deployment, replica, event.message, nowMs);
  else if (event.kind === "refused" && report.epoch >= deployment.configEpoch)
    move(deployment, "RECONFIGURE_FAILED", shortened(event.failure));
  else if (event.kind === "unhealthy" && isInSet(replica) && !isGivenTime(deployment, replica, report, nowMs)) {
    const message = shortened(event.message);
    move(deployment, "HEALTH_CHECK_FAILED", message);
    replica.message = message;
    const stuckStarts = report.isStarting === true ? (replica.stuckStarts ?? 0) + 1 : 0;
    replace(app, deployment, replica, { nowMs, stuckStarts });
  }
  // Its object may be alive although its class does not start.
  if ((event.kind === "load" || event.kind === "alive") && report.isStarting !== true) begin(replica, report.version, nowMs);
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
function noteAnswer({ deployments }: ApplicationState, { deployment: name, replica: replicaName }: ReplicaReport): void {
  const deployment = own(deployments, name);
  const replica = deployment?.replicas.find(({ ref }) => ref.name === replicaName);
  if (deployment !== undefined && replica !== undefined) replica.epoch = deployment.epoch;
}

/** It runs: it said so, or it answered that it has started. */
function begin(replica: ReplicaState, version: string, nowMs: number): void {
  replica.version = version;
  if (replica.phase !== "STARTING") return;
  replica.phase = "RUNNING";
  delete replica.stuckStarts;
  replica.sinceMs = nowMs;
  replica.message = "";
}

function settleOutcome(
  { version, deployedAtMs }: ApplicationState,
  deployment: DeploymentState,
  replica: ReplicaState,
  { epoch, outcome, nowMs }: { readonly epoch: number; readonly outcome: OrderOutcome; readonly nowMs: number },
): void {
  if (outcome.kind === "startFailed") {
    failStart(deployment, replica, outcome.message, nowMs);
    return;
  }
  replica.epoch = Math.max(replica.epoch, epoch);
  // The object may run the code of before for a while. It is asked again, ever less often: who is asked does not sleep.
  if (outcome.version !== version) replica.retryAtMs = nowMs + Math.min(MAX_PAUSE_MS, Math.max(MAX_RETRY_MS, nowMs - deployedAtMs));
  begin(replica, outcome.version, nowMs);
  if (outcome.kind === "reconfigureFailed") {
    if (epoch >= deployment.configEpoch) move(deployment, "RECONFIGURE_FAILED", shortened(outcome.message));
  } else if (outcome.version === version) {
    deployment.hasStarted = true;
    deployment.startFailures = 0;
  }
}

function failStart(deployment: DeploymentState, replica: ReplicaState, message: string, nowMs: number): void {
  const reason = shortened(message);
  deployment.startFailures++;
  replica.message = reason;
  replica.retryAtMs = nowMs + Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** (deployment.startFailures - 1));
  const left = startFailureLimit(deployment) - deployment.startFailures;
  if (left > 0) {
    deployment.message = `A replica failed to start with exception. Retrying ${left} more time(s). Error: ${reason}`;
    return;
  }
  move(
    deployment,
    "REPLICA_STARTUP_FAILED",
    `The deployment failed to start ${deployment.startFailures} times in a row. This may be due to a problem with its constructor or ` +
      `initial health check failing. See the logs for details. Error:\n${reason}`,
  );
}

function settleStatus({ version }: ApplicationState, deployment: DeploymentState, nowMs: number): void {
  if (deployment.isLeaving || hasGivenUp(deployment) || deployment.trigger === "RECONFIGURE_FAILED") return;
  const { replicas, target, configEpoch } = deployment;
  const isSettled = (replica: ReplicaState) =>
    replica.phase === "RUNNING" && replica.version === version && (replica.epoch >= configEpoch || !mayBeAwake(replica, nowMs));
  if (replicas.every(isSettled) && replicas.length === target) move(deployment, "HEALTHY");
}

/** What is known of an application before anything has happened. */
export function freshState(name: string): ApplicationState {
  return { name, revision: 0, version: "", desired: null, deployedAtMs: 0, status: "NOT_STARTED", deployments: {} };
}
