/**
 * `edge-serve`: what an application is written with. Everything here loads in Node as well as in workerd.
 *
 * @module
 */
export { Application, type Bindable } from "./api/application.ts";
export { Deployment, deployment } from "./api/deployment.ts";
export { type FetchRouter, ingress } from "./api/ingress.ts";
export type {
  AutoscalingContext,
  AutoscalingOptions,
  AutoscalingPolicy,
  DeploymentOptions,
  RequestRouter,
  RouterCandidate,
} from "./api/option-types.ts";
export { type LogFields, type Logger, logger } from "./context/logger.ts";
export {
  getAppHandle,
  getDeploymentHandle,
  getReplicaContext,
  getRequestContext,
  type ReplicaContext,
  type RequestContext,
} from "./context/scope.ts";
export {
  BackPressureError,
  ConfigError,
  DeploymentUnavailableError,
  MethodNotFoundError,
  ReplicaUnavailableError,
  RequestCancelledError,
  RequestTimeoutError,
  SerializationError,
  ServeError,
  type ServeErrorCode,
} from "./protocol/errors.ts";
export type {
  DeploymentHandle,
  DeploymentResponse,
  DeploymentResponseGenerator,
  HandleOptions,
  RemoteMethod,
} from "./protocol/handle-types.ts";
