/**
 * The request that the user's own `fetch` works on, where the built entry calls it: its handles continue the request's trace, and are
 * cancelled with it.
 *
 * Not a replica's scope: code of the user's own Worker has no replica, and each of its calls is a call tree of its own.
 */
import { AsyncLocalStorage } from "node:async_hooks";

/** What the calls that are made for such a request have of it. */
export interface OuterRequest {
  readonly traceparent: string | undefined;
  /** Aborts when the client goes away, where the Worker has the flag `enable_request_signal`. */
  readonly signal: AbortSignal;
  /** Lets something go on although the client has gone: a Worker stops there, and would not cancel what it has called. */
  keepAlive(promise: Promise<unknown>): void;
}

const requests = new AsyncLocalStorage<OuterRequest>();

/** Runs the user's own handler for a request, and all that it awaits. */
export function runInOuterRequest<R>(request: OuterRequest, body: () => R): R {
  return requests.run(request, body);
}

/** The request that the caller works on outside of replicas; `undefined` where there is none. */
export function outerRequest(): OuterRequest | undefined {
  return requests.getStore();
}
