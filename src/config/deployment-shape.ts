/**
 * The keys of an entry of `deployments`, one line a key: its spelling, its option, its meaning.
 *
 * The only place that knows both spellings. Ray Serve's names, where Ray Serve has one.
 */
import { NUM_REPLICAS } from "../api/options.ts";
import { NAME_RULE } from "../protocol/names.ts";
import { POLICY_SHAPE } from "./policy-config.ts";
import { AUTOSCALING_RAY_KEYS, DEPLOYMENT_RAY_KEYS, LOGGING_RAY_KEYS } from "./ray-keys.ts";
import type { Field, Shape } from "./shape.ts";

type More = Omit<Field, "yaml" | "option" | "doc">;

/** @internal */
export const field = (yaml: string, option: string, doc: string, more: More = {}): Field => ({ yaml, option, doc, ...more });

const nullable = { nullable: true } as const;
const shapeOf = (...fields: Field[]): Shape => ({ fields, foreign: new Map() });

const AUTOSCALING_SHAPE: Shape = {
  foreign: AUTOSCALING_RAY_KEYS,
  fields: [
    field("min_replicas", "minReplicas", "The fewest replicas; 0 lets an idle deployment stop."),
    field("max_replicas", "maxReplicas", 'The most replicas; 100 by default with num_replicas: "auto".'),
    field("initial_replicas", "initialReplicas", "How many replicas a new deployment starts with; min_replicas by default.", nullable),
    field("target_ongoing_requests", "targetOngoingRequests", "Requests per replica, running and waiting, that scaling aims at."),
    field("metrics_interval_s", "metricsIntervalMs", "How often a working replica reports its load, in seconds."),
    field("look_back_period_s", "lookBackPeriodMs", "Over how long the load is averaged, in seconds."),
    field("upscale_delay_s", "upscaleDelayMs", "How long more replicas must be wanted before they are added, in seconds."),
    field("downscale_delay_s", "downscaleDelayMs", "How long fewer replicas must be wanted before some are removed, in seconds."),
    field(
      "downscale_to_zero_delay_s",
      "downscaleToZeroDelayMs",
      "The same for the last replica, in seconds; downscale_delay_s by default.",
      nullable,
    ),
    field("upscaling_factor", "upscalingFactor", "Multiplies each step up.", nullable),
    field("downscaling_factor", "downscalingFactor", "Multiplies each step down.", nullable),
    field("spillover", "spillover", "Lets a request that finds every replica full start the next one."),
    field("policy", "policy", "Decides the number of replicas instead of the load; goes before the code's.", {
      shape: POLICY_SHAPE,
      ...nullable,
    }),
  ],
};

/** @internal */
export const LOGGING_SHAPE: Shape = {
  foreign: LOGGING_RAY_KEYS,
  fields: [
    field("log_level", "level", "The least severe level that is logged."),
    field("enable_access_log", "accessLog", "Whether each request is logged."),
  ],
};

const PLACEMENT_SHAPE = shapeOf(
  field("location_hints", "locationHints", "Durable Object location hints, such as weur or enam; replicas are spread over them in order."),
  field("jurisdiction", "jurisdiction", "Keeps the replicas and their storage inside a legal region."),
);

const RETRIES_SHAPE = shapeOf(
  field("attempts", "attempts", "How many more replicas a request is tried on when its replica is lost."),
  field("only_if_not_started", "onlyIfNotStarted", "Whether a request that had begun running is left to fail."),
);

const BACKPRESSURE_SHAPE = shapeOf(
  field("status_code", "statusCode", "The HTTP status when the queues are full."),
  field("retry_after_s", "retryAfterMs", "Retry-After, in seconds, rounded up.", nullable),
);

/** @internal */
export const DEPLOYMENT_SHAPE: Shape = {
  foreign: DEPLOYMENT_RAY_KEYS,
  fields: [
    field("name", "name", "The deployment of the application that this entry is about.", { required: NAME_RULE }),
    field("num_replicas", "numReplicas", 'How many replicas run; "auto" is autoscaling with its defaults and at most 100.', {
      nullable: true,
      accepted: NUM_REPLICAS,
    }),
    field("max_ongoing_requests", "maxOngoingRequests", "How many requests one replica runs at once."),
    field("max_queued_requests", "maxQueuedRequests", "How many requests a replica holds waiting beyond those; -1 is no limit."),
    field("request_timeout_s", "requestTimeoutMs", "Deadline of a request in seconds, queueing included.", nullable),
    field("user_config", "userConfig", "JSON that is given to the class's reconfigure. A change never restarts a replica."),
    field("autoscaling_config", "autoscaling", "Lets the number of replicas follow the load.", { shape: AUTOSCALING_SHAPE, ...nullable }),
    field("health_check_period_s", "healthCheckPeriodMs", "How often a working replica's checkHealth is called, in seconds."),
    field("health_check_timeout_s", "healthCheckTimeoutMs", "How long checkHealth may take, in seconds; three failures replace a replica."),
    field("graceful_shutdown_timeout_s", "gracefulShutdownTimeoutMs", "How long a drained replica may finish what it runs, in seconds."),
    field("request_router", "requestRouter", "How a caller chooses among the replicas: by load, or by key or model id.", {
      accepted: '"powerOfTwoChoices" or "consistentHash"; a function belongs in code',
    }),
    field("placement", "placement", "Where replicas are put.", { shape: PLACEMENT_SHAPE, ...nullable }),
    field("retries", "retries", "What is done with a request whose replica is lost.", { shape: RETRIES_SHAPE, ...nullable }),
    field("backpressure_config", "backpressure", "The HTTP answer to a full queue.", { shape: BACKPRESSURE_SHAPE, ...nullable }),
    field(
      "max_constructor_retry_count",
      "maxConstructorRetryCount",
      "Start-up failures before the deployment counts as failed: the smaller of this and three per replica.",
    ),
    field("logging_config", "logging", "What the replicas log; the application's by default.", { shape: LOGGING_SHAPE, ...nullable }),
  ],
};
