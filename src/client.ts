/**
 * `edge-serve/client`: calling an application from anywhere that has `fetch`.
 *
 * @module
 */
export { connect, type ConnectOptions, getTask, type ServiceOptions } from "./client/connect.ts";
export type { ServiceBinding } from "./client/service-binding.ts";
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
  TaskNotFoundError,
} from "./protocol/errors.ts";
export type { DeploymentHandle, DeploymentResponse, DeploymentResponseGenerator, HandleOptions } from "./protocol/handle-types.ts";
export type { Task, TaskState, TaskStatus } from "./protocol/tasks.ts";
