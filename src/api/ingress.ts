/**
 * `serve.ingress`: mounts a router as the HTTP handler of a class.
 */
import { ConfigError } from "../protocol/errors.ts";

/** Anything that routes: itty-router, Hono, or a function wrapped as `{ fetch }`. */
export interface FetchRouter {
  // Loose on purpose: routers differ in what they take after the request.
  fetch(request: Request, ...args: never[]): unknown;
}

// Registered, so that it is the same symbol if two copies of the package are loaded.
const ROUTER = Symbol.for("edge-serve.router");

/**
 * Makes `router` the HTTP handler of a class. Handlers get the replica's instance as the argument after the
 * request; with Hono it is `c.env.replica`, beside the Worker's bindings.
 *
 * @throws ConfigError if the class has a `fetch` of its own, or `router` has none.
 * @example
 * const router = AutoRouter().get("/:name", ({ params }: IRequest, greeter: Greeter) => greeter.greet(params.name));
 * export const app = serve.deployment(serve.ingress(router)(Greeter)).bind();
 */
export function ingress(router: FetchRouter): <C extends abstract new (...args: never[]) => object>(target: C) => C {
  if (typeof router?.fetch !== "function") {
    throw new ConfigError("ingress() takes a router with a method fetch(request), such as itty-router's AutoRouter() or a Hono app.");
  }
  return (target) => {
    if (typeof target !== "function" || typeof target.prototype !== "object") {
      throw new ConfigError("ingress(router) must be applied to a class.");
    }
    if (typeof (target.prototype as { fetch?: unknown }).fetch === "function") {
      throw new ConfigError(
        `Class ${target.name} has a method fetch, and ingress() would hide it. Remove the method, or do not mount a router.`,
      );
    }
    Object.defineProperty(target, ROUTER, { value: router });
    return target;
  };
}

/** @internal The router mounted on a class or on one that it extends. */
export function routerOf(target: object): FetchRouter | undefined {
  return (target as { [ROUTER]?: FetchRouter })[ROUTER];
}

/** @internal Whether {@link ingress} was applied. */
export function hasRouter(target: object): boolean {
  return routerOf(target) !== undefined;
}
