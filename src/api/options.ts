/**
 * The options of a deployment: one type, one doc, one default each.
 *
 * Options are checked where the author wrote them, at `deployment()`, never at request time. The same schema
 * checks `serve.yaml`, so both accept and refuse the same things.
 */
import * as v from "valibot";
import { ConfigError } from "../protocol/errors.ts";
import { MAX_ATTEMPTS, MAX_COUNT, MAX_REPLICAS, MAX_TIME_MS } from "../protocol/limits.ts";
import { type AutoscalingConfig, type DeploymentConfig, JURISDICTIONS, LOG_LEVELS, type LoggingConfig } from "../protocol/manifest.ts";
import { NAME_PATTERN, NAME_RULE } from "../protocol/names.ts";
import { describeIssue, isJson, JSON_RULE } from "./option-issues.ts";
import type { AutoscalingOptions, DeploymentOptions } from "./option-types.ts";

export type { AutoscalingOptions, AutoscalingPolicy, DeploymentOptions, RequestRouter, RouterCandidate } from "./option-types.ts";

const integer = (minimum: number, maximum: number, accepted = `an integer from ${minimum} to ${maximum}`) =>
  v.pipe(v.number(accepted), v.safeInteger(accepted), v.minValue(minimum, accepted), v.maxValue(maximum, accepted));

const atLeast = (minimum: number, maximum: number) => {
  const accepted = `a number from ${minimum} to ${maximum}`;
  return v.pipe(v.number(accepted), v.finite(accepted), v.minValue(minimum, accepted), v.maxValue(maximum, accepted));
};

const above = (limit: number, maximum: number) => {
  const accepted = `a number above ${limit} and at most ${maximum}`;
  return v.pipe(v.number(accepted), v.finite(accepted), v.gtValue(limit, accepted), v.maxValue(maximum, accepted));
};

const replicas = (minimum: number) => integer(minimum, MAX_REPLICAS);
const count = (minimum: number) => integer(minimum, MAX_COUNT);
/** A time that may be 0, and one that may not. */
const delay = () => atLeast(0, MAX_TIME_MS);
const period = () => above(0, MAX_TIME_MS);
const factor = () => above(0, MAX_COUNT);

const oneOf = <const T extends readonly [string, ...string[]]>(...values: T) =>
  v.picklist(values, `one of ${values.map((value) => JSON.stringify(value)).join(", ")}`);

const object = <const T extends v.ObjectEntries>(entries: T) => v.strictObject(entries, "an object");
const boolean = v.boolean("true or false");
const callable = (what: string) => v.custom<(...args: never[]) => unknown>((value) => typeof value === "function", what);

/** @internal */
export const AUTOSCALING_SCHEMA = object({
  minReplicas: v.optional(replicas(0)),
  // 0 as well: so a system at a target capacity of 0 shows it.
  maxReplicas: v.optional(replicas(0)),
  initialReplicas: v.optional(replicas(0)),
  targetOngoingRequests: v.optional(factor()),
  metricsIntervalMs: v.optional(period()),
  lookBackPeriodMs: v.optional(period()),
  upscaleDelayMs: v.optional(delay()),
  downscaleDelayMs: v.optional(delay()),
  downscaleToZeroDelayMs: v.optional(delay()),
  upscalingFactor: v.optional(factor()),
  downscalingFactor: v.optional(factor()),
  spillover: v.optional(boolean),
  policy: v.optional(callable("a function")),
});

/** @internal In a config file too. */
export const NUM_REPLICAS: string = `an integer from 0 to ${MAX_REPLICAS}, or "auto"`;
const MAX_QUEUED = `an integer from 0 to ${MAX_COUNT}, or -1 for no limit`;
const ROUTER = '"powerOfTwoChoices", "consistentHash", or a function';
const HINT = "a location hint";
/** Part of a replica's name: see `formatReplicaId`. Which hints there are is the platform's business. */
const HINT_PATTERN = /^[a-z][a-z0-9-]{0,30}$/;
const HINTS = `an array of at most ${MAX_REPLICAS} location hints`;

