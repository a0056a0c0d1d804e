/** The same by hand: a Worker that takes the key of a request and forwards it to the object, and an object that calls one of a key. */
import { DurableObject } from "cloudflare:workers";

export { calls__Echo, noop__Noop as rooms__Room } from "./hand-written.ts";

interface Namespace<Stub> {
  getByName(name: string): Stub;
}

interface Exports {
  readonly rooms__Room: Namespace<Fetcher>;
  readonly calls__Caller: Namespace<Fetcher>;
  readonly calls__Echo: Namespace<{ ping(): Promise<string> }>;
}

const exportsOf = (ctx: unknown) => (ctx as { readonly exports: Exports }).exports;

export class calls__Caller extends DurableObject {
  override async fetch(request: Request): Promise<Response> {
    const count = Number(new URL(request.url).searchParams.get("count"));
    for (let call = 0; call < count; call++) await exportsOf(this.ctx).calls__Echo.getByName("ada").ping();
    return new Response("ok");
  }
}

export default {
  fetch(request: Request, _env: unknown, ctx: ExecutionContext): Promise<Response> {
    const { rooms__Room, calls__Caller } = exportsOf(ctx);
    const path = new URL(request.url).pathname;
    if (path === "/calls") return calls__Caller.getByName("0").fetch(request);
    return rooms__Room.getByName(path.slice(1)).fetch(request);
  },
};
