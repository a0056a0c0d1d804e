/**
 * HTTP in, HTTP out: the Worker that gives each request to its application's ingress deployment.
 *
 * Owns: system paths, the application of a path, request ids, what travels with the request.
 * Does not own: which replica (router/), what it answers (replica/).
 *
 * Invariants:
 *   N1. Every response has `x-request-id`.
 *   N2. Nothing that a client sends is taken for the framework's own: metadata travels in `cf`, which no client sets.
 *   N3. A request that an application has a route for never waits for the control plane, but for the first ones of an isolate at a
 *       prefix that several share, and those that were sent where their application no longer is.
 *   N4. What goes elsewhere is passed on and answered as it is, and waits for nothing: what is known of the routes is renewed beside it.
 *   N5. A request that was sent where its application no longer is goes to whoever has the path now, body and all.
 */
import { writeLog } from "../context/logger.ts";
import { DeploymentUnavailableError, ServeError } from "../protocol/errors.ts";
import { errorResponse } from "../protocol/http-error.ts";
import { HttpMeta, pathOf, REQUEST_ID_HEADER, requestIdOf, traceOf, withRequestId } from "../protocol/http-request.ts";
import type { Manifest } from "../protocol/manifest.ts";
import { attributesOf, inSpan, isTraced, nameSpan } from "../protocol/tracing.ts";
import type { TrafficQuery } from "../traffic/known-traffic.ts";
import type { IngressTarget, RoutedApplication, RouteTarget } from "./application-routes.ts";
import { type Chosen, Divider } from "./divided.ts";
import { IsolateTraffic, type RoutesNews } from "./isolate-traffic.ts";
import { metaOf, send, sendInTime, sendingOf, unsentOf, withoutPrefix, withPrefix } from "./sending.ts";

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
  /** Tells what this isolate has counted, and asks for what it does not know; `undefined` if it knows all. */
  traffic(query: TrafficQuery): Promise<RoutesNews | undefined>;
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

/** A request that has come in. */
export interface Arrival {
  /** As the client sent it. */
  readonly request: Request;
  readonly path: string;
  readonly worker: WorkerSurroundings;
  /** Whether somebody looks at its spans. */
  readonly isTraced: boolean;
  /** The key that was made for it: one for all that becomes of it. */
  madeKey?: string;
}

