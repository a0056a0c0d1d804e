/**
 * HTTP in, HTTP out: the Worker that gives each request to its application's ingress deployment.
 *
 * Owns: system paths, the application of a path, request ids, what travels with the request.
 * Does not own: which replica (router/), what it answers (replica/).
 *
 * Invariants:
 *   N1. Every response has `x-request-id`.
 *   N2. Nothing that a client sends is taken for the framework's own: metadata travels in `cf`, which no client sets.
 *   N3. A request that an application has a route for never waits for the control plane.
 *   N4. What goes elsewhere is passed on and answered as it is, and waits for nothing: what is known of the routes is renewed beside it.
 *   N5. A request that was sent where its application no longer is goes where it is now, body and all.
 */
import { writeLog } from "../context/logger.ts";
import { DeploymentUnavailableError, RequestTimeoutError, ServeError } from "../protocol/errors.ts";
import { errorResponse } from "../protocol/http-error.ts";
import type { ApplicationManifest, Manifest } from "../protocol/manifest.ts";
import type { RequestMeta } from "../protocol/messages.ts";
import { pathOf } from "../protocol/request-path.ts";
import { requestIdOf, withRequestId } from "../protocol/request-id.ts";
import { ApplicationRoutes, type IngressTarget, type PreparedRequest } from "./application-routes.ts";
import { stripPrefix } from "./routes.ts";

/** What the platform gives a Worker beside the request. */
export interface WorkerSurroundings {
  readonly env: unknown;
  /** Lets a request finish what it has begun although its client has gone. */
  keepAlive(promise: Promise<unknown>): void;
  /** Answers a path that no application has, where the Worker has more than the applications. */
  readonly elsewhere?: () => Promise<Response>;
}

/** What the ingress asks of the control plane, for everything but an application's requests. */
export interface ControlQueries {
  /** What runs, by application; `null` is one that does not. */
  current(): Promise<Readonly<Record<string, ApplicationManifest | null>>>;
  /** What is not ready, in a sentence each; empty when everything is. */
  unready(): Promise<readonly string[]>;
}

/** What the ingress is made of. */
export interface IngressParts {
  readonly manifest: Manifest;
  targetOf(app: string): IngressTarget;
  readonly control?: ControlQueries;
  /** Answers system paths beyond `healthz` and `routes`; `undefined` for a path that it does not know. */
  readonly system?: (request: Request, path: string, worker: WorkerSurroundings) => Promise<Response> | undefined;
}

/** Handles a request to the Worker. Always answers. */
export type Ingress = (request: Request, worker: WorkerSurroundings) => Promise<Response>;

/** How long an isolate goes on with what it was told of the routes when a path has none. */
const ROUTES_FRESH_MS = 1000;

