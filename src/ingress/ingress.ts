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
import { after } from "../context/with-timeout.ts";
import { DeploymentUnavailableError, RequestTimeoutError, ServeError } from "../protocol/errors.ts";
import { errorResponse } from "../protocol/http-error.ts";
import type { ApplicationManifest, Manifest } from "../protocol/manifest.ts";
import { HttpMeta, pathOf, requestIdOf, withRequestId } from "../protocol/http-request.ts";
import type { RequestMeta } from "../protocol/messages.ts";
import { ApplicationRoutes, type IngressTarget, type PreparedRequest, stripPrefix } from "./application-routes.ts";

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
  /** Whether a route has turned out to be old since. Where one application has moved to, another one may have left. */
  let isDoubtful = false;

  return (request, worker) => {
    try {
      const path = pathOf(request.url);
      if (path.startsWith("/-/")) return answerSystem(request, path, worker).catch((error: unknown) => failed(error, request.headers));
      const route = routes.match(path);
      if (route !== undefined) return answer(request, path, route);
      if (worker.elsewhere === undefined || isDoubtful) return answerUnknown(request, path, worker.elsewhere);
    } catch (error) {
      return Promise.resolve(failed(error, request.headers));
    }
    worker.keepAlive(refresh());
    return worker.elsewhere();
  };

  function answer(request: Request, path: string, route: Route): Promise<Response> {
    const { prefix, target: application } = route;
    const { target, httpTimeoutMs } = application;
    const hasSlash = prefix !== "/" && path.length === prefix.length + 1;
    const meta = new HttpMeta(request.headers, application, hasSlash ? { hasSlash } : {});
    const forwarded = prefix === "/" ? request : new Request(withPath(request.url, path, stripPrefix(path, prefix)), request);
    const timeoutMs = target.requestTimeoutMs ?? httpTimeoutMs;
    const sending: Sending = { target, sent: forwarded };
    const answered = timeoutMs === null ? send(sending, meta) : inTime(sending, timeoutMs, meta);
    return answered.catch((error: unknown) => {
      if (isMoved(error, route)) {
        const { sent } = sending;
        const unsent = sent instanceof Request ? sent : sent.request();
        if (!unsent.bodyUsed) return follow(unsent, path, route);
      }
      return failed(error, meta);
    });
  }

  // The request was sent where its application no longer is, and nobody has begun it.
  async function follow(unsent: Request, path: string, { prefix, target }: Route): Promise<Response> {
    routes.correct(target.name);
    isDoubtful = true;
    const route = routes.match(path);
    const request = prefix === "/" ? unsent : new Request(withPath(unsent.url, stripPrefix(path, prefix), path), unsent);
    return route === undefined ? answerUnknown(request, path) : answer(request, path, route);
  }

  async function answerUnknown(request: Request, path: string, elsewhere?: () => Promise<Response>): Promise<Response> {
    await refresh();
    const route = routes.match(path);
    if (route !== undefined) return answer(request, path, route);
    if (isDoubtful)
      return failed(new DeploymentUnavailableError("The routes are being changed, and cannot be asked for just now."), request.headers);
    return elsewhere?.() ?? withRequestId(notFound(request.url, path), requestIdOf(request.headers));
  }

  async function refresh(): Promise<void> {
    const atMs = Date.now();
    if (control === undefined || (!isDoubtful && atMs - knownAtMs < ROUTES_FRESH_MS)) return;
    // Each request asks for itself while nobody has had an answer: one cannot wait for another's.
    const applications = await control.current().catch(() => undefined);
    if (atMs < knownAtMs) return;
    knownAtMs = atMs;
    // Without an answer, what is known holds.
    if (applications === undefined) return;
    routes.take(applications);
    isDoubtful = false;
  }

  async function answerSystem(request: Request, path: string, worker: WorkerSurroundings): Promise<Response> {
    const requestId = requestIdOf(request.headers);
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
function failed(error: unknown, request: Headers | HttpMeta): Response {
  const requestId = request instanceof HttpMeta ? request.requestId : requestIdOf(request);
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
async function inTime(sending: Sending, timeoutMs: number, meta: HttpMeta): Promise<Response> {
  const late = new AbortController();
  const reason = new RequestTimeoutError(`Request ${meta.requestId} timed out after ${timeoutMs / 1000}s.`);
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const stop = after(timeoutMs, () => {
    reject(reason);
    late.abort(reason);
  });
  const request = sending.sent as Request;
  sending.sent = new Request(request, { signal: AbortSignal.any([request.signal, late.signal]) });
  try {
    const answer = send(sending, meta.until(Date.now() + timeoutMs));
    answer.catch(() => {});
    return await Promise.race([answer, timeout]);
  } finally {
    stop();
  }
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
