/**
 * How a deployment answers HTTP: its router, its `fetch`, its `call`, or the function that it is.
 */
import { markBindings } from "../context/bindings.ts";
import { ConfigError, MethodNotFoundError } from "../protocol/errors.ts";
import { closest, show } from "../protocol/wording.ts";
import { OBJECT_HANDLERS } from "./object-handlers.ts";

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

type Method = (...args: unknown[]) => unknown;

/** Called by the runtime only, and by the platform. */
const LIFECYCLE: ReadonlySet<string> = new Set([
  "constructor",
  "setup",
  "reconfigure",
  "checkHealth",
  "recordAutoscalingStats",
  ...OBJECT_HANDLERS,
]);

/**
 * The function behind a method's name, ready to be called on `instance`.
 *
 * @param target The instance of a class deployment, or the function of a function deployment.
 * @throws MethodNotFoundError saying why the method can't be called, and listing those that can.
 */
export function methodOf(target: object, deployment: string, name: string | undefined): Method {
  if (typeof target === "function") {
    if (name === undefined || name === "call") return target as Method;
    throw new MethodNotFoundError(
      `No method ${show(name)} on deployment ${JSON.stringify(deployment)}: it is a function, so only handle.remote() calls it.`,
    );
  }
  const method = isReachable(target, name ?? "call") ? (target as Record<string, unknown>)[name ?? "call"] : undefined;
  if (typeof method === "function") return method as Method;
  throw noSuchMethod(target, deployment, name);
}

// Own properties count, because `predict = serve.batch(...)` is one; what every object inherits does not.
function isReachable(target: object, name: string): boolean {
  return !LIFECYCLE.has(name) && !isPrivate(name) && name in target && !(name in Object.prototype);
}

function isPrivate(name: string): boolean {
  return name.startsWith("_") || name.startsWith("#");
}

/** The names that a handle may call, in the order of the class. */
export function publicMethods(target: object): string[] {
  const names = new Set<string>();
  for (
    let level: object | null = target;
    level !== null && level !== Object.prototype;
    level = Object.getPrototypeOf(level) as object | null
  ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
      if (typeof value === "function" && isReachable(target, name)) names.add(name);
    }
  }
  return [...names];
}

function noSuchMethod(target: object, deployment: string, name: string | undefined): MethodNotFoundError {
  const has = publicMethods(target);
  const those = has.length === 0 ? "It has no public methods." : `It has: ${has.join(", ")}.`;
  return new MethodNotFoundError(`${whyNot(deployment, name, has)} ${those}`);
}

function whyNot(deployment: string, name: string | undefined, has: readonly string[]): string {
  const on = `on deployment ${JSON.stringify(deployment)}`;
  if (name === undefined)
    return `Deployment ${JSON.stringify(deployment)} has no default method: define call(), or call a method by its name.`;
  if (isPrivate(name)) return `Method ${show(name)} ${on} is private: a name that begins with _ or # can't be called through a handle.`;
  if (LIFECYCLE.has(name)) return `Method ${show(name)} ${on} is called by the runtime only.`;
  const near = closest(name, has);
  return `No method ${show(name)} ${on}.${near === undefined ? "" : ` Did you mean ${JSON.stringify(near)}?`}`;
}

/** Calls a method. A generator's body runs in the scope of whoever asks for its items, so it is started there too. */
export function invoke(method: (...args: unknown[]) => unknown, target: object, args: readonly unknown[]): unknown {
  return typeof target === "function" ? method(...args) : method.apply(target, args as unknown[]);
}
