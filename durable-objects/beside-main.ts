/**
 * The Worker's default export where the user has a main of their own: theirs, with the applications in front of its `fetch`.
 *
 * Invariants:
 *   B1. Every handler and RPC method of the user's default export is there, and is called as it would be without edge-serve.
 *   B2. Nothing of either side is hidden in silence: a name that both export is an error while the module loads.
 */
import { traceOf } from "../src/protocol/http-request.ts";
import { runInOuterRequest } from "../src/context/outer-request.ts";
import { ConfigError } from "../src/protocol/errors.ts";
import { SCHEDULES_CRON } from "../src/protocol/names.ts";

/** Answers a request: an application's, or, where none has its path, by `elsewhere`. */
export type Serve = (request: Request, env?: unknown, elsewhere?: () => Promise<Response>) => Promise<Response>;

type Fetch = (request: Request, env?: unknown, ctx?: unknown) => Response | Promise<Response>;

type Entrypoint = new (ctx: unknown, env: unknown) => { readonly env?: unknown };

type Scheduled = (event: { readonly cron: string }, env?: unknown, ctx?: unknown) => unknown;

/** The user's handlers that something stands in front of. */
interface Handlers {
  fetch?: Fetch;
  scheduled?: Scheduled;
}

/** What stands in front of the user's default export. */
export interface InFront {
  readonly serve: Serve;
  /** Lets something go on after the client has gone. */
  keepAlive(promise: Promise<unknown>): void;
  /** Begins the schedules of the system; missing where it has none. */
  readonly scheduled?: (() => Promise<void>) | undefined;
  /** Cron triggers of the user's own. */
  readonly crons: readonly string[];
}

/** The default export. */
export function besideMain(main: Readonly<Record<string, unknown>>, classes: readonly string[], inFront: InFront): object {
  const clash = classes.find((name) => Object.hasOwn(main, name));
  if (clash !== undefined) {
    throw new ConfigError(`main exports ${clash}, which is also a class that edge-serve generates. Rename yours, or the deployment.`);
  }
  const own = main["default"];
  if (typeof own === "function") return besideClass(own as Entrypoint, inFront);
  return besideObject(typeof own === "object" && own !== null ? own : {}, inFront);
}

function besideClass(Own: Entrypoint, inFront: InFront): object {
  const inherited = Own.prototype as Handlers;
  const fetchOf =
    (self: InstanceType<Entrypoint>, fetch: Fetch | undefined) =>
    (request: Request): Promise<Response> =>
      inFront.serve(request, self.env, fetch && (async () => inRequest(request, inFront, () => fetch.call(self, request))));
  const scheduledOf =
    (self: InstanceType<Entrypoint>, users: Scheduled | undefined) =>
    (event: { readonly cron: string }): Promise<void> =>
      scheduled(event, inFront, users && (() => users.call(self, event)));
  // The platform calls a field before any method, so what stands in front of a field of the user's is a field.
  const frontFields = (self: InstanceType<Entrypoint> & Handlers): void => {
    if (Object.hasOwn(self, "fetch")) self.fetch = fetchOf(self, self.fetch);
    if (inFront.scheduled !== undefined && Object.hasOwn(self, "scheduled")) self.scheduled = scheduledOf(self, self.scheduled);
  };
  const Beside = class extends Own {
    constructor(ctx: unknown, env: unknown) {
      super(ctx, env);
      frontFields(this);
    }

    fetch(request: Request): Promise<Response> {
      return fetchOf(this, inherited.fetch)(request);
    }
  };
  if (inFront.scheduled === undefined) return Beside;
  return class extends Beside {
    scheduled(event: { readonly cron: string }): Promise<void> {
      return scheduledOf(this, inherited.scheduled)(event);
    }
  };
}

function besideObject(own: object, inFront: InFront): object {
  const { fetch, ...handlers } = handlersOf(own) as Handlers;
  const users = handlers.scheduled;
  return {
    ...handlers,
    fetch: (request: Request, env: unknown, ctx: unknown) =>
      inFront.serve(request, env, fetch && (async () => inRequest(request, inFront, () => fetch(request, env, ctx)))),
    ...(inFront.scheduled === undefined
      ? {}
      : {
          scheduled: (event: { readonly cron: string }, env: unknown, ctx: unknown) =>
            scheduled(event, inFront, users && (() => users(event, env, ctx))),
        }),
  };
}

function inRequest<R>({ headers, signal }: Request, { keepAlive }: InFront, body: () => R): R {
  return runInOuterRequest({ ...traceOf(headers), signal, keepAlive }, body);
}

// The system's own trigger reaches the user's handler only where they have the same one.
async function scheduled({ cron }: { readonly cron: string }, inFront: InFront, users: (() => unknown) | undefined): Promise<void> {
  const isSystems = cron === SCHEDULES_CRON;
  const begun = isSystems ? inFront.scheduled?.() : undefined;
  try {
    if (!isSystems || inFront.crons.includes(cron)) await users?.();
  } finally {
    await begun;
  }
}

// What the platform looks for. Its own look runs getters too, which all members of a module's namespace are; others are not run.
const HANDLERS: ReadonlySet<string> = new Set(["fetch", "scheduled", "queue", "email", "tail", "trace", "tailStream", "alarm", "test"]);

// An object's own handlers, and those that its class has: bound, because a class may keep what is private in it.
function handlersOf(own: object): Record<string, unknown> {
  const handlers: Record<string, unknown> = {};
  for (let level = own; level !== null && level !== Object.prototype; level = Object.getPrototypeOf(level) as object) {
    for (const name of Object.getOwnPropertyNames(level)) {
      if (name === "constructor" || Object.hasOwn(handlers, name)) continue;
      const { get, value = HANDLERS.has(name) ? get?.call(own) : undefined } = Object.getOwnPropertyDescriptor(level, name)!;
      if (typeof value === "function") handlers[name] = (value as (...args: unknown[]) => unknown).bind(own);
    }
  }
  return handlers;
}
