/**
 * What `getRequestContext()` gives: the request as user code sees it.
 *
 * Owns: that it has the documented fields and no others, so that it may be spread, logged, and answered as JSON. What the framework
 * holds for a request has the Worker's bindings in it.
 * Does not own: what the fields are (scope.ts).
 */

/** The request that user code works on. */
export interface RequestContext {
  /** The same in every replica that the request reaches, in every log line and on the response. */
  readonly requestId: string;
  /** The application's prefix, which the request's URL no longer has; `undefined` for calls from outside HTTP. */
  readonly routePrefix: string | undefined;
  readonly multiplexedModelId: string | undefined;
  /** Deadline of the request, in milliseconds since the epoch. */
  readonly deadline: number | undefined;
  /** Aborts when the caller cancels, goes away or runs out of time. */
  readonly signal: AbortSignal;
  /**
   * The W3C trace context, to be sent on: the trace id and the flags that came with the request, or new ones, and a span id of this
   * replica's own.
   */
  readonly traceparent: string;
  /** What came with that; `undefined` where none came, or no `traceparent` with it. */
  readonly tracestate: string | undefined;
  /** The key of the object, in a keyed deployment; else the affinity key: requests with equal keys go to the same replica. */
  readonly key: string | undefined;
  /** Which attempt of which task this is, counted from 1; `undefined` for a call that was not enqueued, and in what a task calls. */
  readonly task: { readonly id: string; readonly attempt: number } | undefined;
  /** Whether another application answers the client, and this answer goes nowhere: see `shadow` of a route. */
  readonly shadow: boolean;
}

/** The documented fields of a request as the framework has it. Those that cost something are made when they are read. */
export function requestContextOf(request: RequestContext): RequestContext {
  return {
    requestId: request.requestId,
    routePrefix: request.routePrefix,
    multiplexedModelId: request.multiplexedModelId,
    deadline: request.deadline,
    get signal() {
      return request.signal;
    },
    get traceparent() {
      return request.traceparent;
    },
    tracestate: request.tracestate,
    key: request.key,
    task: request.task,
    shadow: request.shadow,
  };
}
