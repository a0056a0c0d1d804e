/**
 * What a controller remembers when its object is gone: a row for the application, one for each deployment, one for each replica.
 *
 * A report changes the row of its replica, and nothing else. Edge-serve 0.1 stored all of it as one value, whose shape is
 * {@link StoredApplication}; what reads the rows puts them together to the same shape again.
 *
 * Owns: what is in a row, and the way from rows to memory. Does not own: SQL (`durable-objects/`).
 */
import type { ApplicationManifest, DeploymentConfig } from "../protocol/manifest.ts";
import type { ApplicationStatus, DeploymentStatus, ScalingDecision, StatusTrigger } from "../protocol/status.ts";
import type { AutoscaleState } from "./autoscale/autoscale.ts";
import { exact } from "./autoscale/step-sum.ts";
import { Roster } from "./roster.ts";
import { type ApplicationState, type DeploymentState, freshState, type ReplicaState } from "./state.ts";

/** An application, without its deployments. */
export interface ApplicationRow {
  name: string;
  /** Of the newest configuration that was taken; 0 is what was compiled. */
  revision: number;
  /** Of the code. */
  version: string;
  /** What should run; `null` when the application has been deleted. */
  desired: ApplicationManifest | null;
  deployedAtMs: number;
  /** The newest `routing` of a configuration. */
  routing?: number | undefined;
  /** When the configuration's object is next told that this version of the code runs; absent once it has heard it. */
  untoldAtMs?: number | undefined;
  status: ApplicationStatus;
}

/** A deployment, without its replicas. */
export interface DeploymentRow {
  name: string;
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
  /** Of what failed, where the message tells of something that has. */
  stack?: string | undefined;
  /** Starts that failed in a row. */
  startFailures: number;
  /** Whether any replica has started under this version of the code. */
  hasStarted: boolean;
  /** The incarnation that a replica of this number gets next, where it is not 0. */
  incarnations: Readonly<Record<number, number>>;
  scaling: ScalingState;
}

/** What the autoscaler keeps between two decisions. */
export interface ScalingState {
  /** What the autoscaler remembers from one evaluation to the next; `null` before the first. */
  readonly policy: AutoscaleState | null;
  /** When it could decide otherwise without having been told anything new. Stored is whether there is such a time; it is looked for anew. */
  readonly evaluateAtMs: number | null;
  /** The load that it decided by last. */
  readonly load: number;
  /** Why the policy's answer could not be used, as long as that is so. */
  readonly problem?: string | undefined;
  /** The newest last. */
  readonly decisions: readonly ScalingDecision[];
}

/** A replica, and whose it is. */
export interface ReplicaRow extends ReplicaState {
  readonly deployment: string;
  /** Its place among the others. */
  readonly sequence: number;
}

/** All of it. JSON. */
export interface StoredApplication extends ApplicationRow {
  deployments: Record<string, StoredDeployment>;
}

/** A deployment with its replicas, in their order. */
export interface StoredDeployment extends DeploymentRow {
  replicas: readonly (ReplicaState & { readonly sequence?: number })[];
}

/** What is to be written together, or not at all. */
export interface Changes {
  readonly application: ApplicationRow | undefined;
  readonly deployments: readonly DeploymentRow[];
  readonly replicas: readonly ReplicaRow[];
  /** The names of the replicas that are gone. */
  readonly gone: readonly string[];
}

/** All rows of what is stored as one value. */
export function rowsOf({ deployments, ...application }: StoredApplication): Changes {
  const all = Object.values(deployments);
  return {
    application,
    deployments: all.map(withoutReplicas),
    replicas: all.flatMap(({ name: deployment, replicas }) => replicas.map((one, sequence) => ({ sequence, ...one, deployment }))),
    gone: [],
  };
}

function withoutReplicas(deployment: StoredDeployment): DeploymentRow {
  const { replicas: _, ...row } = deployment;
  return row;
}

/** Puts rows together; `undefined` where nothing has been stored. */
export function storedFrom(
  application: ApplicationRow | undefined,
  deployments: readonly DeploymentRow[],
  replicas: readonly ReplicaRow[],
): StoredApplication | undefined {
  if (application === undefined) return undefined;
  const all = new Map(deployments.map((row) => [row.name, { ...row, replicas: [] as (ReplicaState & { sequence: number })[] }]));
  for (const row of replicas.toSorted((a, b) => a.sequence - b.sequence)) {
    const { deployment, ...replica } = row;
    all.get(deployment)?.replicas.push(replica);
  }
  return { ...application, deployments: Object.fromEntries(all) };
}

/** What is known, from what was stored. */
export function stateFrom({ deployments, ...row }: StoredApplication, nowMs: number): ApplicationState {
  const application: ApplicationState = { ...freshState(row.name), ...row };
  for (const { replicas, scaling, ...stored } of Object.values(deployments)) {
    // What is stored of the time is whether there is one.
    const evaluateAtMs = scaling.evaluateAtMs === null ? null : Math.min(scaling.evaluateAtMs, nowMs);
    const deployment = deploymentFrom({ ...stored, scaling: { ...scaling, evaluateAtMs } });
    const { replicas: roster } = deployment;
    for (const { sequence, load, ...replica } of replicas) {
      // Version 0.1 did not round.
      roster.restore({ ...replica, load: load.map(({ atMs, value }) => ({ atMs, value: exact(value) })) }, sequence);
    }
    roster.aimAt({ version: row.version, epoch: deployment.epoch, configEpoch: deployment.configEpoch });
    application.deployments.set(deployment.name, deployment);
  }
  return application;
}

/** A deployment of which there are no replicas yet. */
export function deploymentFrom(row: DeploymentRow): DeploymentState {
  return { ...row, replicas: new Roster(), loads: undefined, policyAskedAtMs: -Infinity, given: undefined, isChanged: false };
}

/** What has changed since it was last asked; `undefined` when nothing has. */
export function takeChanges(application: ApplicationState, touched: Iterable<DeploymentState>): Changes | undefined {
  const [deployments, replicas, gone]: [DeploymentRow[], ReplicaRow[], string[]] = [[], [], []];
  for (const deployment of touched) {
    if (deployment.isChanged) deployments.push(rowOf(deployment));
    deployment.isChanged = false;
    for (const [name, row] of deployment.replicas.takeChanges()) {
      if (row === undefined) gone.push(name);
      else replicas.push({ ...row.replica, sequence: row.sequence, deployment: deployment.name });
    }
  }
  const { isChanged } = application;
  application.isChanged = false;
  if (!isChanged && deployments.length + replicas.length + gone.length === 0) return undefined;
  return { application: isChanged ? applicationRowOf(application) : undefined, deployments, replicas, gone };
}

function applicationRowOf(application: ApplicationState): ApplicationRow {
  const { isChanged: _, deployments: __, agenda: ___, ...row } = application;
  return row;
}

function rowOf(deployment: DeploymentState): DeploymentRow {
  const { isChanged: _, replicas: __, loads: ___, policyAskedAtMs: ____, given: _____, ...row } = deployment;
  return row;
}
