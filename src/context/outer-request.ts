/**
 * The request that the user's own `fetch` works on, where the built entry calls it: its handles continue the request's trace, and are
 * cancelled with it.
 *
 * Not a replica's scope: code of the user's own Worker has no replica, and each of its calls is a call tree of its own.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { nextHop, type Trace } from "../protocol/trace.ts";

/** What the user's own handler is called with. */
export interface OuterParts {
  readonly traceparent?: string;
  readonly tracestate?: string;
  /** Aborts when the client goes away, where the Worker has the flag `enable_request_signal`. */
  readonly signal: AbortSignal;
  /** Lets something go on although the client has gone: a Worker stops there, and would not cancel what it has called. */
  keepAlive(promise: Promise<unknown>): void;
}

/** What the calls that are made for such a request have of it. */
export class OuterRequest {
  readonly #parts: OuterParts;
  #trace: Trace | undefined;

  constructor(parts: OuterParts) {
    this.#parts = parts;
  }

  /** Where the request is in its trace; all that is called for it is below. Made when somebody asks. */
  get trace(): Trace {
    return (this.#trace ??= nextHop(this.#parts));
  }

  get carried(): { readonly traceparent: string; readonly tracestate?: string } {
    const { tracestate } = this.#parts;
    const { traceparent } = this.trace;
    return tracestate === undefined ? { traceparent } : { traceparent, tracestate };
  }

  get signal(): AbortSignal {
    return this.#parts.signal;
  }

  keepAlive(promise: Promise<unknown>): void {
    this.#parts.keepAlive(promise);
  }
}

const requests = new AsyncLocalStorage<OuterRequest>();

/** Runs the user's own handler for a request, and all that it awaits. */
export function runInOuterRequest<R>(parts: OuterParts, body: () => R): R {
  return requests.run(new OuterRequest(parts), body);
}

/** The request that the caller works on outside of replicas; `undefined` where there is none. */
export function outerRequest(): OuterRequest | undefined {
  return requests.getStore();
}
