/**
 * The Worker's default export where the user has a main of their own: theirs, with the applications in front of its `fetch`.
 *
 * Invariants:
 *   B1. Every handler and RPC method of the user's default export is there, and is called as it would be without edge-serve.
 *   B2. Nothing of either side is hidden in silence: a name that both export is an error while the module loads.
 */
import { ConfigError } from "../src/protocol/errors.ts";

/** Answers a request: an application's, or, where none has its path, by `elsewhere`. */
export type Serve = (request: Request, env?: unknown, elsewhere?: () => Promise<Response>) => Promise<Response>;

type Fetch = (request: Request, env?: unknown, ctx?: unknown) => Response | Promise<Response>;
type Entrypoint = new (ctx: unknown, env: unknown) => { readonly env?: unknown };

/** The default export. */
export function besideMain(main: Readonly<Record<string, unknown>>, classes: readonly string[], serve: Serve): object {
  const clash = classes.find((name) => Object.hasOwn(main, name));
  if (clash !== undefined) {
    throw new ConfigError(`main exports ${clash}, which is also a class that edge-serve generates. Rename yours, or the deployment.`);
  }
  const own = main["default"];
  if (typeof own === "function") return besideClass(own as Entrypoint, serve);
  return besideObject(typeof own === "object" && own !== null ? own : {}, serve);
}

function besideClass(Own: Entrypoint, serve: Serve): object {
  return class extends Own {
    fetch(request: Request): Promise<Response> {
      const fetch = (Own.prototype as { fetch?: Fetch }).fetch;
      return serve(request, this.env, fetch && (async () => fetch.call(this, request)));
    }
  };
}

function besideObject(own: object, serve: Serve): object {
  const { fetch, ...handlers } = handlersOf(own) as { fetch?: Fetch };
  return {
    ...handlers,
    fetch: (request: Request, env: unknown, ctx: unknown) => serve(request, env, fetch && (async () => fetch(request, env, ctx))),
  };
}

// An object's own handlers, and those that its class has: bound, because a class may keep what is private in it.
function handlersOf(own: object): Record<string, unknown> {
  const handlers: Record<string, unknown> = {};
  for (let level = own; level !== null && level !== Object.prototype; level = Object.getPrototypeOf(level) as object) {
    for (const name of Object.getOwnPropertyNames(level)) {
      if (name === "constructor" || Object.hasOwn(handlers, name)) continue;
      const { value } = Object.getOwnPropertyDescriptor(level, name)!;
      if (typeof value === "function") handlers[name] = (value as (...args: unknown[]) => unknown).bind(own);
    }
  }
  return handlers;
}
