/**
 * What the operator sees of an application, from what its controller knows.
 */
import type { ApplicationDetails, DeploymentDetails, ReplicaPhase } from "../protocol/status.ts";
import { applicationMessage } from "./application-status.ts";
import type { ApplicationState, DeploymentState } from "./state.ts";

/** The application, in the spelling of the operator's API; `undefined` when it has been deleted and nothing of it is left. */
export function detailsOf(application: ApplicationState): ApplicationDetails | undefined {
  if (isGone(application)) return undefined;
  const { name, status, version, desired, deployedAtMs } = application;
  const all = shownOf(application);
  return {
    name,
    status,
    message: applicationMessage(all.filter(({ isLeaving }) => !isLeaving)),
    route_prefix: desired?.routePrefix ?? null,
    last_deployed_time_s: deployedAtMs / 1000,
    version,
    ingress: desired?.ingress ?? "",
    deployments: Object.fromEntries(all.map((deployment) => [deployment.name, deploymentDetails(deployment)])),
  };
}

/** Whether an application has been deleted, and nothing of it is left. */
export function isGone(application: ApplicationState): boolean {
  return application.desired === null && shownOf(application).length === 0;
}

/** The deployments that are shown. What has been taken away is remembered, so that its epochs go on; it is shown until its last replica is gone. */
export function shownOf({ deployments }: ApplicationState): DeploymentState[] {
  return [...deployments.values()].filter(({ isLeaving, replicas }) => !isLeaving || replicas.size > 0);
}

function deploymentDetails({
  name,
  status,
  trigger,
  message,
  stack,
  target,
  replicas,
  epoch,
  config,
  scaling,
}: DeploymentState): DeploymentDetails {
  const states: Partial<Record<ReplicaPhase, number>> = {};
  for (const { phase } of replicas) states[phase] = (states[phase] ?? 0) + 1;
  return {
    name,
    status,
    status_trigger: trigger,
    message: message === "" ? (scaling.problem ?? "") : message,
    stack,
    target_num_replicas: config.keyed === true || config.inline === true ? null : target,
    ...(config.keyed === true ? { keyed: true } : {}),
    ...(config.inline === true ? { inline: true } : {}),
    replica_states: states,
    replicas: Array.from(replicas, (replica) => ({
      replica_id: replica.ref.name,
      state: replica.phase,
      version: replica.version,
      start_time_s: replica.sinceMs / 1000,
      ...(replica.message === "" ? {} : { message: replica.message }),
    })),
    epoch,
    ...(config.autoscaling === null ? {} : { autoscaling_detail: { decisions: scaling.decisions, total_ongoing_requests: scaling.load } }),
  };
}
