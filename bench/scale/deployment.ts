/**
 * A deployment of any size as its controller and its callers know it, made with the code that serves.
 *
 * Owns: what such a deployment looks like after some minutes of steady load. Does not own: what is measured on it.
 */
import { resolveOptions } from "../../src/api/resolve-options.ts";
import { Controller, type ControllerPorts } from "../../src/controller/controller.ts";
import { replicaSetOf } from "../../src/controller/assignment.ts";
import { noteLoad } from "../../src/controller/scaling.ts";
import type { ApplicationState, DeploymentState } from "../../src/controller/state.ts";
import { freshState, step } from "../../src/controller/step.ts";
import type { ReplicaReport } from "../../src/protocol/control.ts";
import type { ApplicationManifest, DeploymentConfig } from "../../src/protocol/manifest.ts";
import type { ReplicaSet } from "../../src/protocol/replica-set.ts";
import { HINTS } from "./world.ts";

const APP = "world";
const DEPLOYMENT = "Model";
const VERSION = "59a0cc4c4b5f";
const START_MS = Date.UTC(2026, 0, 1);
const REPORT_MS = 10_000;
const REPORTS = 6;
/** When the load below has been reported. */
export const NOW_MS = START_MS + REPORTS * REPORT_MS;

/** Whether the load decides the number of replicas. */
export interface Kind {
  readonly isAutoscaled: boolean;
}

/** The configuration of a deployment of this size, spread over all location hints. */
export function configOf(replicas: number, { isAutoscaled }: Kind): DeploymentConfig {
  const autoscaling = { minReplicas: replicas, maxReplicas: replicas, targetOngoingRequests: 50 };
  return resolveOptions({ placement: { locationHints: [...HINTS] }, ...(isAutoscaled ? { autoscaling } : { numReplicas: replicas }) });
}

function manifestOf(replicas: number, kind: Kind): ApplicationManifest {
  return { name: APP, routePrefix: "/", ingress: DEPLOYMENT, deployments: { [DEPLOYMENT]: configOf(replicas, kind) } };
}

// Making one takes as long as starting it: the square of the replicas.
const made = new Map<string, string>();

/** What the controller knows while every replica runs and has reported load for a minute. The caller's own copy. */
export function runningState(replicas: number, kind: Kind): ApplicationState {
  const key = `${replicas} ${kind.isAutoscaled}`;
  let text = made.get(key);
  if (text === undefined) made.set(key, (text = JSON.stringify(makeState(replicas, kind))));
  return JSON.parse(text) as ApplicationState;
}

function makeState(replicas: number, kind: Kind): ApplicationState {
  const state = freshState(APP);
  step(state, { kind: "adopt", change: { revision: 0, version: VERSION, application: manifestOf(replicas, kind) } }, {}, START_MS);
  const deployment = deploymentOf(state);
  for (const [index, replica] of deployment.replicas.entries()) {
    Object.assign(replica, { phase: "RUNNING", version: VERSION, epoch: deployment.epoch, contactAtMs: NOW_MS });
    for (let report = 0; report < REPORTS; report++) {
      // Each begins at a time of its own, and its load moves.
      const sinceMs = START_MS + report * REPORT_MS + (index % REPORT_MS);
      const load = { sinceMs, untilMs: sinceMs + REPORT_MS, mean: 45.123456789 + (index % 7), now: 47.987654321 - (index % 5) };
      noteLoad(deployment, replica, load, load.untilMs);
    }
  }
  deployment.hasStarted = true;
  step(state, { kind: "tick" }, {}, NOW_MS);
  return state;
}

/** The deployment of {@link runningState}. */
export function deploymentOf(state: ApplicationState): DeploymentState {
  return state.deployments[DEPLOYMENT]!;
}

/** The replica set as callers get it. */
export function setOf(replicas: number): ReplicaSet {
  const state = runningState(replicas, { isAutoscaled: false });
  return replicaSetOf(state, deploymentOf(state));
}

/** The real controller of such an application; it stores nothing, and orders reach `give`. */
export function controllerOf(
  state: ApplicationState,
  { version = VERSION, ...ports }: Partial<ControllerPorts> & { version?: string } = {},
): Controller {
  return new Controller({
    app: APP,
    compiled: { version, application: manifestOf(deploymentOf(state).replicas.length, kindOf(state)) },
    policies: {},
    measured: new Map(),
    load: () => state,
    save: () => {},
    wakeAt: () => {},
    give: () => new Promise(() => {}),
    moved: async () => {},
    keepAlive: () => {},
    warn: () => {},
    failed: () => {},
    sleep: () => new Promise(() => {}),
    now: () => NOW_MS,
    ...ports,
  });
}

function kindOf(state: ApplicationState): Kind {
  return { isAutoscaled: deploymentOf(state).config.autoscaling !== null };
}

/** What the replica with this number tells its controller while it works. */
export function reportOf(state: ApplicationState, index: number, nowMs: number): ReplicaReport {
  const { epoch, replicas, config } = deploymentOf(state);
  const load = { sinceMs: nowMs - REPORT_MS, untilMs: nowMs, mean: 46 + (index % 3), now: 46 };
  return {
    deployment: DEPLOYMENT,
    replica: replicas[index]!.ref.name,
    version: VERSION,
    epoch,
    event: config.autoscaling === null ? { kind: "alive" } : { kind: "load", load },
  };
}
