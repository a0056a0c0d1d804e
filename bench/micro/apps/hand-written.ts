/** The same by hand: a Worker and Durable Objects that do what is measured and nothing else. */
import { DurableObject } from "cloudflare:workers";

interface Namespace<Stub> {
  getByName(name: string): Stub;
}

interface Exports {
  readonly noop__Noop: Namespace<Fetcher>;
  readonly calls__Caller: Namespace<Fetcher>;
  readonly calls__Echo: Namespace<{ ping(): Promise<string> }>;
  readonly composed__Ingress: Namespace<Fetcher>;
  readonly composed__Hello: Namespace<{ say(): Promise<string> }>;
  readonly composed__World: Namespace<{ say(): Promise<string> }>;
  readonly stream__Reader: Namespace<Fetcher>;
  readonly stream__Items: Namespace<{ count(items: number): Promise<ReadableStream<Uint8Array>> }>;
}

const exportsOf = (ctx: unknown) => (ctx as { readonly exports: Exports }).exports;

export class noop__Noop extends DurableObject {
  override fetch(): Response {
    return new Response("ok");
  }
}

export class calls__Echo extends DurableObject {
  ping(): string {
    return "ok";
  }
}

export class calls__Caller extends DurableObject {
  override async fetch(request: Request): Promise<Response> {
    const count = Number(new URL(request.url).searchParams.get("count"));
    for (let call = 0; call < count; call++) await exportsOf(this.ctx).calls__Echo.getByName("0").ping();
    return new Response("ok");
  }
}

export class composed__Hello extends DurableObject {
  say(): string {
    return "Hello";
  }
}

export class composed__World extends DurableObject {
  say(): string {
    return " world!";
  }
}

export class composed__Ingress extends DurableObject {
  override async fetch(): Promise<Response> {
    const { composed__Hello, composed__World } = exportsOf(this.ctx);
    const hello = composed__Hello.getByName("0").say();
    const world = composed__World.getByName("0").say();
    return new Response((await hello) + (await world));
  }
}

export class stream__Items extends DurableObject {
  // One chunk for each item: what an item is must not depend on how many come at once.
  count(items: number): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder();
    let item = 0;
    return new ReadableStream({
      type: "bytes",
      pull(controller) {
        if (item === items) controller.close();
        else controller.enqueue(encoder.encode(`item ${item++}\n`));
      },
    });
  }
}

export class stream__Reader extends DurableObject {
  override async fetch(request: Request): Promise<Response> {
    let length = 0;
    const count = Number(new URL(request.url).searchParams.get("count"));
    const items = await exportsOf(this.ctx).stream__Items.getByName("0").count(count);
    for await (const item of items) length += item.byteLength;
    return new Response(String(length));
  }
}

export default {
  fetch(request: Request, _env: unknown, ctx: ExecutionContext): Promise<Response> {
    const { noop__Noop, calls__Caller, composed__Ingress, stream__Reader } = exportsOf(ctx);
    const path = new URL(request.url).pathname;
    const namespace = path.startsWith("/calls")
      ? calls__Caller
      : path.startsWith("/composed")
        ? composed__Ingress
        : path.startsWith("/stream")
          ? stream__Reader
          : noop__Noop;
    return namespace.getByName("0").fetch(request);
  },
};
