/**
 * The states that an operator sees, spelled as Ray Serve spells them.
 */
import type { RouteStatus } from "./traffic.ts";

/** What an application is doing. */
export type ApplicationStatus = "NOT_STARTED" | "DEPLOYING" | "RUNNING" | "UNHEALTHY" | "DEPLOY_FAILED" | "DELETING";

/** What a deployment is doing. */
export type DeploymentStatus = "UPDATING" | "HEALTHY" | "UNHEALTHY" | "DEPLOY_FAILED" | "UPSCALING" | "DOWNSCALING";

/** Why a deployment is in its state. */
export type StatusTrigger =
  | "UNSPECIFIED"
  | "CONFIG_UPDATE_STARTED"
  | "CONFIG_UPDATE_COMPLETED"
  | "UPSCALE_COMPLETED"
  | "DOWNSCALE_COMPLETED"
  | "AUTOSCALING"
  | "MANUAL_SCALING"
  | "REPLICA_STARTUP_FAILED"
  | "HEALTH_CHECK_FAILED"
  | "RECONFIGURE_FAILED"
  | "DELETING";

/** What a replica is doing. */
export type ReplicaPhase = "STARTING" | "RUNNING" | "DRAINING" | "STOPPING" | "UNHEALTHY";

/** One replica, as the operator's API shows it. */
export interface ReplicaDetails {
  readonly replica_id: string;
  readonly state: ReplicaPhase;
  /** Of the code that it runs; `null` until it has started. */
  readonly version: string | null;
  /** When it came into this state. */
  readonly start_time_s: number;
  /** What went wrong last, if anything. */
  readonly message?: string;
}

/** A decision of the autoscaler. */
export interface ScalingDecision {
  readonly timestamp_s: number;
  readonly prev_num_replicas: number;
  readonly curr_num_replicas: number;
  readonly reason: string;
}

/** One deployment, as the operator's API shows it. */
export interface DeploymentDetails {
  readonly name: string;
  readonly status: DeploymentStatus;
  readonly status_trigger: StatusTrigger;
  readonly message: string;
  /** Where the class failed of which `message` tells, as far as it threw something. */
  readonly stack?: string | undefined;
  /** `null` for one that has no replicas of its own. */
  readonly target_num_replicas: number | null;
  /** It has an object for each key, in place of replicas. */
  readonly keyed?: true;
  /** Each caller has an instance of its own: see `placement`. */
  readonly inline?: true;
  readonly replica_states: Readonly<Partial<Record<ReplicaPhase, number>>>;
  readonly replicas: readonly ReplicaDetails[];
  /** Counts up with every change of the replica set or the configuration. */
  readonly epoch: number;
  readonly autoscaling_detail?: { readonly decisions: readonly ScalingDecision[]; readonly total_ongoing_requests: number };
}

/** One application, as the operator's API shows it. */
export interface ApplicationDetails {
  readonly name: string;
  readonly status: ApplicationStatus;
  readonly message: string;
  readonly route_prefix: string | null;
  readonly last_deployed_time_s: number;
  /** Of the deployed code. */
  readonly version: string;
  readonly ingress: string;
  readonly deployments: Readonly<Record<string, DeploymentDetails>>;
}

/** What `GET /-/api/applications` answers. */
export interface StatusDocument {
  readonly applications: Readonly<Record<string, ApplicationDetails>>;
  /** The prefixes that several applications share, by prefix. */
  readonly routes: Readonly<Record<string, RouteStatus>>;
}
