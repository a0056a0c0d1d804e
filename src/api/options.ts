/**
 * The options of a deployment: one entry each, from which everything else that is said of it comes.
 *
 * Owns: which options there are. What is made of a table: `option-table.ts`. What has to hold between options, and how a configuration
 * comes of them: `resolve-options.ts`.
 *
 * The doc comment of an entry is the type's that an author sees, its row in `docs/options.md` and its description in the JSON Schema
 * (`npm run options`). Its first paragraph says what the option is.
 *
 * Options are checked where the author wrote them, at `deployment()`, never at request time. The same entries check `serve.yaml` and
 * `PUT`, so all accept and refuse the same things.
 */
import * as v from "valibot";
import { DEFAULT_HEALTH_CHECK_TIMEOUT_MS, MAX_ATTEMPTS, MAX_COUNT, MAX_REPLICAS } from "../protocol/limits.ts";
import {
  type AutoscalingConfig,
  type DeploymentConfig,
  JURISDICTIONS,
  LOG_LEVELS,
  type LoggingConfig,
  type Placement,
  type ScheduleConfig,
  type TasksConfig,
} from "../protocol/manifest.ts";
import { NAME_PATTERN, NAME_RULE } from "../protocol/names.ts";
import type { AutoscalingPolicy } from "../protocol/autoscaling.ts";
import { isRecord } from "../protocol/own.ts";
import { DEFAULT_TASKS } from "../protocol/tasks.ts";
import type { KeyedByRequest } from "../protocol/keys.ts";
import type { RequestRouter } from "../protocol/request-router.ts";
import { asValibot } from "./as-valibot.ts";
import { group, groupOrWord, type Named, option, type OptionsOf, type TableOf } from "./option-table.ts";
import {
  attempts,
  boolean,
  callable,
  count,
  delay,
  factor,
  integer,
  json,
  oneOf,
  period,
  replicas,
  retention,
  text,
} from "./option-values.ts";
import { scheduleList, SCHEDULES } from "./schedule-values.ts";

/** Options of `autoscaling`. `minReplicas <= initialReplicas <= maxReplicas`. */
export const AUTOSCALING_OPTIONS = {
  /**
   * The fewest replicas; 0 lets an idle deployment stop.
   *
   * @default 1
   */
  minReplicas: option(replicas(0), { default: 1 }),
  /**
   * The most replicas. 0 is what a target capacity of 0 makes of it.
   *
   * @default 1, or 100 with `numReplicas: "auto"`
   */
  maxReplicas: option(replicas(0), { default: 1 }),
  /**
   * How many replicas a new deployment starts with.
   *
   * @default minReplicas
   */
  initialReplicas: option(replicas(0), { follows: "minReplicas", nullable: true }),
  /**
   * Ongoing requests per replica, running and waiting, that scaling aims at.
   *
   * @default 2
   */
  targetOngoingRequests: option(factor(), { default: 2 }),
  /**
   * How often a working replica reports its load, in milliseconds.
   *
   * @default 10_000
   */
  metricsIntervalMs: option(period(), { default: 10_000 }),
  /**
   * Over how long the load is averaged, in milliseconds.
   *
   * @default 30_000
   */
  lookBackPeriodMs: option(period(), { default: 30_000 }),
  /**
   * How long more replicas must be wanted before they are added, in milliseconds.
   *
   * @default 30_000
   */
  upscaleDelayMs: option(delay(), { default: 30_000 }),
  /**
   * How long fewer replicas must be wanted before some are removed, in milliseconds.
   *
   * @default 600_000
   */
  downscaleDelayMs: option(delay(), { default: 600_000 }),
  /**
   * How long none must be wanted before the last replica is removed, in milliseconds.
   *
   * @default downscaleDelayMs
   */
  downscaleToZeroDelayMs: option(delay(), { follows: "downscaleDelayMs", nullable: true }),
  /**
   * Multiplies each step up.
   *
   * @default 1
   */
  upscalingFactor: option(factor(), { default: 1, nullable: true }),
  /**
   * Multiplies each step down.
   *
   * @default 1
   */
  downscalingFactor: option(factor(), { default: 1, nullable: true }),
  /**
   * Lets a request that finds every replica full start the next one.
   *
   * @default true
   */
  spillover: option(boolean(), { default: true }),
  /**
   * Decides the number of replicas instead of the load; factors, delays and bounds still apply.
   *
   * A function in code; a config file names one, which goes before the code's.
   */
  policy: option(callable<AutoscalingPolicy>(), { nullable: true }),
} satisfies TableOf<Omit<AutoscalingConfig, "customPolicy" | "policy"> & { readonly policy?: AutoscalingPolicy }>;

