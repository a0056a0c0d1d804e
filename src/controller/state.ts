/**
 * What a controller remembers of its application. JSON: it is stored before anything that follows from it is done.
 */
import type { ApplicationManifest, DeploymentConfig } from "../protocol/manifest.ts";
import type { ReplicaRef } from "../protocol/replica-set.ts";
import type { ApplicationStatus, DeploymentStatus, ReplicaPhase, ScalingDecision, StatusTrigger } from "../protocol/status.ts";

/** An application, as its controller knows it. */
export interface ApplicationState {
  readonly name: string;
  /** Of the newest configuration that was taken; 0 is what was compiled. */
  revision: number;
  /** Of the code. */
  version: string;
  /** What should run; `null` when the application has been deleted. */
  desired: ApplicationManifest | null;
  deployedAtMs: number;
  /** When the configuration's object is next told that this version of the code runs; absent once it has heard it. */
  untoldAtMs?: number;
  status: ApplicationStatus;
  deployments: Record<string, DeploymentState>;
}

/** A deployment, as its controller knows it. */
export interface DeploymentState {
  readonly name: string;
  /** Counts up whenever callers or replicas have something new to learn. */
  epoch: number;
  config: DeploymentConfig;
  /** The epoch that brought the configuration. */
  configEpoch: number;
  /** How many replicas there should be. */
  target: number;
  /** It is no part of the application any more. Kept all the same: should it come back, its epochs go on. */
  isLeaving: boolean;
  status: DeploymentStatus;
  trigger: StatusTrigger;
  message: string;
  /** Starts that failed in a row. */
  startFailures: number;
  /** Whether any replica has started under this version of the code. */
  hasStarted: boolean;
  replicas: ReplicaState[];
  /** The incarnation that a replica of this number gets next, where it is not 0. */
  incarnations: Record<number, number>;
  scaling: ScalingState;
}

/** What the autoscaler keeps between two decisions. */
export interface ScalingState {
  /** The policy's own. */
  policy: unknown;
  /** When it could decide otherwise without having been told anything new. */
  evaluateAtMs: number | null;
  /** The load that it decided by last. */
  load: number;
  /** Why the policy's answer could not be used, as long as that is so. */
  problem?: string | undefined;
  /** The newest last. */
  decisions: ScalingDecision[];
}

/** A replica, as its controller knows it. */
export interface ReplicaState {
  readonly ordinal: number;
  readonly incarnation: number;
  readonly ref: ReplicaRef;
  phase: ReplicaPhase;
  /** When it came into its phase. */
  sinceMs: number;
  /** Of the code that it was last seen to run. */
  version: string | null;
  /** The newest epoch that it is known to have. */
  epoch: number;
  /** When it was last heard of; 0 is never. While its lease lasts it may be awake. */
  contactAtMs: number;
  /** Not before this time is it told anything again. */
  retryAtMs: number;
  /** When a draining one is given up. */
  drainUntilMs: number;
  message: string;
  /** How many before it, in a row, were replaced because requests ran out of time while they started. */
  stuckStarts?: number;
  /** Its load over the look-back period, as a step function. */
  load: { atMs: number; value: number }[];
  stats: Readonly<Record<string, number>> | null;
}

/** A replica that callers may choose. */
export function isInSet({ phase }: ReplicaState): boolean {
  return phase === "STARTING" || phase === "RUNNING";
}
