/**
 * The types of a deployment's options, with their meaning and defaults.
 */
import type { AutoscalingPolicy } from "../protocol/autoscaling.ts";
import type { Jurisdiction, LogLevel } from "../protocol/manifest.ts";

/**
 * Deployment options. Everything is optional.
 *
 * Every number has an upper bound: replicas 1,000, other counts 1,000,000, times 2,147,483,647 ms, `retries.attempts` 100.
 */
export interface DeploymentOptions {
  /**
   * Unique within the application: a letter, then at most 62 letters, digits, `_` or `-`.
   *
   * @default the name of the class or the function
   */
  readonly name?: string;
  /**
   * How many replicas run; an integer from 0 to 1,000. `"auto"` is autoscaling with its defaults and at most 100
   * replicas. A number together with `autoscaling` is an error.
   *
   * @default 1
   */
  readonly numReplicas?: number | "auto";
  /** Lets the number of replicas follow the load. */
  readonly autoscaling?: AutoscalingOptions;
  /**
   * How many requests one replica runs at once, from 1 to 1,000,000; more of them wait.
   *
   * Counted from admission to the last byte of a streamed response. Ray Serve's default is 5, because a replica
   * there is a process; here it is an event loop.
   *
   * On Cloudflare at most 6 connections of an invocation wait for response headers at a time (`fetch`, KV, R2, Cache, Queues); a
   * seventh waits for one of those. The platform does not say whether the requests that a replica runs at once share the six:
   * count on it. Calls through handles are not among them, and `edge-serve run` has no such limit.
   *
   * @default 100
   */
  readonly maxOngoingRequests?: number;
  /**
   * How many requests a replica holds waiting beyond those that it runs, from 0 to 1,000,000; -1 is no limit. Past it the caller gets
   * a `BackPressureError`.
   *
   * @default 1000
   */
  readonly maxQueuedRequests?: number;
  /** Deadline of a request in milliseconds, queueing included; passed down to every nested call. No default. */
  readonly requestTimeoutMs?: number;
  /** JSON that is given to the class's `reconfigure`. A change never restarts a replica. */
  readonly userConfig?: unknown;
  /**
   * How often a working replica's `checkHealth` is called, in milliseconds. An idle replica is not polled.
   *
   * @default 10_000
   */
  readonly healthCheckPeriodMs?: number;
  /**
   * How long `checkHealth` may take, in milliseconds. Three failures in a row replace the replica.
   *
   * @default 30_000
   */
  readonly healthCheckTimeoutMs?: number;
  /**
   * How long a drained replica may finish what it runs, in milliseconds.
   *
   * @default 20_000
   */
  readonly gracefulShutdownTimeoutMs?: number;
  /**
   * How a caller chooses among the replicas: by load, by `key` or model id, or by a function.
   *
   * @default "powerOfTwoChoices"
   */
  readonly requestRouter?: "powerOfTwoChoices" | "consistentHash" | RequestRouter;
  /** Where replicas are put: spread over the hints in order, at most 1,000; callers prefer near ones. */
  readonly placement?: {
    readonly locationHints?: readonly string[];
    readonly jurisdiction?: Jurisdiction;
  };
  /**
   * What is done with a request whose replica is lost.
   *
   * @default { attempts: 2, onlyIfNotStarted: true }
   */
  readonly retries?: { readonly attempts?: number; readonly onlyIfNotStarted?: boolean };
  /**
   * The HTTP answer to a full queue. `Retry-After` is in whole seconds, rounded up.
   *
   * @default { statusCode: 503, retryAfterMs: 1000 }
   */
  readonly backpressure?: { readonly statusCode?: 503 | 429; readonly retryAfterMs?: number };
  /**
   * How many start-up failures, at most, before the deployment counts as failed: the smaller of this and three
   * per replica.
   *
   * @default 20
   */
  readonly maxConstructorRetryCount?: number;
  /**
   * What the deployment's replicas log.
   *
   * @default { level: "INFO", accessLog: true }
   */
  readonly logging?: { readonly level?: LogLevel; readonly accessLog?: boolean };
}

/** Autoscaling options. `minReplicas <= initialReplicas <= maxReplicas`; the bounds of numbers are those of {@link DeploymentOptions}. */
export interface AutoscalingOptions {
  /** @default 1 */
  readonly minReplicas?: number;
  /** @default 1, or 100 with `numReplicas: "auto"` */
  readonly maxReplicas?: number;
  /** How many replicas a new deployment starts with. @default minReplicas */
  readonly initialReplicas?: number;
  /** Ongoing requests per replica, running and waiting, that scaling aims at. @default 2 */
  readonly targetOngoingRequests?: number;
  /** How often a working replica reports its load, in milliseconds. @default 10_000 */
  readonly metricsIntervalMs?: number;
  /** Over how long the load is averaged, in milliseconds. @default 30_000 */
  readonly lookBackPeriodMs?: number;
  /** How long more replicas must be wanted before they are added, in milliseconds. @default 30_000 */
  readonly upscaleDelayMs?: number;
  /** How long fewer replicas must be wanted before some are removed, in milliseconds. @default 600_000 */
  readonly downscaleDelayMs?: number;
  /** The same for the last replica, in milliseconds. @default downscaleDelayMs */
  readonly downscaleToZeroDelayMs?: number;
  /** Multiplies each step up. @default 1 */
  readonly upscalingFactor?: number;
  /** Multiplies each step down. @default 1 */
  readonly downscalingFactor?: number;
  /** Lets a request that finds every replica full start the next one. @default true */
  readonly spillover?: boolean;
  /** Decides the number of replicas instead of the load; factors, delays and bounds still apply. */
  readonly policy?: AutoscalingPolicy;
}

/** What a custom request router knows about a replica. */
export interface RouterCandidate {
  readonly replicaId: string;
  readonly ordinal: number;
  readonly location: string;
  /** Requests that this caller has in flight there, or that the replica said it had when it was heard of last, whichever is more. */
  readonly inFlight: number;
}

/**
 * Chooses the replica that a request tries first: the index of one of `candidates`. Synchronous. One that throws, or returns
 * anything else, costs no request: that one is routed by load, or by its key, and the log says so once a minute.
 */
export type RequestRouter = (
  candidates: readonly RouterCandidate[],
  request: { readonly key?: string; readonly multiplexedModelId?: string; readonly method?: string },
) => number;
