/**
 * The metrics that there are: what each is called, and what its numbers mean.
 *
 * Names, labels and buckets are Ray Serve's where the meaning is. Counters end in `_total`, as Ray's do when they are scraped.
 * The keys are wire format, and so are the order of labels and the buckets: replicas send numbers without names.
 */
import type { Series } from "../protocol/metrics.ts";
import { countOf } from "./series.ts";

/** One metric. */
export interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly string[];
  /** Of a histogram's buckets: upper bounds, inclusive, ascending. */
  readonly bounds?: readonly number[];
}

/** Ray Serve's. */
export const LATENCY_MS: readonly number[] = [
  1, 2, 5, 10, 20, 50, 100, 200, 300, 400, 500, 1000, 2000, 5000, 10_000, 60_000, 120_000, 300_000, 600_000,
];
export const BATCH_MS: readonly number[] = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000];
export const BATCH_SIZES: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
/** Of 1. */
export const BATCH_SHARES: readonly number[] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];
const PERCENT = BATCH_SHARES.map((share) => share * 100);

/** The labels of what is said of an application, a deployment, a replica. */
export const APPLICATION: readonly string[] = ["application"];
export const DEPLOYMENT: readonly string[] = [...APPLICATION, "deployment"];
export const REPLICA: readonly string[] = [...DEPLOYMENT, "replica"];

const ROUTE = [...REPLICA, "route"];
const HTTP = [...ROUTE, "method", "status_code"];
const FUNCTION = [...REPLICA, "function_name"];

/** Describes a gauge. */
export function gauge(name: string, help: string, labels: readonly string[] = REPLICA): Metric {
  return { name, type: "gauge", help, labels };
}

/** Describes a counter, by its name without `_total`. */
export function counter(name: string, help: string, labels: readonly string[] = REPLICA): Metric {
  return { name: `${name}_total`, type: "counter", help, labels };
}

function histogram(name: string, help: string, labels: readonly string[], bounds: readonly number[]): Metric {
  return { name, type: "histogram", help, labels, bounds };
}

/** What ingresses count of shadows, by the application that they were sent to. */
export const SHADOWS: Metric = counter("serve_shadow_requests", "Shadows of requests, by their end.", [...APPLICATION, "outcome"]);

/** What replicas measure: their series have the labels after a replica's own. */
export const MEASURED = {
  requests: counter("serve_deployment_request_counter", "Requests processed.", ROUTE),
  errors: counter("serve_deployment_error_counter", "Requests failed.", [...ROUTE, "exception_type"]),
  latency: histogram("serve_deployment_processing_latency_ms", "From start to end of a request.", ROUTE, LATENCY_MS),
  http: counter("serve_num_http_requests", "HTTP requests answered.", HTTP),
  httpLatency: histogram("serve_http_request_latency_ms", "From start to end of a request.", HTTP, LATENCY_MS),
  refused: counter("serve_replica_refused_requests", "Requests refused.", [...REPLICA, "mode"]),
  ongoing: gauge("serve_replica_processing_queries", "Requests running."),
  queued: gauge("serve_deployment_queued_queries", "Requests waiting."),
  batchWait: histogram("serve_batch_wait_time_ms", "From a call to its batch.", FUNCTION, BATCH_MS),
  batchExecution: histogram("serve_batch_execution_time_ms", "From start to end of a batch.", FUNCTION, BATCH_MS),
  batchSize: histogram("serve_actual_batch_size", "Size of a batch.", FUNCTION, BATCH_SIZES),
  batchUtilization: histogram("serve_batch_utilization_percent", "Size of a batch by maxBatchSize.", FUNCTION, PERCENT),
  batchQueue: gauge("serve_batch_queue_length", "Calls waiting for a batch.", FUNCTION),
  modelGets: counter("serve_multiplexed_get_model_requests_counter", "Calls for a model."),
  modelHits: counter("serve_multiplexed_model_hits", "Calls for a loaded model."),
  modelLoad: histogram("serve_multiplexed_model_load_latency_ms", "Loading a model.", REPLICA, LATENCY_MS),
  modelUnload: histogram("serve_multiplexed_model_unload_latency_ms", "Disposing of a model.", REPLICA, LATENCY_MS),
  models: gauge("serve_num_multiplexed_models", "Models loaded."),
} satisfies Readonly<Record<string, Metric>>;

/** What a metric is called in a snapshot. */
export type MetricKey = keyof typeof MEASURED;

/** What a series of a measured metric tells besides itself; `undefined` where it says nothing. */
export type Derived = readonly [Metric, from: MetricKey, take: (series: Series) => number | undefined];

const ifError: Derived[2] = ([labels, [count]]) => (Number(labels.at(-1)) >= 400 ? count : undefined);
const howMany: Derived[2] = ([, numbers]) => countOf(numbers);

/** What is told by what is measured. */
export const DERIVED: readonly Derived[] = [
  [counter("serve_num_http_error_requests", "HTTP requests answered with an error.", [...ROUTE, "method", "error_code"]), "http", ifError],
  [counter("serve_batches_processed", "Batches begun.", FUNCTION), "batchSize", howMany],
  [counter("serve_multiplexed_models_load_counter", "Models loaded."), "modelLoad", howMany],
  [counter("serve_multiplexed_models_unload_counter", "Models disposed of."), "modelUnload", howMany],
];
