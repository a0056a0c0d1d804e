/**
 * The errors that edge-serve itself raises.
 *
 * Each has a stable `code`: classes do not survive a hop between Durable Objects, codes do, and
 * `error-codec.ts` rebuilds the class from the code wherever a handle's call rejects. User errors are
 * never wrapped in these.
 */
import type { PlatformResponse } from "./platform-types.ts";

/** The stable names of edge-serve's errors. */
export type ServeErrorCode =
  | "BACK_PRESSURE"
  | "DEPLOYMENT_UNAVAILABLE"
  | "REPLICA_UNAVAILABLE"
  | "REQUEST_TIMEOUT"
  | "REQUEST_CANCELLED"
  | "METHOD_NOT_FOUND"
  | "SERIALIZATION"
  | "CONFIG"
  | "TASK_NOT_FOUND"
  | "KEY";

/** Options of an edge-serve error, besides its message. */
export interface ServeErrorOptions extends ErrorOptions {
  /** Time after which a retry makes sense, in milliseconds. Becomes `Retry-After` over HTTP. */
  readonly retryAfterMs?: number;
  /** The HTTP status, where the application chooses it (`backpressure.statusCode`). */
  readonly status?: number;
}

/** Options of a lost replica's error. */
export interface ReplicaUnavailableOptions extends ServeErrorOptions {
  /** True if the request may have begun there: then it is not safe to send it again. */
  readonly hasBegun?: boolean;
}

/** Base class of edge-serve errors. */
export abstract class ServeError extends Error {
  /** Stable across versions and hops; match on this or on the class, never on the message. */
  abstract readonly code: ServeErrorCode;
  /** The HTTP status that a client sees when the error reaches the ingress. */
  readonly status: number;
  /** Time after which a retry makes sense, in milliseconds; `undefined` when a retry will not help. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, status: number, options: ServeErrorOptions = {}) {
    super(message, options);
    // A class below says its name itself: a bundle may be made without the names of classes.
    this.name = new.target.name;
    this.status = options.status ?? status;
    this.retryAfterMs = options.retryAfterMs;
  }
}

// What a client is told more of than "Internal Server Error". The others stay without a response of their own, because
// a router that asks for one, as Hono does, takes the error for dealt with and logs nothing.
abstract class AnsweredError extends ServeError {
  /** The HTTP response that a client sees; routers such as Hono ask an error for it. */
  getResponse(): PlatformResponse {
    return serveErrorResponse(this);
  }
}

/** Every replica's queue is full (`maxQueuedRequests`). HTTP 503 (or 429) with `Retry-After`. */
export class BackPressureError extends AnsweredError {
  static override readonly name: string = "BackPressureError";
  override readonly code = "BACK_PRESSURE";
  constructor(message: string, options: ServeErrorOptions = {}) {
    super(message, 503, { retryAfterMs: 1000, ...options });
  }
}

/** The deployment has no replica that can serve: it is scaled to zero, gone, or cannot start. HTTP 503. */
export class DeploymentUnavailableError extends AnsweredError {
  static override readonly name: string = "DeploymentUnavailableError";
  override readonly code = "DEPLOYMENT_UNAVAILABLE";
  constructor(message: string, options: ServeErrorOptions = {}) {
    super(message, 503, { retryAfterMs: 1000, ...options });
  }
}

/**
 * A replica was lost with the request.
 *
 * HTTP 503 with `Retry-After` where the request is known not to have begun; 502 without it where it may have begun, because
 * clients repeat a 503.
 */
export class ReplicaUnavailableError extends AnsweredError {
  static override readonly name: string = "ReplicaUnavailableError";
  override readonly code = "REPLICA_UNAVAILABLE";
  constructor(message: string, { hasBegun = false, ...options }: ReplicaUnavailableOptions = {}) {
    super(message, hasBegun ? 502 : 503, hasBegun ? options : { retryAfterMs: 1000, ...options });
  }
}