/** Builds the request handler of a system. */
export function createIngress({ manifest, targetOf, control, system }: IngressParts): Ingress {
  const traffic = new IsolateTraffic({
    applications: manifest.applications,
    routes: manifest.routes,
    targetOf,
    ask: async (query) => control?.traffic(query),
  });
  const { routes } = traffic;
  const divider = new Divider({ traffic, answer, dispatch, failed });

  return (request, worker) => {
    try {
      const path = pathOf(request.url);
      if (path.startsWith("/-/")) return answerSystem(request, path, worker).catch((error: unknown) => failed(error, request.headers));
      const arrival: Arrival = { request, path, worker, isTraced: isTraced() };
      const route = routes.match(path);
      if (route !== undefined) return answerAt(arrival, route.target);
      if (worker.elsewhere === undefined || traffic.isDoubtful) return answerUnknown(arrival);
    } catch (error) {
      return Promise.resolve(failed(error, request.headers));
    }
    worker.keepAlive(traffic.refresh());
    return worker.elsewhere();
  };

  function dispatch(arrival: Arrival, attempt = 0): Promise<Response> {
    const route = routes.match(arrival.path);
    return route === undefined ? answerUnknown(arrival) : answerAt(arrival, route.target, attempt);
  }

  function answerAt(arrival: Arrival, target: RouteTarget, attempt = 0): Promise<Response> {
    return target.divided === undefined ? answer(arrival, target) : divider.answer(arrival, target, attempt);
  }

  function answer(arrival: Arrival, application: RoutedApplication, chosen?: Chosen): Promise<Response> {
    return (arrival.isTraced ? traced : answered)(arrival, application, chosen);
  }

  // The replica makes the id of a request that has none, and says it on the answer.
  function traced(arrival: Arrival, application: RoutedApplication, chosen: Chosen | undefined): Promise<Response> {
    const { method, headers } = arrival.request;
    const about = attributesOf({ meta: { chain: application.chain, ...traceOf(headers) } }, false);
    return inSpan("serve.ingress", { ...about, "serve.method": method, "serve.route": application.routePrefix }, async (span) => {
      const response = await answered(arrival, application, chosen);
      nameSpan(span, response.headers.get(REQUEST_ID_HEADER));
      span.setAttribute("serve.status", response.status);
      return response;
    });
  }

  function answered(arrival: Arrival, application: RoutedApplication, chosen?: Chosen): Promise<Response> {
    const { request, path, worker } = arrival;
    const { routePrefix: prefix, target, httpTimeoutMs } = application;
    // The next requests go by what is heard.
    if (traffic.isBehind(target.routing)) worker.keepAlive(traffic.refresh());
    const meta = metaOf(arrival, application, chosen);
    const timeoutMs = target.requestTimeoutMs ?? httpTimeoutMs;
    const sending = sendingOf(target, request, prefix === "/" ? undefined : withoutPrefix(request.url, path, prefix));
    const sent = timeoutMs === null ? send(sending, meta) : sendInTime(sending, timeoutMs, meta);
    const response = chosen === undefined ? sent : divider.counted(sent, arrival, { application, chosen });
    return response.catch((error: unknown) => {
      if (chosen !== undefined) return divider.failed(error, arrival, { application, sending, meta, chosen });
      if (isMoved(error, application)) {
        const unsent = unsentOf(sending);
        if (unsent !== undefined) return follow({ ...arrival, request: withPrefix(unsent, path, prefix) }, application);
      }
      return failed(error, meta);
    });
  }

  // The request was sent where its application no longer is, and nobody has begun it. Who has the path now is for the control plane to say:
  // by what is known here it would be whoever has the rest, such as `/`. Until it has answered, others are sent there too, and come here.
  async function follow(arrival: Arrival, { name, routePrefix }: RoutedApplication): Promise<Response> {
    traffic.outdated();
    await traffic.refresh();
    const route = routes.match(arrival.path);
    if (route?.prefix === routePrefix && route.target.divided === undefined && route.target.name === name) {
      // It has not answered, or is of other code: what the replica says is the newest that there is.
      routes.correct(name);
      if (routes.match(arrival.path) === undefined) traffic.doubt();
    }
    return dispatch(arrival);
  }

  async function answerUnknown(arrival: Arrival): Promise<Response> {
    const { request, path, worker } = arrival;
    await traffic.refresh();
    if (routes.match(path) !== undefined) return dispatch(arrival);
    if (traffic.isDoubtful)
      return failed(new DeploymentUnavailableError("The routes are being changed, and cannot be asked for just now."), request.headers);
    return worker.elsewhere?.() ?? withRequestId(notFound(request.url, path), requestIdOf(request.headers));
  }

  async function answerSystem(request: Request, path: string, worker: WorkerSurroundings): Promise<Response> {
    const requestId = requestIdOf(request.headers);
    if (path === "/-/healthz") return withRequestId(await health(), requestId);
    if (path === "/-/routes") {
      await traffic.refresh();
      return withRequestId(Response.json(traffic.listing), requestId);
    }
    const response = await system?.(request, path, worker);
    // What was asked of the system may have been to change what runs.
    if (response !== undefined && request.method !== "GET" && path.startsWith("/-/api/")) {
      traffic.outdated();
      await traffic.refresh();
    }
    return withRequestId(response ?? notFound(request.url, path), requestId);
  }

  async function health(): Promise<Response> {
    const unready = (await control?.unready()) ?? [];
    return unready.length === 0 ? text("success", 200) : text(unready.join("\n"), 503);
  }
}

function isMoved(error: unknown, { routePrefix, target }: RoutedApplication): boolean {
  return error instanceof DeploymentUnavailableError && target.routePrefix !== routePrefix;
}

// What could not be answered. The replica has logged what happened there; here only what nobody else can know of is news.
function failed(error: unknown, request: Headers | HttpMeta): Response {
  const requestId = request instanceof HttpMeta ? request.requestId : requestIdOf(request);
  if (!(error instanceof ServeError)) {
    writeLog("ERROR", `Request ${requestId} failed in the ingress.`, { error }, undefined);
  }
  return withRequestId(errorResponse(error), requestId);
}

function notFound(url: string, path: string): Response {
  const { host } = new URL(url);
  return text(`Path '${path}' not found. Ping http://${host}/-/routes for available routes.`, 404);
}

function text(body: string, status: number): Response {
  return new Response(body, { status, headers: { "content-type": "text/plain; charset=utf-8" } });
}