/** Autoscaling options. `minReplicas <= initialReplicas <= maxReplicas`; the bounds of numbers are those of {@link DeploymentOptions}. */
export interface AutoscalingOptions extends OptionsOf<typeof AUTOSCALING_OPTIONS>, Named {}

const HINT = "a location hint";
/** Part of a replica's name: see `formatReplicaId`. Which hints there are is the platform's business. */
const HINT_PATTERN = /^[a-z][a-z0-9-]{0,30}$/;
const HINTS = `an array of at most ${MAX_REPLICAS} location hints`;

/** Options of `placement`. */
export const PLACEMENT_OPTIONS = {
  /**
   * Durable Object location hints, such as `weur` or `enam`; replicas are spread over them in order, and callers prefer near ones.
   *
   * At most 1,000.
   */
  locationHints: option<readonly string[]>(
    // How many first: each one that is wrong is said.
    v.pipe(
      v.array(v.unknown(), "an array of location hints"),
      v.maxLength(MAX_REPLICAS, HINTS),
      v.array(asValibot(text(HINT_PATTERN, HINT))),
    ),
  ),
  /**
   * Keeps the replicas and their storage, and the deployment's tasks with their arguments and results, inside a legal region.
   *
   * To change it takes a build and a deploy.
   */
  jurisdiction: option(oneOf(...JURISDICTIONS)),
} satisfies TableOf<Placement>;

/** Placement of replicas. */
export interface PlacementOptions extends OptionsOf<typeof PLACEMENT_OPTIONS>, Named {}

/** Options of `retries`. */
export const RETRY_OPTIONS = {
  /**
   * On how many more replicas a request is tried when its replica is lost.
   *
   * @default 2
   */
  attempts: option(attempts(), { default: 2 }),
  /**
   * Whether a request that had begun running is left to fail.
   *
   * @default true
   */
  onlyIfNotStarted: option(boolean(), { default: true }),
} satisfies TableOf<DeploymentConfig["retries"]>;

/** Retries of a request whose replica is lost. */
export interface RetryOptions extends OptionsOf<typeof RETRY_OPTIONS>, Named {}

/** Options of `backpressure`. */
export const BACKPRESSURE_OPTIONS = {
  /**
   * The HTTP status when the queues are full.
   *
   * @default 503
   */
  statusCode: option<503 | 429>(v.picklist([503, 429], "503 or 429"), { default: 503 }),
  /**
   * `Retry-After`, in milliseconds; sent in whole seconds, rounded up.
   *
   * @default 1000
   */
  retryAfterMs: option(delay(), { default: 1000, nullable: true }),
} satisfies TableOf<DeploymentConfig["backpressure"]>;

/** The HTTP answer to a full queue. */
export interface BackpressureOptions extends OptionsOf<typeof BACKPRESSURE_OPTIONS>, Named {}

/** Options of `tasks`. */
export const TASK_OPTIONS = {
  /**
   * How many attempts a task gets, the first included, before it is `FAILED`.
   *
   * @default 3
   */
  maxAttempts: option(count(1, MAX_ATTEMPTS), { default: DEFAULT_TASKS.maxAttempts }),
  /**
   * How long a task waits for its second attempt, in milliseconds; twice as long for each further one, and a quarter less or more by chance.
   *
   * @default 1000
   */
  backoffMs: option(delay(), { default: DEFAULT_TASKS.backoffMs }),
  /**
   * How long a task waits for an attempt at most, in milliseconds.
   *
   * @default 300_000
   */
  maxBackoffMs: option(delay(), { default: DEFAULT_TASKS.maxBackoffMs }),
  /**
   * Deadline of one attempt, in milliseconds. `requestTimeoutMs` is not used.
   *
   * @default 600_000
   */
  timeoutMs: option(period(), { default: DEFAULT_TASKS.timeoutMs }),
  /**
   * How long a finished task can be asked for, in milliseconds.
   *
   * @default 86_400_000
   */
  retentionMs: option(retention(), { default: DEFAULT_TASKS.retentionMs }),
} satisfies TableOf<TasksConfig>;

