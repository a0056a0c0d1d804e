/**
 * HTTP in, HTTP out: the Worker that gives each request to its application's ingress deployment.
 *
 * Owns: system paths, the application of a path, request ids, what travels with the request.
 * Does not own: which replica (router/), what it answers (replica/).
 *
 * Invariants:
 *   N1. Every response has `x-request-id`.
 *   N2. Nothing that a client sends is taken for the framework's own: metadata travels in `cf`, which no client sets.
 *   N3. The control plane is never asked.
 */
import { RequestTimeoutError } from "../protocol/errors.ts";
import { errorResponse } from "../protocol/http-error.ts";
import type { Manifest } from "../protocol/manifest.ts";
import type { RequestMeta } from "../protocol/messages.ts";
import { RouteTable, stripPrefix } from "./routes.ts";

/** What the ingress needs of an application's ingress deployment. */
export interface IngressTarget {
  /** Deadline of a request in milliseconds, if the deployment has one. */
  readonly requestTimeoutMs: number | null;
  fetch(request: Request, meta: RequestMeta): Promise<Response>;
}

/** What the platform gives a Worker beside the request. */
export interface WorkerSurroundings {
  readonly env: unknown;
  /** Lets a request finish what it has begun although its client has gone. */
  keepAlive(promise: Promise<unknown>): void;
}

/** What the ingress is made of. */
export interface IngressParts {
  readonly manifest: Manifest;
  targetOf(app: string): IngressTarget;
  /** Answers system paths beyond `healthz` and `routes`; `undefined` for a path that it does not know. */
  readonly system?: (request: Request, path: string, worker: WorkerSurroundings) => Promise<Response> | undefined;
}

interface IngressApplication {
  readonly name: string;
  readonly chain: readonly string[];
  readonly target: IngressTarget;
  /** Deadline of a request in milliseconds; `null` is none. */
  readonly timeoutMs: number | null;
}

/** Handles a request to the Worker. Always answers. */
export type Ingress = (request: Request, worker: WorkerSurroundings) => Promise<Response>;

/** Builds the request handler of a system. */
export function createIngress({ manifest, targetOf, system }: IngressParts): Ingress {
  const exposed = manifest.applications.filter(({ routePrefix }) => routePrefix !== null);
  const routes = new RouteTable<IngressApplication>(
    exposed.map(({ name, routePrefix, ingress, httpTimeoutMs }) => {
      const target = targetOf(name);
      const timeoutMs = target.requestTimeoutMs ?? httpTimeoutMs ?? null;
      return { prefix: routePrefix as string, target: { name, chain: [`${name}/${ingress}`], target, timeoutMs } };
    }),
  );
  const listing = Object.fromEntries(exposed.map(({ name, routePrefix }) => [routePrefix, name]));

  return async (request, worker) => {
    const requestId = requestIdOf(request.headers);
    const path = pathOf(request.url);
    if (path.startsWith("/-/")) return answerSystem(request, path, requestId, worker);
    const route = routes.match(path);
    if (route === undefined) return withId(notFound(request.url, path), requestId);
    const meta = metaOf(request.headers, requestId, route.prefix, route.target.chain);
    const forwarded = route.prefix === "/" ? request : new Request(withPath(request.url, path, stripPrefix(path, route.prefix)), request);
    try {
      const { target, timeoutMs } = route.target;
      return await (timeoutMs === null ? target.fetch(forwarded, meta) : inTime(target, timeoutMs, forwarded, meta));
    } catch (error) {
      return withId(errorResponse(error), requestId);
    }
  };

  async function answerSystem(request: Request, path: string, requestId: string, worker: WorkerSurroundings): Promise<Response> {
    if (path === "/-/healthz") return withId(text("success", 200), requestId);
    if (path === "/-/routes") return withId(Response.json(listing), requestId);
    return withId((await system?.(request, path, worker)) ?? notFound(request.url, path), requestId);
  }
}

// What a late request still does is stopped by its signal: nothing waits for its answer any more.
async function inTime(target: IngressTarget, timeoutMs: number, request: Request, meta: RequestMeta): Promise<Response> {
  const late = new AbortController();
  const reason = new RequestTimeoutError(`Request ${meta.requestId} timed out after ${timeoutMs / 1000}s.`);
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(reason);
    late.abort(reason);
  }, timeoutMs);
  const signal = AbortSignal.any([request.signal, late.signal]);
  try {
    const answer = target.fetch(new Request(request, { signal }), { ...meta, deadline: Date.now() + timeoutMs });
    answer.catch(() => {});
    return await Promise.race([answer, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;

function requestIdOf(headers: Headers): string {
  const given = headers.get("x-request-id");
  return given !== null && REQUEST_ID.test(given) ? given : crypto.randomUUID();
}

function metaOf(headers: Headers, requestId: string, routePrefix: string, chain: readonly string[]): RequestMeta {
  const multiplexedModelId = headers.get("serve-multiplexed-model-id") ?? headers.get("serve_multiplexed_model_id");
  const key = headers.get("x-session-id");
  const traceparent = headers.get("traceparent");
  // Only what is set is sent, and this is the hot path: no spreading.
  const meta: { -readonly [K in keyof RequestMeta]: RequestMeta[K] } = { requestId, chain, hops: 0, routePrefix };
  if (multiplexedModelId !== null) meta.multiplexedModelId = multiplexedModelId;
  if (key !== null) meta.key = key;
  if (traceparent !== null) meta.traceparent = traceparent;
  return meta;
}

// Not `new URL`: this is the hot path, and a request's URL is normalised already.
function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  const end = url.slice(start).search(/[?#]/);
  return end === -1 ? url.slice(start) : url.slice(start, start + end);
}

function withPath(url: string, before: string, after: string): string {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  return url.slice(0, start) + after + url.slice(start + before.length);
}

function notFound(url: string, path: string): Response {
  const { host } = new URL(url);
  return text(`Path '${path}' not found. Ping http://${host}/-/routes for available routes.`, 404);
}

function text(body: string, status: number): Response {
  return new Response(body, { status, headers: { "content-type": "text/plain; charset=utf-8" } });
}

function withId(response: Response, requestId: string): Response {
  response.headers.set("x-request-id", requestId);
  return response;
}
