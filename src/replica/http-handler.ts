/**
 * How a deployment answers HTTP: its router, its `fetch`, its `call`, or the function that it is.
 */
import { markBindings } from "../context/bindings.ts";
import { ConfigError } from "../protocol/errors.ts";

/** A deployment's HTTP handler. Takes a request whose path has lost the application's prefix. */
export type HttpHandler = (request: Request) => unknown;

/** What a router needs: the method that `serve.ingress` asks for. */
export interface MountedRouter {
  fetch(request: Request, ...args: never[]): unknown;
}

type LooseFetch = (request: Request, ...args: unknown[]) => unknown;

/** What a handler may be given besides the request. */
export interface HandlerSurroundings {
  readonly env: unknown;
  /** The platform's context, which has `waitUntil`. */
  readonly state: unknown;
}

/**
 * Finds the handler of a deployment.
 *
 * @param target The instance, or the function of a function deployment.
 * @throws ConfigError if there is none.
 */
export function httpHandlerOf(
  target: object,
  deployment: string,
  router: MountedRouter | undefined,
  surroundings: HandlerSurroundings,
): HttpHandler {
  if (router !== undefined) return routerHandler(router, target, surroundings);
  if (typeof target === "function") return target as HttpHandler;
  const { fetch, call } = target as { fetch?: HttpHandler; call?: HttpHandler };
  const method = typeof fetch === "function" ? fetch : call;
  if (typeof method === "function") return (request) => method.call(target, request);
  throw new ConfigError(
    `Deployment ${JSON.stringify(deployment)} cannot answer HTTP: its class has neither fetch(request) nor call(request). ` +
      "Add one, mount a router with serve.ingress(), or set the application's route_prefix to null.",
  );
}

function routerHandler(router: MountedRouter, instance: object, { env, state }: HandlerSurroundings): HttpHandler {
  const fetch = router.fetch.bind(router) as LooseFetch;
  const context = asExecutionContext(state);
  if (isHono(router)) {
    const honoEnv = { ...(env as object), replica: instance };
    markBindings(honoEnv);
    return (request) => fetch(request, honoEnv, context);
  }
  return async (request) => (await fetch(request, instance, context)) ?? notFound();
}

// What a router's handlers know as the Worker's context. A Durable Object's has all of it but this, which some middleware
// calls; there is no origin behind an application that a request could pass through to.
function asExecutionContext(state: unknown): unknown {
  if (typeof state !== "object" || state === null || "passThroughOnException" in state) return state;
  return Object.defineProperty(state, "passThroughOnException", { value: () => {}, configurable: true });
}

// Hono takes its environment second and hands handlers a context; other routers hand on what they are given.
function isHono(router: MountedRouter): boolean {
  return Object.hasOwn(router, "getPath") && Object.hasOwn(router, "router");
}

// A router that matched nothing returns nothing; so does a handler that forgot to answer.
function notFound(): Response {
  return new Response("Not Found", { status: 404, headers: { "content-type": "text/plain; charset=utf-8" } });
}