/** What is done with enqueued calls. */
export interface TaskOptions extends OptionsOf<typeof TASK_OPTIONS>, Named {}

/** Options of an entry of `schedules`. */
export const SCHEDULE_OPTIONS = SCHEDULES satisfies TableOf<ScheduleConfig>;

/** When a method is enqueued, and with what. */
export interface ScheduleOptions extends ScheduleConfig {}

/** Options of `logging`. */
export const LOGGING_OPTIONS = {
  /**
   * The least severe level that is logged.
   *
   * @default "INFO"
   */
  level: option(oneOf(...LOG_LEVELS), { default: "INFO", key: "log_level" }),
  /**
   * Whether each request is logged.
   *
   * @default true
   */
  accessLog: option(boolean(), { default: true, key: "enable_access_log" }),
} satisfies TableOf<LoggingConfig>;

/** Logging of a deployment's replicas. */
export interface LoggingOptions extends OptionsOf<typeof LOGGING_OPTIONS>, Named {}

/** Where the keys of HTTP requests come from. */
export interface KeyOptions extends KeyedByRequest {}

const NUM_REPLICAS = `an integer from 0 to ${MAX_REPLICAS}, or "auto"`;
const KEYED = "true, false, or an object with a function key and nothing else";
const isKeyed = (value: unknown): boolean => isRecord(value) && typeof value["key"] === "function" && Object.keys(value).length === 1;
const MAX_QUEUED = `an integer from 0 to ${MAX_COUNT}, or -1 for no limit`;
/** @internal Those that have a name. */
export const ROUTERS = ["powerOfTwoChoices", "consistentHash"] as const;
/** @internal */
export const DEFAULT_ROUTER = "powerOfTwoChoices";
/** @internal The `placement` of a deployment that has no objects. */
export const INLINE = "inline";
const ROUTER = '"powerOfTwoChoices", "consistentHash", or a function';

/** @internal The options with every default: what is put into the manifest, before what no manifest can hold is replaced: a function, and a number of replicas that is not one. */
export interface FilledOptions extends Omit<
  DeploymentConfig,
  "numReplicas" | "autoscaling" | "requestRouter" | "tasks" | "keyed" | "placement" | "inline"
> {
  readonly numReplicas: number | "auto";
  readonly autoscaling: (Omit<AutoscalingConfig, "customPolicy" | "policy"> & { readonly policy?: AutoscalingPolicy }) | null;
  readonly requestRouter: (typeof ROUTERS)[number] | RequestRouter;
  readonly tasks: TasksConfig | null;
  readonly keyed: boolean | KeyOptions;
  readonly placement: Placement | typeof INLINE;
}

