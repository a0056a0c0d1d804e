/**
 * What an application is doing, from what its deployments are doing: Ray Serve's rule.
 */
import { show } from "../protocol/wording.ts";
import type { ApplicationStatus, DeploymentStatus, StatusTrigger } from "../protocol/status.ts";

/** What the rule looks at. */
export interface StatusOfDeployment {
  readonly name: string;
  readonly status: DeploymentStatus;
  readonly trigger: StatusTrigger;
  readonly message: string;
}

const BEING_DEPLOYED: readonly ApplicationStatus[] = ["NOT_STARTED", "DEPLOYING", "DEPLOY_FAILED"];

/** The status that follows from `before` and the deployments. */
export function applicationStatus(
  before: ApplicationStatus,
  isDeleted: boolean,
  deployments: readonly StatusOfDeployment[],
): ApplicationStatus {
  if (isDeleted) return "DELETING";
  if (deployments.some(isSick)) {
    // Where the replicas could not start at all, nothing was ever well: the deploy is what failed.
    return BEING_DEPLOYED.includes(before) || deployments.some(({ status }) => status === "DEPLOY_FAILED") ? "DEPLOY_FAILED" : "UNHEALTHY";
  }
  return deployments.some(isOnTheWay) ? "DEPLOYING" : "RUNNING";
}

/** The sick deployments and what they say; empty when none is. */
export function applicationMessage(deployments: readonly StatusOfDeployment[]): string {
  return deployments
    .filter(isSick)
    .map(({ name, message }) => `Deployment ${show(name)}: ${message}`)
    .join("\n");
}

function isSick({ status }: StatusOfDeployment): boolean {
  return status === "UNHEALTHY" || status === "DEPLOY_FAILED";
}

function isOnTheWay({ status, trigger }: StatusOfDeployment): boolean {
  return status === "UPDATING" || trigger === "MANUAL_SCALING" || (status !== "HEALTHY" && trigger === "CONFIG_UPDATE_STARTED");
}
