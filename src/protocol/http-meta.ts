/**
 * What an HTTP request tells of itself: in headers of its own, which both ends of its way to a replica can read.
 *
 * Read when somebody asks. Most requests have none of these headers, and each look at one is a call to the platform.
 */
import type { RequestMeta } from "./messages.ts";

/** The metadata of a request that came over HTTP and has not been sent on. */
export class HttpMeta implements RequestMeta {
  readonly requestId: string;
  readonly chain: readonly string[];
  readonly hops = 0;
  readonly routePrefix: string;
  readonly deadline: number | undefined;
  readonly #headers: Headers;

  /** @param deadline In milliseconds since the epoch. */
  constructor(
    headers: Headers,
    {
      requestId,
      chain,
      routePrefix,
      deadline,
    }: Pick<RequestMeta, "requestId" | "chain"> & { readonly routePrefix: string; readonly deadline?: number },
  ) {
    this.#headers = headers;
    this.requestId = requestId;
    this.chain = chain;
    this.routePrefix = routePrefix;
    this.deadline = deadline;
  }

  /** The same with a deadline, in milliseconds since the epoch. */
  until(deadline: number): HttpMeta {
    return new HttpMeta(this.#headers, { ...this, deadline });
  }

  get multiplexedModelId(): string | undefined {
    return this.#headers.get("serve-multiplexed-model-id") ?? this.#headers.get("serve_multiplexed_model_id") ?? undefined;
  }

  get key(): string | undefined {
    return this.#headers.get("x-session-id") ?? undefined;
  }

  get traceparent(): string | undefined {
    return this.#headers.get("traceparent") ?? undefined;
  }
}
