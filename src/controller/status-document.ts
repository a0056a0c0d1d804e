/**
 * What the operator sees of an application, from what its controller knows.
 */
import type { ApplicationDetails, DeploymentDetails, ReplicaPhase } from "../protocol/status.ts";
import { applicationMessage } from "./application-status.ts";
import type { ApplicationState, DeploymentState } from "./state.ts";

/** The application, in the spelling of the operator's API; `undefined` when it has been deleted and nothing of it is left. */
export function detailsOf(application: ApplicationState): ApplicationDetails | undefined {
  const { name, status, version, desired, deployedAtMs, deployments } = application;
  // What has been taken away is remembered, so that its epochs go on; it is shown until its last replica is gone.
  const all = [...deployments.values()].filter(({ isLeaving, replicas }) => !isLeaving || replicas.size > 0);
  if (desired === null && all.length === 0) return undefined;
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

function deploymentDetails({
  name,
  status,
  trigger,
  message,
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
    target_num_replicas: target,
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
