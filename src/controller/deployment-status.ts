/**
 * The state machine of a deployment, as a table. The names and the moves are Ray Serve's (`DeploymentStatusInfo`).
 */
import type { DeploymentStatus, StatusTrigger } from "../protocol/status.ts";
import { change, type Tracked } from "./state.ts";

/** What can happen to a deployment. */
export type DeploymentEvent =
  | "CONFIG_UPDATE"
  | "DELETE"
  | "HEALTHY"
  | "AUTOSCALE_UP"
  | "AUTOSCALE_DOWN"
  | "MANUAL_UP"
  | "MANUAL_DOWN"
  | "REPLICA_STARTUP_FAILED"
  | "HEALTH_CHECK_FAILED"
  | "RECONFIGURE_FAILED";

type Move = readonly [to: DeploymentStatus, trigger: StatusTrigger];

const UPDATE: Move = ["UPDATING", "CONFIG_UPDATE_STARTED"];
const DELETE: Move = ["UPDATING", "DELETING"];
const RECONFIGURE_FAILED: Move = ["UNHEALTHY", "RECONFIGURE_FAILED"];
const ALWAYS = { CONFIG_UPDATE: UPDATE, DELETE, RECONFIGURE_FAILED };
const SCALING = {
  AUTOSCALE_UP: ["UPSCALING", "AUTOSCALING"],
  AUTOSCALE_DOWN: ["DOWNSCALING", "AUTOSCALING"],
} satisfies Partial<Record<DeploymentEvent, Move>>;
const MANUAL = {
  MANUAL_UP: ["UPSCALING", "MANUAL_SCALING"],
  MANUAL_DOWN: ["DOWNSCALING", "MANUAL_SCALING"],
} satisfies Partial<Record<DeploymentEvent, Move>>;
const FAILING = {
  REPLICA_STARTUP_FAILED: ["UNHEALTHY", "REPLICA_STARTUP_FAILED"],
  HEALTH_CHECK_FAILED: ["UNHEALTHY", "HEALTH_CHECK_FAILED"],
} satisfies Partial<Record<DeploymentEvent, Move>>;

/** Where each event leads from each state; what is not listed changes nothing. */
export const DEPLOYMENT_MOVES: Readonly<Record<DeploymentStatus, Readonly<Partial<Record<DeploymentEvent, Move>>>>> = {
  UPDATING: {
    ...ALWAYS,
    ...SCALING,
    HEALTHY: ["HEALTHY", "CONFIG_UPDATE_COMPLETED"],
    REPLICA_STARTUP_FAILED: ["DEPLOY_FAILED", "REPLICA_STARTUP_FAILED"],
    HEALTH_CHECK_FAILED: ["DEPLOY_FAILED", "HEALTH_CHECK_FAILED"],
  },
  UPSCALING: { ...ALWAYS, ...SCALING, ...MANUAL, ...FAILING, HEALTHY: ["HEALTHY", "UPSCALE_COMPLETED"] },
  DOWNSCALING: { ...ALWAYS, ...SCALING, ...MANUAL, ...FAILING, HEALTHY: ["HEALTHY", "DOWNSCALE_COMPLETED"] },
  HEALTHY: { ...ALWAYS, ...SCALING, ...MANUAL, ...FAILING },
  // A sick deployment that is scaled stays sick until it is well: its message is what the operator needs to see.
  UNHEALTHY: { ...ALWAYS, HEALTHY: ["HEALTHY", "UNSPECIFIED"] },
  DEPLOY_FAILED: { ...ALWAYS, HEALTHY: ["HEALTHY", "UNSPECIFIED"] },
};

/** What {@link move} changes. */
export interface StatusHolder extends Tracked {
  readonly status: DeploymentStatus;
  readonly trigger: StatusTrigger;
  readonly message: string;
  readonly stack?: string | undefined;
}

/** Moves a deployment by the table. The message, and the stack that is of it, stay where the event does nothing. */
export function move(holder: StatusHolder, event: DeploymentEvent, message = "", stack?: string): void {
  // What is being taken away stays so, unless it is wanted again.
  if (holder.trigger === "DELETING" && event !== "CONFIG_UPDATE") return;
  const [status, trigger] = DEPLOYMENT_MOVES[holder.status][event] ?? [];
  if (status === undefined || trigger === undefined) return;
  change(holder, { status, trigger, message, stack });
}

/** Says that the number of replicas changes. */
export function scalingMessage(from: number, to: number): string {
  return `${to > from ? "Upscaling" : "Downscaling"} from ${from} to ${to} replicas.`;
}
