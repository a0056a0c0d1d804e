/**
 * What a compiled system consists of: the data half of the entry module.
 *
 * Everything here is JSON. The code half (classes, bound arguments, functions among the options) stays in
 * the application's own modules, which the entry module imports.
 */

import type { RouteConfig } from "./traffic.ts";

/** How a caller chooses among replicas; `"custom"` means a function in the application's code. */
export type RequestRouterName = "powerOfTwoChoices" | "consistentHash" | "custom";

/** The legal regions that Durable Objects know. */
export const JURISDICTIONS = ["eu", "us", "fedramp", "fedramp-high"] as const;
export type Jurisdiction = (typeof JURISDICTIONS)[number];

/** Where the replicas of a deployment are put. */
export interface Placement {
  /** Durable Object location hints; replicas are spread over them in order. */
  readonly locationHints?: readonly string[];
  /** Keeps the objects and their storage inside a legal region. */
  readonly jurisdiction?: Jurisdiction;
}

/** The log settings of a deployment. */
export interface LoggingConfig {
  readonly level: LogLevel;
  readonly accessLog: boolean;
}

/** Log levels, least severe first. */
export const LOG_LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** An autoscaling policy that the configuration names; its code is imported by the entry module. */
export interface PolicyRef {
  /** What was compiled: `src/policies.ts:share`. */
  readonly policyFunction: string;
  /** JSON; the policy's second argument. */
  readonly policyKwargs?: Readonly<Record<string, unknown>>;
}

/** Autoscaling with every default filled in. Times in milliseconds. */
export interface AutoscalingConfig {
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly initialReplicas: number;
  readonly targetOngoingRequests: number;
  readonly metricsIntervalMs: number;
  readonly lookBackPeriodMs: number;
  readonly upscaleDelayMs: number;
  readonly downscaleDelayMs: number;
  readonly downscaleToZeroDelayMs: number;
  readonly upscalingFactor: number;
  readonly downscalingFactor: number;
  readonly spillover: boolean;
  /** Whether a function decides instead of the load. */
  readonly customPolicy: boolean;
  /** That function, where it is not the one in the deployment's options. */
  readonly policy?: PolicyRef;
}

/** A deployment's `tasks` with every default filled in. Times in milliseconds. */
export interface TasksConfig {
  /** Attempts before a task is `FAILED`. */
  readonly maxAttempts: number;
  /** The wait before the second attempt; each further one waits twice as long. */
  readonly backoffMs: number;
  readonly maxBackoffMs: number;
  /** Deadline of one attempt. */
  readonly timeoutMs: number;
  /** How long a finished task is kept. */
  readonly retentionMs: number;
}

/** One of a deployment's `schedules`. JSON. */
export interface ScheduleConfig {
  readonly cron: string;
  /** IANA name; UTC without. */
  readonly timezone?: string;
  /** `undefined` is the default method. */
  readonly method?: string;
  readonly args?: readonly unknown[];
}

/** A deployment's options with every default filled in. Times in milliseconds. */
export interface DeploymentConfig {
  readonly numReplicas: number;
  readonly autoscaling: AutoscalingConfig | null;
  readonly maxOngoingRequests: number;
  readonly maxQueuedRequests: number;
  readonly requestTimeoutMs: number | null;
  readonly userConfig?: unknown;
  readonly healthCheckPeriodMs: number;
  readonly healthCheckTimeoutMs: number;
  readonly gracefulShutdownTimeoutMs: number;
  readonly requestRouter: RequestRouterName;
  readonly placement: Placement;
  /** It has no objects: each caller has an instance of its own. Then there are no replicas, and no placement of them. */
  readonly inline?: true;
  readonly retries: { readonly attempts: number; readonly onlyIfNotStarted: boolean };
  readonly backpressure: { readonly statusCode: 503 | 429; readonly retryAfterMs: number };
  readonly maxConstructorRetryCount: number;
  /** It has one object for each key, in place of replicas. */
  readonly keyed?: true;
  /** Missing where methods cannot be enqueued. */
  readonly tasks?: TasksConfig;
  readonly schedules?: readonly ScheduleConfig[];
  readonly logging: LoggingConfig;
}

/** What the `key` of an HTTP request is, where it is not the value of `x-session-id` or nothing. JSON. */
export interface SessionsConfig {
  /** The name of the header that has it, in lower case; missing where it is `x-session-id`. */
  readonly header?: string;
  /** A request without one gets a new UUID. */
  readonly generated?: true;
}

/** One application of the system. */
export interface ApplicationManifest {
  readonly name: string;
  /** Where HTTP requests reach it; `null` when they do not. */
  readonly routePrefix: string | null;
  /** What was compiled: `src/app.ts:app`. */
  readonly importPath?: string;
  /** The deployment that HTTP requests and application handles go to. */
  readonly ingress: string;
  /** What a builder is called with; absent when the import is an application. */
  readonly args?: unknown;
  /** Deadline of HTTP requests in milliseconds, where the ingress deployment has none of its own. */
  readonly httpTimeoutMs?: number;
  readonly sessions?: SessionsConfig;
  /** Decides for all autoscaled deployments; their own policies are not asked. */
  readonly autoscalingPolicy?: PolicyRef;
  /** Whether callers outside the Worker reach its handle, with the operator's token. */
  readonly rpc?: true;
  readonly deployments: Readonly<Record<string, DeploymentConfig>>;
}

/** The whole system. */
export interface Manifest {
  /** Of the messages between parts; see `messages.ts`. */
  readonly protocol: 1;
  /** A hash of the rest: what `getReplicaContext().version` reports. */
  readonly version: string;
  readonly applications: readonly ApplicationManifest[];
  /** Prefixes whose requests are divided among applications; absent where there are none. */
  readonly routes?: readonly RouteConfig[];
}