/** @internal */
export const REQUEST_TIMEOUT_SCHEMA = period();

/** @internal */
export const OPTIONS_SCHEMA = object({
  name: v.optional(v.pipe(v.string(NAME_RULE), v.regex(NAME_PATTERN, NAME_RULE))),
  numReplicas: v.optional(v.union([v.literal("auto"), integer(0, MAX_REPLICAS, NUM_REPLICAS)], NUM_REPLICAS)),
  autoscaling: v.optional(AUTOSCALING_SCHEMA),
  maxOngoingRequests: v.optional(count(1)),
  maxQueuedRequests: v.optional(integer(-1, MAX_COUNT, MAX_QUEUED)),
  requestTimeoutMs: v.optional(REQUEST_TIMEOUT_SCHEMA),
  userConfig: v.optional(v.custom<unknown>(isJson, JSON_RULE)),
  healthCheckPeriodMs: v.optional(period()),
  healthCheckTimeoutMs: v.optional(period()),
  gracefulShutdownTimeoutMs: v.optional(delay()),
  requestRouter: v.optional(v.union([oneOf("powerOfTwoChoices", "consistentHash"), callable(ROUTER)], ROUTER)),
  placement: v.optional(
    object({
      // How many first: each one that is wrong is said.
      locationHints: v.optional(
        v.pipe(
          v.array(v.unknown(), "an array of location hints"),
          v.maxLength(MAX_REPLICAS, HINTS),
          v.array(v.pipe(v.string(HINT), v.regex(HINT_PATTERN, HINT))),
        ),
      ),
      jurisdiction: v.optional(oneOf(...JURISDICTIONS)),
    }),
  ),
  retries: v.optional(object({ attempts: v.optional(integer(0, MAX_ATTEMPTS)), onlyIfNotStarted: v.optional(boolean) })),
  backpressure: v.optional(object({ statusCode: v.optional(v.picklist([503, 429], "503 or 429")), retryAfterMs: v.optional(delay()) })),
  maxConstructorRetryCount: v.optional(count(1)),
  logging: v.optional(object({ level: v.optional(oneOf(...LOG_LEVELS)), accessLog: v.optional(boolean) })),
});

/** @internal What is wrong with `options`, one entry a problem; empty when they are accepted. */
export function optionProblems(options: unknown): { readonly path: readonly string[]; readonly problem: string }[] {
  const result = v.safeParse(OPTIONS_SCHEMA, options, { abortPipeEarly: true });
  if (!result.success) return result.issues.map((issue) => describeIssue(issue, OPTIONS_SCHEMA));
  const { numReplicas, autoscaling } = options as DeploymentOptions;
  if (typeof numReplicas === "number" && autoscaling !== undefined) {
    return [
      {
        path: ["numReplicas"],
        problem: `numReplicas is ${numReplicas}, and autoscaling is given too. Leave numReplicas out, or make it "auto".`,
      },
    ];
  }
  return autoscaling === undefined && numReplicas !== "auto"
    ? []
    : boundProblems(resolveAutoscaling(autoscaling ?? {}, numReplicas === "auto"));
}

function boundProblems({ minReplicas, initialReplicas, maxReplicas }: AutoscalingConfig): { path: string[]; problem: string }[] {
  const problem = (path: string, text: string) => [{ path: ["autoscaling", path], problem: text }];
  if (minReplicas > maxReplicas) {
    return problem(
      "minReplicas",
      `autoscaling.minReplicas is ${minReplicas}, but maxReplicas is ${maxReplicas}. minReplicas must not be larger.`,
    );
  }
  if (initialReplicas < minReplicas) {
    return problem(
      "initialReplicas",
      `autoscaling.initialReplicas is ${initialReplicas}, but minReplicas is ${minReplicas}. initialReplicas must not be smaller.`,
    );
  }
  if (initialReplicas > maxReplicas) {
    return problem(
      "initialReplicas",
      `autoscaling.initialReplicas is ${initialReplicas}, but maxReplicas is ${maxReplicas}. initialReplicas must not be larger.`,
    );
  }
  return [];
}

