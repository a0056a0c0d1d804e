/** The compared applications by hand: a Worker and Durable Objects that do what is measured and nothing else. */
import { DurableObject } from "cloudflare:workers";
import { roundsFor, spin } from "./compute.ts";

interface Namespace<Stub> {
  getByName(name: string): Stub;
}

interface Exports {
  readonly Noop: Namespace<Fetcher>;
  readonly Ingress: Namespace<Fetcher>;
  readonly Hello: Namespace<{ say(): Promise<string> }>;
  readonly World: Namespace<{ say(): Promise<string> }>;
  readonly Wait: Namespace<Fetcher>;
  readonly Batch: Namespace<Fetcher>;
  readonly Stream: Namespace<Fetcher>;
  readonly Compute: Namespace<Fetcher>;
}

const exportsOf = (ctx: unknown) => (ctx as { readonly exports: Exports }).exports;

export class Noop extends DurableObject {
  override fetch(): Response {
    return new Response("ok");
  }
}

export class Hello extends DurableObject {
  say(): string {
    return "Hello";
  }
}

export class World extends DurableObject {
  say(): string {
    return " world!";
  }
}

export class Ingress extends DurableObject {
  override async fetch(): Promise<Response> {
    const { Hello, World } = exportsOf(this.ctx);
    const hello = Hello.getByName("0").say();
    const world = World.getByName("0").say();
    return new Response((await hello) + (await world));
  }
}

export class Wait extends DurableObject {
  override async fetch(): Promise<Response> {
    await new Promise((resolve) => setTimeout(resolve, 10));
    return new Response("ok");
  }
}

interface Waiting {
  readonly text: string;
  resolve(upper: string): void;
}

const BATCH_SIZE = 32;
const BATCH_WAIT_MS = 10;

/** One batch at a time, of at most 32; a smaller one begins 10 ms after its first item came. */
export class Batch extends DurableObject {
  readonly #waiting: Waiting[] = [];
  #running = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  override async fetch(request: Request): Promise<Response> {
    const { texts } = await request.json<{ texts: [string] }>();
    const upper = await new Promise<string>((resolve) => {
      this.#waiting.push({ text: texts[0], resolve });
      this.#schedule();
    });
    return Response.json([upper]);
  }

  #schedule(): void {
    if (this.#running || this.#waiting.length === 0) return;
    if (this.#waiting.length >= BATCH_SIZE) void this.#run();
    else this.#timer ??= setTimeout(() => void this.#run(), BATCH_WAIT_MS);
  }

  async #run(): Promise<void> {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#running = true;
    const batch = this.#waiting.splice(0, BATCH_SIZE);
    await new Promise((resolve) => setTimeout(resolve, 10));
    for (const { text, resolve } of batch) resolve(text.toUpperCase());
    this.#running = false;
    this.#schedule();
  }
}

export class Stream extends DurableObject {
  override fetch(): Response {
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    void this.#write(writable.getWriter());
    return new Response(readable, { headers: { "content-type": "text/plain; charset=utf-8" } });
  }

  async #write(writer: WritableStreamDefaultWriter<Uint8Array>): Promise<void> {
    const encoder = new TextEncoder();
    for (let item = 0; item < 1000; item++) await writer.write(encoder.encode(`token ${item}\n`));
    await writer.close();
  }
}

export class Compute extends DurableObject {
  readonly #rounds = roundsFor(5);

  override fetch(): Response {
    return new Response(spin(this.#rounds) > 0 ? "ok" : "none");
  }
}

interface Env {
  /** How many objects share the work of `/cpu-all` and `/noop-many`. */
  readonly REPLICAS: { readonly cpu: number; readonly noop: number };
}

const anyOf = (count: number) => String(Math.floor(Math.random() * count));

export default {
  fetch(request: Request, env: Env, ctx: ExecutionContext): Promise<Response> {
    const exports = exportsOf(ctx);
    switch (new URL(request.url).pathname) {
      case "/noop":
        return exports.Noop.getByName("0").fetch(request);
      case "/noop-many":
        return exports.Noop.getByName(anyOf(env.REPLICAS.noop)).fetch(request);
      case "/compose":
        return exports.Ingress.getByName("0").fetch(request);
      case "/wait":
        return exports.Wait.getByName("0").fetch(request);
      case "/batch":
        return exports.Batch.getByName("0").fetch(request);
      case "/stream":
        return exports.Stream.getByName("0").fetch(request);
      case "/cpu":
        return exports.Compute.getByName("0").fetch(request);
      case "/cpu-all":
        return exports.Compute.getByName(anyOf(env.REPLICAS.cpu)).fetch(request);
      default:
        return Promise.resolve(new Response("Not found", { status: 404 }));
    }
  },
};