/** The request's deadline passed, queueing included. HTTP 408. */
export class RequestTimeoutError extends AnsweredError {
  static override readonly name: string = "RequestTimeoutError";
  override readonly code = "REQUEST_TIMEOUT";
  constructor(message: string, options: ServeErrorOptions = {}) {
    super(message, 408, options);
  }
}

/** The request was cancelled, by its caller or because its client went away. HTTP 499. */
export class RequestCancelledError extends AnsweredError {
  static override readonly name: string = "RequestCancelledError";
  override readonly code = "REQUEST_CANCELLED";
  constructor(message: string, options: ServeErrorOptions = {}) {
    super(message, 499, options);
  }
}

/** The deployment has no public method of that name. The message lists those it has. */
export class MethodNotFoundError extends ServeError {
  static override readonly name: string = "MethodNotFoundError";
  override readonly code = "METHOD_NOT_FOUND";
  constructor(message: string, options: ServeErrorOptions = {}) {
    super(message, 500, options);
  }
}

/** An argument or a result cannot cross between replicas. The message says which, and where in it. */
export class SerializationError extends ServeError {
  static override readonly name: string = "SerializationError";
  override readonly code = "SERIALIZATION";
  constructor(message: string, options: ServeErrorOptions = {}) {
    super(message, 500, options);
  }
}

/** An application, an option or a config file says something that edge-serve does not accept. */
export class ConfigError extends ServeError {
  static override readonly name: string = "ConfigError";
  override readonly code = "CONFIG";
  constructor(message: string, options: ServeErrorOptions = {}) {
    super(message, 500, options);
  }
}

/** There is no task of that id, or it has been forgotten since it finished. HTTP 404. */
export class TaskNotFoundError extends AnsweredError {
  static override readonly name: string = "TaskNotFoundError";
  override readonly code = "TASK_NOT_FOUND";
  constructor(message: string, options: ServeErrorOptions = {}) {
    super(message, 404, options);
  }
}

/** A key of a keyed deployment is no string of 1 to 256 bytes of well-formed Unicode. HTTP 400. */
export class KeyError extends AnsweredError {
  static override readonly name: string = "KeyError";
  override readonly code = "KEY";
  constructor(message: string, options: ServeErrorOptions = {}) {
    super(message, 400, options);
  }
}

/** Code to class, for rebuilding an error that crossed a hop. */
export const ERROR_CLASSES: Readonly<Record<ServeErrorCode, new (message: string, options?: ServeErrorOptions) => ServeError>> = {
  BACK_PRESSURE: BackPressureError,
  DEPLOYMENT_UNAVAILABLE: DeploymentUnavailableError,
  REPLICA_UNAVAILABLE: ReplicaUnavailableError,
  REQUEST_TIMEOUT: RequestTimeoutError,
  REQUEST_CANCELLED: RequestCancelledError,
  METHOD_NOT_FOUND: MethodNotFoundError,
  SERIALIZATION: SerializationError,
  CONFIG: ConfigError,
  TASK_NOT_FOUND: TaskNotFoundError,
  KEY: KeyError,
};

/** The response to a request that one of edge-serve's errors ended. */
export function serveErrorResponse({ code, message, status: given, retryAfterMs }: ServeError): PlatformResponse {
  // Whoever had the error may have written to it.
  const status = Number.isInteger(given) && given >= 400 && given <= 599 ? given : 500;
  const headers: Record<string, string> = retryAfterMs === undefined ? {} : { "retry-after": String(Math.ceil(retryAfterMs / 1000)) };
  if (status === 500) return textResponse("Internal Server Error", 500, headers);
  // Why a replica is not there is for the operator's log.
  const isOurs = code === "DEPLOYMENT_UNAVAILABLE" || code === "REPLICA_UNAVAILABLE";
  return textResponse(isOurs ? (status === 502 ? "Bad Gateway" : "Service Unavailable") : message, status, headers);
}

/** A response of plain text. */
export function textResponse(body: string, status: number, headers: Record<string, string> = {}): PlatformResponse {
  return new Response(body, { status, headers: { "content-type": "text/plain; charset=utf-8", ...headers } });
}
