/**
 * What an HTTP request tells of itself: in headers of its own, which both ends of its way to a replica can read.
 *
 * Read when somebody asks. Most requests have none of these headers, and each look at one is a call to the platform.
 */
import type { RequestMeta } from "./messages.ts";
import { PlatformRequest } from "./platform-request.ts";
import { REQUEST_ID_PATTERN } from "./names.ts";
import { isTraceparent } from "./trace.ts";

/** What both ends know of a request that came over HTTP. */
export interface HttpOrigin {
  /** The ingress deployment alone: `app/deployment`. */
  readonly chain: readonly string[];
  readonly routePrefix: string;
}

/** What a request does not tell of itself. */
export type HttpExtras = Pick<RequestMeta, "hasSlash" | "deadline" | "traffic" | "shadow" | "isTraced">;

/** Where the headers are that a request tells of itself in: the request. To look at them makes an object, so most are left alone. */
export type HttpSource = Pick<Request, "headers">;

/** The header of a request's key, where no option names another. */
export const SESSION_HEADER = "x-session-id";

/** The session id in a request's headers. An empty one is none. */
export function sessionIn(headers: Headers, name: string = SESSION_HEADER): string | undefined {
  return headers.get(name) || undefined;
}

const NOTHING: HttpExtras = {};

/** Where an application was compiled to be reached over HTTP: a request that was sent there need not say so. */
export interface CompiledPlace {
  /** `null` where there is no such place, or more than one. */
  readonly prefix: string | null;
  /** Whether other applications share the prefix. */
  readonly isShared: boolean;
  /** Where the deployment is keyed: a request waits where it is sent, and need not say so. */
  readonly isKeyed?: true;
}

/** Headers of a request's place in a trace. */
const TRACEPARENT = "traceparent";
const TRACESTATE = "tracestate";

/** The metadata of a request that came over HTTP and has not been sent on. */
export class HttpMeta implements RequestMeta {
  readonly chain: readonly string[];
  readonly hops = 0;
  readonly routePrefix: string;
  readonly hasSlash: true | undefined;
  readonly deadline: number | undefined;
  readonly traffic: number | undefined;
  readonly shadow: true | undefined;
  readonly isTraced: boolean | undefined;
  readonly #source: HttpSource;
  #headers: Headers | undefined;
  #requestId: string | undefined;

  constructor(source: HttpSource, { chain, routePrefix }: HttpOrigin, extras: HttpExtras = NOTHING, requestId?: string) {
    this.#source = source;
    this.#requestId = requestId;
    this.chain = chain;
    this.routePrefix = routePrefix;
    Object.assign(this, extras);
  }

  /** The same request with a deadline, in milliseconds since the epoch. */
  until(deadline: number): HttpMeta {
    const { hasSlash, traffic, isTraced } = this;
    return this.as(this, { hasSlash, traffic, isTraced, deadline });
  }

  /** The same request on its way to another application as a shadow. */
  shadowing(origin: HttpOrigin, deadline: number): HttpMeta {
    // Both have one id, made now if it was not made before.
    void this.requestId;
    const { hasSlash, isTraced } = this;
    return this.as(origin, { hasSlash, traffic: 0, isTraced, deadline, shadow: true });
  }

  /** The same request, with the id that it has by now. */
  protected as(origin: HttpOrigin, extras: HttpExtras): HttpMeta {
    return new HttpMeta(this.#source, origin, extras, this.#requestId);
  }

  // As they came: once a handler has its request, that has its id in them.
  get #read(): Headers {
    return (this.#headers ??= this.#source.headers);
  }

  /** What its client has said, or nobody has. */
  protected get given(): { readonly source: HttpSource; readonly requestId: string | undefined } {
    return { source: this.#source, requestId: this.#requestId };
  }

  /** The one that it came with, or a new one: made when it is asked for, because a replica makes it too. */
  get requestId(): string {
    return (this.#requestId ??= requestIdOf(this.#read));
  }

  /** Whether its id is in its headers. */
  get isNamed(): boolean {
    return this.#read.get(REQUEST_ID_HEADER) === this.requestId;
  }

  get multiplexedModelId(): string | undefined {
    return this.#read.get("serve-multiplexed-model-id") ?? this.#read.get("serve_multiplexed_model_id") ?? undefined;
  }

  get key(): string | undefined {
    return sessionIn(this.#read);
  }

  get traceparent(): string | undefined {
    return traceOf(this.#read).traceparent;
  }

  get tracestate(): string | undefined {
    return traceOf(this.#read).tracestate;
  }
}

/** What the headers of a request say of the trace that it is part of; nothing, if that is not by the specification. */
export function traceOf(headers: Headers): { readonly traceparent?: string; readonly tracestate?: string } {
  const traceparent = headers.get(TRACEPARENT);
  if (traceparent === null || !isTraceparent(traceparent)) return {};
  const tracestate = headers.get(TRACESTATE);
  return tracestate === null ? { traceparent } : { traceparent, tracestate };
}

/** Whether a request can be made anew with a body. `new Request` refuses one for the other methods, although a client may send it. */
export function takesBody({ method }: Pick<Request, "method">): boolean {
  return method !== "GET" && method !== "HEAD";
}

/** The same request with another body. @param request One that {@link takesBody}. */
export function requestWithBody(request: Request, body: ReadableStream | ArrayBuffer): Request {
  return new PlatformRequest(request, { body, duplex: "half" } as RequestInit);
}

/** The same request with an id that it has itself, whoever reads it: the one that it came with, or a new one. */
export function withOwnId(request: Request): Request {
  if (isRequestId(request.headers.get(REQUEST_ID_HEADER))) return request;
  const marked = new PlatformRequest(request);
  marked.headers.set(REQUEST_ID_HEADER, crypto.randomUUID());
  return marked;
}

/** The path of an absolute URL, without query and fragment. Not `new URL`: this is the hot path, and a request's URL is normalised already. */
export function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  const query = url.indexOf("?", start);
  const fragment = url.indexOf("#", start);
  const end = query === -1 || (fragment !== -1 && fragment < query) ? fragment : query;
  return end === -1 ? url.slice(start) : url.slice(start, end);
}

/** Header of a request's id, on the request and on the response. */
export const REQUEST_ID_HEADER = "x-request-id";

/** Whether a text that came from outside can be the id of a request. */
export function isRequestId(text: string | null): text is string {
  return text !== null && REQUEST_ID_PATTERN.test(text);
}

/** The id that came with a request, or a new one. */
export function requestIdOf(headers: Headers): string {
  const given = headers.get(REQUEST_ID_HEADER);
  return isRequestId(given) ? given : crypto.randomUUID();
}

/** The response with the id in its headers; a copy where they are immutable, as those of a response from `fetch()`. */
export function withRequestId(response: Response, requestId: string): Response {
  try {
    response.headers.set(REQUEST_ID_HEADER, requestId);
    return response;
  } catch {
    const copy = new Response(response.body, response);
    copy.headers.set(REQUEST_ID_HEADER, requestId);
    return copy;
  }
}
