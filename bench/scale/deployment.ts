/**
 * An application of any size as its controller and its callers know it, made with the code that serves.
 *
 * Owns: what such an application looks like after some minutes of steady load. Does not own: what is measured on it.
 */
import { DatabaseSync } from "node:sqlite";
import { deserialize, serialize } from "node:v8";
import { ControllerRows } from "../../durable-objects/controller-rows.ts";
import { resolveOptions } from "../../src/api/resolve-options.ts";
import { replicaSetOf } from "../../src/controller/assignment.ts";
import type { ControllerPorts } from "../../src/controller/controller-ports.ts";
import { Controller } from "../../src/controller/controller.ts";
import type { HistoryStore } from "../../src/controller/history.ts";
import type { MeasuredStore } from "../../src/controller/metrics-store.ts";
import { freshState } from "../../src/controller/state.ts";
import { rowsOf, stateFrom, type StoredApplication, storedFrom, takeChanges } from "../../src/controller/stored-state.ts";
import { transition } from "../../src/controller/transition.ts";
import type { ReplicaReport } from "../../src/protocol/control.ts";
import { MAX_REPLICAS } from "../../src/protocol/limits.ts";
import type { ApplicationManifest, DeploymentConfig } from "../../src/protocol/manifest.ts";
import type { Look, Measured, MetricsSnapshot } from "../../src/protocol/metrics.ts";
import { parseReplicaId } from "../../src/protocol/names.ts";
import type { ReplicaSet } from "../../src/protocol/replica-set.ts";
import { storageOn } from "../../test/support/stored-rows.ts";
import { HINTS } from "./world.ts";

const APP = "world";
const VERSION = "59a0cc4c4b5f";
const START_MS = Date.UTC(2026, 0, 1);
const REPORT_MS = 10_000;
const REPORTS = 6;
/** When the load below has been reported. */
export const NOW_MS = START_MS + REPORTS * REPORT_MS;

/** Whether the load decides the number of replicas. */
export interface Kind {
  readonly isAutoscaled: boolean;
  /** Of how many replicas its deployments are, if they are not as large as one may be. */
  readonly perDeployment?: number;
}

/** The configuration of a deployment of this size, spread over all location hints. */
function configOf(replicas: number, { isAutoscaled }: Kind): DeploymentConfig {
  const autoscaling = { minReplicas: replicas, maxReplicas: replicas, targetOngoingRequests: 50 };
  return resolveOptions({ placement: { locationHints: [...HINTS] }, ...(isAutoscaled ? { autoscaling } : { numReplicas: replicas }) });
}

// As many deployments as it takes.
function manifestOf(replicas: number, kind: Kind): ApplicationManifest {
  const { perDeployment = MAX_REPLICAS } = kind;
  const deployments: Record<string, DeploymentConfig> = {};
  for (let left = replicas, number = 1; left > 0; left -= perDeployment, number++) {
    deployments[`Model${number}`] = configOf(Math.min(left, perDeployment), kind);
  }
  return { name: APP, routePrefix: "/", ingress: "Model1", deployments };
}

/** An application, and the names of its replicas. */
export interface Running {
  readonly stored: StoredApplication;
  readonly kind: Kind;
  readonly names: readonly string[];
}

const made = new Map<string, Buffer>();

/** What the controller has stored while every replica runs and has reported load for a minute. The caller's own copy. */
export function runningApplication(replicas: number, kind: Kind): Running {
  const key = JSON.stringify([replicas, kind]);
  let bytes = made.get(key);
  if (bytes === undefined) made.set(key, (bytes = serialize(make(replicas, kind))));
  const stored = deserialize(bytes) as StoredApplication;
  return { stored, kind, names: Object.values(stored.deployments).flatMap((one) => one.replicas.map(({ ref }) => ref.name)) };
}

function make(replicas: number, kind: Kind): StoredApplication {
  const state = freshState(APP);
  const application = manifestOf(replicas, kind);
  transition(state, { kind: "adopt", change: { revision: 0, version: VERSION, application } }, {}, START_MS);
  for (const deployment of state.deployments.values()) {
    for (const { ref } of deployment.replicas) {
      const about = { deployment: deployment.name, replica: ref.name } as const;
      transition(state, { kind: "outcome", ...about, epoch: deployment.epoch, outcome: { kind: "done", version: VERSION } }, {}, START_MS);
    }
  }
  for (let report = 1; report <= REPORTS; report++) {
    for (const deployment of state.deployments.values()) {
      let index = 0;
      for (const { ref } of deployment.replicas) {
        // Each begins at a time of its own, and its load moves.
        const untilMs = START_MS + (report - 1) * REPORT_MS + (index++ % REPORT_MS);
        const told = { deployment: deployment.name, replica: ref.name, version: VERSION, epoch: deployment.epoch, reportMs: 0 };
        const load = { sinceMs: untilMs - REPORT_MS, untilMs, mean: 45.123456789 + (index % 7), now: 47.987654321 - (index % 5) };
        transition(state, { kind: "report", report: { ...told, event: eventOf(deployment.config, load) } }, {}, untilMs);
      }
    }
  }
  const changes = takeChanges(state, state.deployments.values())!;
  return storedFrom(changes.application, changes.deployments, changes.replicas)!;
}

