/**
 * By hand too, and with what edge-serve gives user code with each request: see `hand-written-alike.ts`, which lacks the same. Besides,
 * keys are checked, and the context knows the key.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { DurableObject } from "cloudflare:workers";

/** What is known of a request, wherever it is worked on. */
interface Context {
  readonly requestId: string;
  readonly routePrefix: string;
  /** The objects that it went through. */
  readonly chain: readonly string[];
  readonly key?: string;
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

const encoder = new TextEncoder();

function checkedKey(key: string): string {
  if (key === "" || encoder.encode(key).length > 256) throw new RangeError(`A key has 1 to 256 bytes: ${key}`);
  return key;
}

/** A Durable Object that answers HTTP, with the context of the request that came in `cf`. */
abstract class Entry extends DurableObject {
  abstract answer(request: Request): Promise<string> | string;

  override async fetch(request: Request): Promise<Response> {
    const context = JSON.parse((request.cf as { readonly context: string }).context) as Context;
    const response = new Response(await contexts.run(context, () => this.answer(request)));
    response.headers.set("x-request-id", context.requestId);
    return response;
  }

  /** Calls the object of a key, with the context of the request that this is for. */
  protected call(name: string, key: string): Promise<string> {
    const { chain, ...context } = contexts.getStore()!;
    const stub = exportsOf(this.ctx)[name]!.getByName(checkedKey(key)) as unknown as Sayer;
    return stub.say(JSON.stringify({ ...context, chain: [...chain, name], key }));
  }
}

export class rooms__Room extends Entry {
  answer(): string {
    return "ok";
  }
}

export class calls__Echo extends DurableObject {
  async say(context: string): Promise<string> {
    return contexts.run(JSON.parse(context) as Context, () => "ok");
  }
}

export class calls__Caller extends Entry {
  async answer(request: Request): Promise<string> {
    const count = Number(new URL(request.url).searchParams.get("count"));
    for (let call = 0; call < count; call++) await this.call("calls__Echo", "ada");
    return "ok";
  }
}

export default {
  fetch(request: Request, _env: unknown, ctx: ExecutionContext): Promise<Response> {
    const { pathname } = new URL(request.url);
    const isCall = pathname === "/calls";
    const name = isCall ? "calls__Caller" : "rooms__Room";
    const key = isCall ? {} : { key: checkedKey(pathname.slice(1)) };
    const routePrefix = isCall ? "/calls" : "/";
    const context: Context = { requestId: request.headers.get("x-request-id") ?? crypto.randomUUID(), routePrefix, chain: [name], ...key };
    const stub = exportsOf(ctx)[name]!.getByName(key.key ?? "0");
    return stub.fetch(request, { cf: { ...request.cf, context: JSON.stringify(context) } });
  },
};
