/**
 * What controllers and replicas say to each other.
 *
 * Only replicas ask, and only alarms order: a report is answered with what is new, and an order starts from the
 * controller's alarm, so the two never call each other in circles.
 *
 * Messages only grow, for the reasons given in `messages.ts`.
 */
import type { KeyedConfig } from "./keys.ts";
import type { ApplicationManifest, DeploymentConfig } from "./manifest.ts";
import type { ApplicationMetrics, MetricsSnapshot } from "./metrics.ts";
import type { ReplicaSet } from "./replica-set.ts";
import type { ApplicationDetails } from "./status.ts";
import type { CountedWindows } from "./traffic.ts";

/**
 * How long after a replica's last contact its controller still tells it of changes, in milliseconds. A replica that
 * has been idle for longer asks before it serves again, so nothing has to be sent to one that sleeps.
 */
export const LEASE_MS = 120_000;

/**
 * How often a working replica is heard of at least, in milliseconds, though nothing changes: 90 times an hour.
 */
export const HEARTBEAT_MS = 40_000;

/**
 * How many reports a second an application's replicas send their controller at most, besides those that ask before they serve: half
 * of what one object may be asked.
 */
export const MAX_REPORTS_PER_S = 500;

/** More often than this nobody looks at reports. */
const LEAST_REPORT_MS = 100;

/**
 * How long a replica waits between two reports at least, in milliseconds, in an application with this many replicas; 0 where it need not
 * be said. In steps of a quarter at most, so that a replica more or less changes nothing.
 */
export function reportIntervalMs(replicas: number): number {
  const leastMs = (replicas * 1000) / MAX_REPORTS_PER_S;
  if (leastMs <= LEAST_REPORT_MS) return 0;
  const step = 2 ** Math.floor(Math.log2(leastMs)) / 4;
  return Math.ceil(leastMs / step) * step;
}

/** Whether a replica is to be told another interval than it knows. Half as long is worth a message, and any that is longer. */
export function isReportIntervalNews(knownMs: number, intervalMs: number): boolean {
  return intervalMs > knownMs || intervalMs < knownMs / 2;
}

/** Whether a replica takes requests: a draining one finishes what it has, and one that is gone has nothing. */
export type Duty = "serving" | "draining" | "gone";

/** What a replica is to do. */
export interface Assignment {
  readonly set: ReplicaSet;
  readonly config: DeploymentConfig;
  readonly duty: Duty;
  /** Of the code that `config` was made for. A replica that runs other code goes by what it was compiled with. */
  readonly version: string;
  /** How long it is to wait between two reports at least, in milliseconds, because there are so many replicas. @default 0 */
  readonly reportMs?: number;
  /** What the keyed deployments of the application run with: whoever calls them passes it on. */
  readonly keyed?: Readonly<Record<string, KeyedConfig>>;
  /** The configurations of the application's inline deployments, of which the replica may have instances. */
  readonly inline?: Readonly<Record<string, DeploymentConfig>>;
}

/** What an assignment for a keyed deployment says, which has no replicas. */
export function keyedConfigIn({ set, config, version }: Assignment): KeyedConfig {
  const { epoch, routePrefix, routing, isGone } = set;
  return {
    epoch,
    version,
    config,
    routePrefix,
    ...(routing === undefined ? {} : { routing }),
    ...(isGone === undefined ? {} : { isGone }),
  };
}

/** What a replica has had to do since its last report. */
export interface LoadReport {
  /** When the time that this is about began, in milliseconds since the epoch. */
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Requests running and waiting, on average over that time. */
  readonly mean: number;
  /** What it is from then on, as far as the replica can tell; 0 once it has had nothing to do. */
  readonly now: number;
  /** What the class's `recordAutoscalingStats` returned. */
  readonly stats?: Readonly<Record<string, number>>;
}

/** What a replica tells its controller. The answer is its assignment, if that is newer than `epoch`. */
export interface ReplicaReport {
  readonly deployment: string;
  /** The name of its object; `""` is a Worker, which asks what is in force, and tells what it has counted since it told the last time. */
  readonly replica: string;
  /** Of the code that it runs. */
  readonly version: string;
  /** Of the newest replica set that it knows. */
  readonly epoch: number;
  readonly event: ReplicaEvent;
  /** Its class is not there, or not yet: the object is alive, and its requests wait or fail. */
  readonly isStarting?: true;
  /** The `reportMs` of its assignment, if there is one. */
  readonly reportMs?: number;
  /** What it has measured so far; comes with what it says while it works, and when it has finished. */
  readonly metrics?: MetricsSnapshot;
  /** What it has counted of a canary, where its application is one side of one. */
  readonly traffic?: CountedWindows;
}

/** What has failed in a replica's class. */
export interface Failure {
  readonly message: string;
  /** Of what the class threw; nothing where it threw nothing. Missing from older code. */
  readonly stack?: string | undefined;
}

export type ReplicaEvent =
  /** It has been woken, or used again after its lease, and is about to serve; `isSpill`: for a request that found the others full. */
  | { readonly kind: "woke"; readonly isSpill?: true }
  | { readonly kind: "load"; readonly load: LoadReport }
  /** It still works, and has nothing to say. */
  | { readonly kind: "alive" }
  /** A request woke it, and its constructor, `setup` or first health check failed. */
  | ({ readonly kind: "startFailed" } & Failure)
  | ({ readonly kind: "unhealthy" } & Failure)
  /** Its class refused the configuration of the report's epoch, and it goes on with what it had. */
  | { readonly kind: "refused"; readonly failure: string; readonly stack?: string | undefined }
  /** It has finished what it had. */
  | { readonly kind: "drained" };

/** What a replica answers to an order to start. */
export type OrderOutcome =
  | { readonly kind: "done"; readonly version: string }
  /** The class could not be started. */
  | ({ readonly kind: "startFailed"; readonly version: string } & Failure)
  /** `reconfigure` threw; what was there before still serves. */
  | ({ readonly kind: "reconfigureFailed"; readonly version: string } & Failure);

/** What a controller is called by. */
export interface ControllerRpc {
  report(report: ReplicaReport): Promise<Assignment | undefined>;
  /** Takes a configuration, unless it knows a later one; `null` deletes the application. */
  adopt(change: ConfigChange): Promise<void>;
  /** The application as the operator sees it; `undefined` when it has been deleted. Waits up to `settleMs` for it to be ready. */
  status(settleMs?: number): Promise<ApplicationDetails | undefined>;
  /** What is known of the application and its replicas, without asking them; `undefined` when it has been deleted. With `withHistory`, the last hour too. */
  metrics(withHistory?: boolean): Promise<ApplicationMetrics | undefined>;
  /** Sets the number of replicas; what is wrong with that, in a sentence. */
  scale(deployment: string, replicas: number): Promise<string | undefined>;
}

/** A configuration for an application, in the order in which they were accepted. */
export interface ConfigChange {
  readonly revision: number;
  /** Of the code that it was checked against. */
  readonly version: string;
  readonly application: ApplicationManifest | null;
  /** Grows when other applications have been given prefixes below this one's: callers are told of it. */
  readonly routing?: number;
  /** It is what this version was compiled to, so it says nothing to a controller that runs other code. */
  readonly isCompiled?: boolean;
}