/** Builds the request handler of a system. */
export function createIngress({ manifest, targetOf, control, system }: IngressParts): Ingress {
  const routes = new ApplicationRoutes(manifest.applications, targetOf);
  /** When what is known of the routes was asked for. */
  let knownAtMs = 0;

  return async (request, worker) => {
    const { elsewhere } = worker;
    if (elsewhere !== undefined && isElsewhere(pathOf(request.url))) {
      worker.keepAlive(refresh());
      return elsewhere();
    }
    const requestId = requestIdOf(request.headers);
    try {
      const path = pathOf(request.url);
      if (path.startsWith("/-/")) return await answerSystem(request, path, requestId, worker);
      const route = routes.match(path);
      return await (route === undefined ? answerUnknown(request, path, requestId) : answer(request, path, requestId, route));
    } catch (error) {
      return failed(error, requestId);
    }
  };

  function isElsewhere(path: string): boolean {
    return !path.startsWith("/-/") && routes.match(path) === undefined;
  }

  async function answer(request: Request, path: string, requestId: string, route: Route): Promise<Response> {
    const { prefix, target: application } = route;
    const { target, chain, httpTimeoutMs } = application;
    const meta = metaOf(request.headers, requestId, prefix, chain);
    const forwarded = prefix === "/" ? request : new Request(withPath(request.url, path, stripPrefix(path, prefix)), request);
    const timeoutMs = target.requestTimeoutMs ?? httpTimeoutMs;
    const sending: Sending = { target, sent: forwarded };
    try {
      return await (timeoutMs === null ? send(sending, meta) : inTime(sending, timeoutMs, meta));
    } catch (error) {
      if (isMoved(error, route)) {
        const { sent } = sending;
        const unsent = sent instanceof Request ? sent : sent.request();
        if (!unsent.bodyUsed) return follow(unsent, path, requestId, route);
      }
      return failed(error, requestId);
    }
  }

  // The request was sent where its application no longer is, and nobody has begun it.
  async function follow(unsent: Request, path: string, requestId: string, { prefix, target }: Route): Promise<Response> {
    routes.correct(target.name);
    const route = routes.match(path);
    const request = prefix === "/" ? unsent : new Request(withPath(unsent.url, stripPrefix(path, prefix), path), unsent);
    return route === undefined ? answerUnknown(request, path, requestId) : answer(request, path, requestId, route);
  }

  async function answerUnknown(request: Request, path: string, requestId: string): Promise<Response> {
    await refresh();
    const route = routes.match(path);
    return route === undefined ? withRequestId(notFound(request.url, path), requestId) : answer(request, path, requestId, route);
  }

  async function refresh(): Promise<void> {
    const atMs = Date.now();
    if (control === undefined || atMs - knownAtMs < ROUTES_FRESH_MS) return;
    // Each request asks for itself while nobody has had an answer: one cannot wait for another's.
    const applications = await control.current().catch(() => undefined);
    if (atMs < knownAtMs) return;
    knownAtMs = atMs;
    // Without an answer, what is known holds.
    if (applications !== undefined) routes.take(applications);
  }

  async function answerSystem(request: Request, path: string, requestId: string, worker: WorkerSurroundings): Promise<Response> {
    if (path === "/-/healthz") return withRequestId(await health(), requestId);
    if (path === "/-/routes") {
      await refresh();
      return withRequestId(Response.json(routes.listing), requestId);
    }
    const response = await system?.(request, path, worker);
    // What was asked of the system may have been to change what runs.
    if (response !== undefined && request.method !== "GET" && path.startsWith("/-/api/")) {
      knownAtMs = 0;
      await refresh();
    }
    return withRequestId(response ?? notFound(request.url, path), requestId);
  }

  async function health(): Promise<Response> {
    const unready = (await control?.unready()) ?? [];
    return unready.length === 0 ? text("success", 200) : text(unready.join("\n"), 503);
  }
}

type Route = NonNullable<ReturnType<ApplicationRoutes["match"]>>;

function isMoved(error: unknown, { prefix, target }: Route): boolean {
  return error instanceof DeploymentUnavailableError && target.target.routePrefix !== prefix;
}

// What could not be answered. The replica has logged what happened there; here only what nobody else can know of is news.
function failed(error: unknown, requestId: string): Response {
  if (!(error instanceof ServeError)) {
    writeLog("ERROR", `Request ${requestId} failed in the ingress.`, { error }, undefined);
  }
  return withRequestId(errorResponse(error), requestId);
}

/** A request on its way to an application, and what is left of it to be sent elsewhere. */
interface Sending {
  readonly target: IngressTarget;
  sent: Request | PreparedRequest;
}

function send(sending: Sending, meta: RequestMeta): Promise<Response> {
  const { target, sent } = sending;
  return sent instanceof Request && mayBeRead(sent) ? sendPrepared(sending, sent, meta) : target.fetch(sent, meta);
}

async function sendPrepared(sending: Sending, request: Request, meta: RequestMeta): Promise<Response> {
  sending.sent = await sending.target.prepare(request);
  return sending.target.fetch(sending.sent, meta);
}

// What has a body that `new Request` accepts: a small one is read before it is sent, and would be lost.
function mayBeRead({ method }: Request): boolean {
  return method !== "GET" && method !== "HEAD";
}

// What a late request still does is stopped by its signal: nothing waits for its answer any more.
async function inTime(sending: Sending, timeoutMs: number, meta: RequestMeta): Promise<Response> {
  const late = new AbortController();
  const reason = new RequestTimeoutError(`Request ${meta.requestId} timed out after ${timeoutMs / 1000}s.`);
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(reason);
    late.abort(reason);
  }, timeoutMs);
  const request = sending.sent as Request;
  sending.sent = new Request(request, { signal: AbortSignal.any([request.signal, late.signal]) });
  try {
    const answer = send(sending, { ...meta, deadline: Date.now() + timeoutMs });
    answer.catch(() => {});
    return await Promise.race([answer, timeout]);
  } finally {
    clearTimeout(timer);
  }
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
