/**
 * `edge-serve`: what an application is written with. Everything here loads in Node as well as in workerd.
 *
 * @module
 */
export { type AnyApplication, Application, type Bindable } from "./api/application.ts";
export { Deployment, deployment } from "./api/deployment.ts";
export { type FetchRouter, ingress } from "./api/ingress.ts";
export type { AutoscalingOptions, DeploymentOptions, KeyOptions, ScheduleOptions, TaskOptions } from "./api/options.ts";
export { run, shutdown, start, status } from "./api/ray-serve-names.ts";
export { batch, type BatchControls, type BatchDecorator, type Batched, type BatchedStream } from "./batching/batch.ts";
export type { AdaptiveOptions, BatchOptions } from "./batching/options.ts";
export type { BatchHistogram, BatchStats } from "./batching/stats.ts";
export { type LogFields, type Logger, logger } from "./context/logger.ts";
export type { RequestContext } from "./context/request-context.ts";
export { getReplicaContext, getRequestContext, type ReplicaContext } from "./context/scope.ts";
export { getAppHandle, getDeploymentHandle, getKeyedHandle } from "./handle/get-handle.ts";
export { getTask } from "./handle/get-task.ts";
export { getMultiplexedModelId, type Multiplexed, multiplexed, type MultiplexedOptions } from "./multiplexing/multiplexed.ts";
export * as metrics from "./observe/metrics.ts";
export type { MultiplexedStats } from "./multiplexing/registry.ts";
export type { ApplicationAutoscalingPolicy, AutoscalingContext, AutoscalingDecision, AutoscalingPolicy } from "./protocol/autoscaling.ts";
export {
  BackPressureError,
  ConfigError,
  DeploymentUnavailableError,
  KeyError,
  MethodNotFoundError,
  ReplicaUnavailableError,
  RequestCancelledError,
  RequestTimeoutError,
  SerializationError,
  ServeError,
  type ServeErrorCode,
  TaskNotFoundError,
} from "./protocol/errors.ts";
export type {
  DeploymentHandle,
  DeploymentResponse,
  DeploymentResponseGenerator,
  EnqueueableMethod,
  HandleOptions,
  KeyedHandle,
  ObjectHandle,
  RemoteMethod,
} from "./protocol/handle-types.ts";
export type { KeyOf } from "./protocol/keys.ts";
export { type Span, type SpanAttributes, type SpanValue, span } from "./protocol/tracing.ts";
export type { Task, TaskState, TaskStatus } from "./protocol/tasks.ts";
export type { RequestRouter, RouterCandidate, RouterRequest } from "./protocol/request-router.ts";