/** @internal Throws a `ConfigError` that names the deployment and the first thing wrong with its options. */
export function checkOptions(deployment: string, options: unknown): void {
  const problems = optionProblems(options);
  if (problems.length === 0) return;
  const said = problems.slice(0, MAX_PROBLEMS).map(({ problem }) => problem);
  if (problems.length > MAX_PROBLEMS) said.push(`And ${problems.length - MAX_PROBLEMS} more.`);
  throw new ConfigError(`Deployment ${JSON.stringify(deployment)}: ${said.join(" ")}`);
}

/** More problems than these are counted. */
const MAX_PROBLEMS = 30;
const AUTO_MAX_REPLICAS = 100;
const DEFAULT_LOGGING: LoggingConfig = { level: "INFO", accessLog: true };

/** @internal Fills in every default. `options` must have passed {@link checkOptions}. */
export function resolveOptions(options: DeploymentOptions): DeploymentConfig {
  const isAuto = options.numReplicas === "auto";
  const autoscaling = isAuto || options.autoscaling !== undefined ? resolveAutoscaling(options.autoscaling ?? {}, isAuto) : null;
  return {
    numReplicas: autoscaling?.initialReplicas ?? (typeof options.numReplicas === "number" ? options.numReplicas : 1),
    autoscaling,
    maxOngoingRequests: options.maxOngoingRequests ?? 100,
    maxQueuedRequests: options.maxQueuedRequests ?? 1000,
    requestTimeoutMs: options.requestTimeoutMs ?? null,
    ...(options.userConfig === undefined ? {} : { userConfig: options.userConfig }),
    healthCheckPeriodMs: options.healthCheckPeriodMs ?? 10_000,
    healthCheckTimeoutMs: options.healthCheckTimeoutMs ?? 30_000,
    gracefulShutdownTimeoutMs: options.gracefulShutdownTimeoutMs ?? 20_000,
    requestRouter: typeof options.requestRouter === "function" ? "custom" : (options.requestRouter ?? "powerOfTwoChoices"),
    placement: options.placement ?? {},
    retries: { attempts: options.retries?.attempts ?? 2, onlyIfNotStarted: options.retries?.onlyIfNotStarted ?? true },
    backpressure: {
      statusCode: options.backpressure?.statusCode ?? 503,
      retryAfterMs: options.backpressure?.retryAfterMs ?? 1000,
    },
    maxConstructorRetryCount: options.maxConstructorRetryCount ?? 20,
    logging: { ...DEFAULT_LOGGING, ...options.logging },
  };
}

function resolveAutoscaling(options: AutoscalingOptions, isAuto: boolean): AutoscalingConfig {
  const minReplicas = options.minReplicas ?? 1;
  const downscaleDelayMs = options.downscaleDelayMs ?? 600_000;
  return {
    minReplicas,
    maxReplicas: options.maxReplicas ?? (isAuto ? AUTO_MAX_REPLICAS : 1),
    initialReplicas: options.initialReplicas ?? minReplicas,
    targetOngoingRequests: options.targetOngoingRequests ?? 2,
    metricsIntervalMs: options.metricsIntervalMs ?? 10_000,
    lookBackPeriodMs: options.lookBackPeriodMs ?? 30_000,
    upscaleDelayMs: options.upscaleDelayMs ?? 30_000,
    downscaleDelayMs,
    downscaleToZeroDelayMs: options.downscaleToZeroDelayMs ?? downscaleDelayMs,
    upscalingFactor: options.upscalingFactor ?? 1,
    downscalingFactor: options.downscalingFactor ?? 1,
    spillover: options.spillover ?? true,
    customPolicy: options.policy !== undefined,
  };
}