/** Every option of a deployment. */
export const DEPLOYMENT_OPTIONS = {
  /**
   * Unique within the application: a letter, then at most 62 letters, digits, `_` or `-`.
   *
   * @default the name of the class or the function
   */
  name: option(text(NAME_PATTERN, NAME_RULE)),
  /**
   * How many replicas run; `"auto"` is autoscaling with its defaults and at most 100 replicas.
   *
   * A number together with `autoscaling` is an error.
   *
   * @accepts an integer from 0 to 1,000, or "auto"
   * @default 1
   */
  numReplicas: option(v.union([v.picklist(["auto"]), asValibot(integer(0, MAX_REPLICAS, NUM_REPLICAS))], NUM_REPLICAS), {
    default: 1,
    nullable: true,
  }),
  /**
   * One object for each key, in place of replicas: `true`, or where the keys of HTTP requests come from. For code only.
   *
   * @default false
   */
  keyed: option<boolean | KeyOptions>(v.union([asValibot(boolean()), v.custom<KeyOptions>(isKeyed, KEYED)], KEYED), { default: false }),
  /**
   * Lets the number of replicas follow the load.
   *
   * @default off
   */
  autoscaling: group<AutoscalingOptions>(AUTOSCALING_OPTIONS, { default: null, key: "autoscaling_config", nullable: true }),
  /**
   * How many requests one replica runs at once; more of them wait.
   *
   * Counted from admission to the last byte of a streamed response. Ray Serve's default is 5, because a replica
   * there is a process; here it is an event loop.
   *
   * On Cloudflare at most 6 connections of an invocation wait for response headers at a time (`fetch`, KV, R2, Cache, Queues); a
   * seventh waits for one of those. The platform does not say whether the requests that a replica runs at once share the six:
   * count on it. Calls through handles are not among them, and `edge-serve run` has no such limit.
   *
   * @accepts an integer from 1 to 1,000,000
   * @default 100
   */
  maxOngoingRequests: option(count(1), { default: 100 }),
  /**
   * How many requests a replica holds waiting beyond those that it runs; -1 is no limit. Past it the caller gets a `BackPressureError`.
   *
   * @accepts an integer from 0 to 1,000,000, or -1 for no limit
   * @default 1000
   */
  maxQueuedRequests: option(integer(-1, MAX_COUNT, MAX_QUEUED), { default: 1000 }),
  /**
   * Deadline of a request in milliseconds, queueing included; passed down to every nested call.
   *
   * @default none
   */
  requestTimeoutMs: option(period(), { default: null, nullable: true }),
  /** JSON that is given to the class's `reconfigure`. A change never restarts a replica. */
  userConfig: option(json()),
  /**
   * How often a working replica's `checkHealth` is called, in milliseconds. An idle replica is not polled.
   *
   * @default 10_000
   */
  healthCheckPeriodMs: option(period(), { default: 10_000 }),
  /**
   * How long `checkHealth` may take, in milliseconds. Three failures in a row replace the replica.
   *
   * Other code of yours that a replica waits for has as long: `reconfigure`, `recordAutoscalingStats`, disposing.
   *
   * @default 30_000
   */
  healthCheckTimeoutMs: option(period(), { default: DEFAULT_HEALTH_CHECK_TIMEOUT_MS }),
  /**
   * How long a drained replica may finish what it runs, in milliseconds.
   *
   * @default 20_000
   */
  gracefulShutdownTimeoutMs: option(delay(), { default: 20_000 }),
  /**
   * How a caller chooses among the replicas: by load, by `key` or model id, or by a function.
   *
   * @default "powerOfTwoChoices"
   */
  requestRouter: option<(typeof ROUTERS)[number] | RequestRouter>(
    v.union([asValibot(oneOf(...ROUTERS)), asValibot(callable<RequestRouter>(ROUTER))], ROUTER),
    {
      default: DEFAULT_ROUTER,
    },
  ),
  /**
   * Placement of replicas; `"inline"` is in the caller's place.
   *
   * An inline deployment has no objects: each caller has an instance of its own, in the same isolate.
   */
  placement: groupOrWord<PlacementOptions, typeof INLINE>(PLACEMENT_OPTIONS, INLINE, { nullable: true }),
  /**
   * What is done with a request whose replica is lost.
   *
   * @default { attempts: 2, onlyIfNotStarted: true }
   */
  retries: group<RetryOptions>(RETRY_OPTIONS, { nullable: true }),
  /**
   * The HTTP answer to a full queue.
   *
   * @default { statusCode: 503, retryAfterMs: 1000 }
   */
  backpressure: group<BackpressureOptions>(BACKPRESSURE_OPTIONS, { key: "backpressure_config", nullable: true }),
  /**
   * How many start-up failures, at most, before the deployment counts as failed: the smaller of this and three
   * per replica.
   *
   * @default 20
   */
  maxConstructorRetryCount: option(count(1), { default: 20 }),
  /**
   * Lets methods be enqueued: `handle.method.enqueue(...)` stores a call that is run when a replica has room, and again when it fails.
   *
   * @default off
   */
  tasks: group<TaskOptions>(TASK_OPTIONS, { default: null, nullable: true }),
  /**
   * When methods are enqueued by the system itself: cron expressions. At most 1,000.
   *
   * Each of them needs no `tasks`: its own tasks have the defaults of those.
   */
  schedules: option<readonly ScheduleOptions[]>(scheduleList(), { nullable: true }),
  /**
   * What the deployment's replicas log. What is left out is the application's, and then the system's.
   *
   * @default { level: "INFO", accessLog: true }
   */
  logging: group<LoggingOptions>(LOGGING_OPTIONS, { key: "logging_config", nullable: true }),
} satisfies TableOf<FilledOptions & { readonly name: string }>;

/**
 * Deployment options. Everything is optional.
 *
 * Every number has an upper bound: replicas 1,000, other counts 1,000,000, times 2,147,483,647 ms, `retries.attempts` and
 * `tasks.maxAttempts` 100, `tasks.retentionMs` 365 days.
 */
export interface DeploymentOptions extends OptionsOf<typeof DEPLOYMENT_OPTIONS>, Named {}
