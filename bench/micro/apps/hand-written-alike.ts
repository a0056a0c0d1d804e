/**
 * By hand too, and with what edge-serve gives user code with each request: an id that is on every response and reaches every
 * Durable Object, a path without the application's prefix, and a context that knows the request wherever it is asked. What is
 * missing are replicas to choose from, admission, cancellation, deadlines, errors that keep their class, metrics and logs.
 *
 * Between this and `hand-written.ts` lies what the platform takes for these; between this and `edge-serve.ts` what edge-serve takes.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { DurableObject } from "cloudflare:workers";

export { stream__Items, stream__Reader } from "./hand-written.ts";

/** What is known of a request, wherever it is worked on. */
interface Context {
  readonly requestId: string;
  readonly routePrefix: string;
  /** The objects that it went through. */
  readonly chain: readonly string[];
}

interface Namespace<Stub> {
  getByName(name: string): Stub;
}

interface Exports {
  readonly [name: string]: Namespace<Fetcher>;
}

interface Sayer {
  say(context: string): Promise<string>;
}

const contexts = new AsyncLocalStorage<Context>();

const exportsOf = (ctx: unknown) => (ctx as { readonly exports: Exports }).exports;

/** A Durable Object that answers HTTP, with the context of the request that came in `cf`. */
abstract class Entry extends DurableObject {
  abstract answer(request: Request): Promise<string> | string;

  override async fetch(request: Request): Promise<Response> {
    const context = JSON.parse((request.cf as { readonly context: string }).context) as Context;
    const response = new Response(await contexts.run(context, () => this.answer(request)));
    response.headers.set("x-request-id", context.requestId);
    return response;
  }

  /** Calls another object, with the context of the request that this is for. */
  protected call(name: string): Promise<string> {
    const { chain, ...context } = contexts.getStore()!;
    const stub = exportsOf(this.ctx)[name]!.getByName("0") as unknown as Sayer;
    return stub.say(JSON.stringify({ ...context, chain: [...chain, name] }));
  }
}

/** A Durable Object that is called, with the context of the request that the call is for. */
abstract class Callee extends DurableObject {
  abstract answer(): string;

  async say(context: string): Promise<string> {
    return contexts.run(JSON.parse(context) as Context, () => this.answer());
  }
}

export class noop__Noop extends Entry {
  answer(): string {
    return "ok";
  }
}

export class calls__Echo extends Callee {
  answer(): string {
    return "ok";
  }
}

export class calls__Caller extends Entry {
  async answer(request: Request): Promise<string> {
    const count = Number(new URL(request.url).searchParams.get("count"));
    for (let call = 0; call < count; call++) await this.call("calls__Echo");
    return "ok";
  }
}

export class composed__Hello extends Callee {
  answer(): string {
    return "Hello";
  }
}

export class composed__World extends Callee {
  answer(): string {
    return " world!";
  }
}

export class composed__Ingress extends Entry {
  async answer(): Promise<string> {
    const hello = this.call("composed__Hello");
    const world = this.call("composed__World");
    return (await hello) + (await world);
  }
}

/** The class that answers requests under each prefix; `/` is for all others. */
const ROUTES: Readonly<Record<string, string>> = {
  "/calls": "calls__Caller",
  "/composed": "composed__Ingress",
  "/stream": "stream__Reader",
};

export default {
  fetch(request: Request, _env: unknown, ctx: ExecutionContext): Promise<Response> {
    const url = new URL(request.url);
    const [, first = "/"] = /^(\/[^/]*)/.exec(url.pathname) ?? [];
    const routePrefix = first in ROUTES ? first : "/";
    const name = ROUTES[routePrefix] ?? "noop__Noop";
    if (routePrefix !== "/") url.pathname = url.pathname.slice(routePrefix.length);
    const context: Context = { requestId: request.headers.get("x-request-id") ?? crypto.randomUUID(), routePrefix, chain: [name] };
    const cf = { ...request.cf, context: JSON.stringify(context) };
    const stub = exportsOf(ctx)[name]!.getByName("0");
    return stub.fetch(routePrefix === "/" ? request : new Request(url, request), { cf });
  },
};