function eventOf(
  { autoscaling }: DeploymentConfig,
  load: Extract<ReplicaReport["event"], { kind: "load" }>["load"],
): ReplicaReport["event"] {
  return autoscaling === null ? { kind: "alive" } : { kind: "load", load };
}

/** The replica set of one deployment as callers get it. */
export function setOf(replicas: number): ReplicaSet {
  const state = stateFrom(runningApplication(Math.min(replicas, MAX_REPLICAS), { isAutoscaled: false }).stored, NOW_MS);
  return replicaSetOf(state, state.deployments.get("Model1")!);
}

/** Storage with an application in it: rows in SQLite, and what the replicas have measured as bytes, as a Durable Object keeps them. */
export class Storage {
  readonly #rows: ControllerRows;
  readonly #measured = new Map<string, Buffer>();
  readonly history: HistoryStore = new Map<number, Look>();
  readonly measured: MeasuredStore = {
    get: (name) => (this.#measured.has(name) ? (deserialize(this.#measured.get(name)!) as Measured) : undefined),
    set: (name, measured) => this.#measured.set(name, serialize(measured)),
    delete: (name) => this.#measured.delete(name),
    entries: () => Array.from(this.#measured, ([name, bytes]) => [name, deserialize(bytes) as Measured] as const),
  };

  constructor({ stored }: Running) {
    this.#rows = new ControllerRows(storageOn(new DatabaseSync(":memory:")));
    this.#rows.load();
    this.#rows.save(rowsOf(stored));
  }

  get ports(): Pick<ControllerPorts, "load" | "save" | "measured" | "history"> {
    return { measured: this.measured, history: this.history, load: () => this.#rows.load(), save: (changes) => this.#rows.save(changes) };
  }
}

/** What a controller has besides its storage. */
export type Given = Partial<ControllerPorts> & { readonly version?: string; readonly storage?: Storage };

/** The real controller of such an application, with its storage; orders reach `give`. */
export function controllerOf(running: Running, given: Given = {}): Controller {
  const { version = VERSION, storage = new Storage(running), ...ports } = given;
  return new Controller({
    app: APP,
    compiled: { version, application: manifestOf(running.names.length, running.kind) },
    policies: {},
    ...storage.ports,
    wakeAt: () => {},
    give: () => new Promise(() => {}),
    traffic: { get: () => undefined, set: () => {}, delete: () => {}, getSums: () => undefined, setSums: () => {} },
    counted: async () => {},
    moved: async () => {},
    keepAlive: () => {},
    warn: () => {},
    failed: (error) => {
      throw error;
    },
    sleep: () => new Promise(() => {}),
    now: () => NOW_MS,
    ...ports,
  });
}

/** What the replica with this number tells its controller while it works. */
export function reportOf({ stored, names }: Running, index: number, nowMs: number): ReplicaReport {
  const replica = names[index]!;
  const { deployment } = parseReplicaId(replica)!;
  const { epoch, config } = stored.deployments[deployment]!;
  const load = { sinceMs: nowMs - REPORT_MS, untilMs: nowMs, mean: 46 + (index % 3), now: 46 };
  return {
    deployment,
    replica,
    version: VERSION,
    epoch,
    reportMs: Infinity,
    event: eventOf(config, load),
    metrics: snapshotOf(nowMs),
  };
}

/** What a replica measures that answers on one route: no metrics of the application's own. */
function snapshotOf(nowMs: number): MetricsSnapshot {
  const count = nowMs % 100_000;
  const buckets = () => [count, 5, 9, 13, 2, 1, 0, 4];
  const series: MetricsSnapshot["series"] = {
    requests: [[["/"], [count]]],
    errors: [],
    latency: [[["/"], buckets()]],
    http: [[["/", "GET", 200], [count]]],
    httpLatency: [[["/", "GET", 200], buckets()]],
    refused: [],
    ongoing: [[[], [46]]],
    queued: [[[], [0]]],
  };
  return { startedAtMs: START_MS, series };
}
