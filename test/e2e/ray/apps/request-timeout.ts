/** The deployments of Ray Serve's test_request_timeout.py, translated. */
import * as serve from "edge-serve";
import { Hono } from "hono";
import { signals } from "./signals.ts";

const nameOf = (request: Request) => new URL(request.url).pathname.slice(1);

/** Waits for the signal that the path names. */
class Waits {
  async call(request: Request): Promise<string> {
    await signals().wait.remote(nameOf(request));
    return "Success!";
  }
}

class Counts {
  #counter = 0;

  async hold(name: string): Promise<number> {
    const counter = ++this.#counter;
    await signals().wait.remote(name);
    return counter;
  }
  call(): number {
    return ++this.#counter;
  }
}

class Child {
  async call(name: string): Promise<string> {
    await signals().wait.remote(name);
    return "child";
  }
}

class Plain {
  constructor(private child: serve.DeploymentHandle<Child>) {}
  call(request: Request): PromiseLike<string> {
    return this.child.remote(nameOf(request));
  }
}

class Routed {
  constructor(readonly child: serve.DeploymentHandle<Child>) {}
}

const hono = new Hono<{ Bindings: { replica: Routed } }>().get("/:name", async (c) =>
  c.text(await c.env.replica.child.remote(c.req.param("name"))),
);

const child = serve.deployment(Child).bind();
const routed = serve.deployment(serve.ingress(hono)(Routed), { requestTimeoutMs: 500 });

export const waits = serve.deployment(Waits).bind();
export const short = serve.deployment(Waits, { requestTimeoutMs: 100 }).bind();
export const half = serve.deployment(Waits, { requestTimeoutMs: 500 }).bind();
export const one = serve.deployment(Waits, { maxOngoingRequests: 1, requestTimeoutMs: 500 }).bind();
export const counts = serve.deployment(Counts, { maxOngoingRequests: 1 }).bind();
export const plainParent = serve.deployment(Plain, { requestTimeoutMs: 500 }).bind(child);
export const routedParent = routed.bind(child);

class Chunks {
  async *call(request: Request): AsyncGenerator<string> {
    for (let n = 0; ; n++) {
      yield `generated ${n}`;
      await signals().wait.remote(nameOf(request));
    }
  }
}

/** Waits for nothing that could be cancelled. */
class LocalChunks {
  async *call(): AsyncGenerator<string> {
    for (let n = 0; ; n++) {
      yield `generated ${n}`;
      await new Promise((resolve) => setTimeout(resolve, 10_000));
    }
  }
}

/** A stream that the user code makes itself. */
class OwnStream {
  fetch(): Response {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode("generated 0")),
      pull: () => new Promise(() => {}),
    });
    return new Response(body);
  }
}

export const localChunks = serve.deployment(LocalChunks, { requestTimeoutMs: 500 }).bind();
export const ownStream = serve.deployment(OwnStream, { requestTimeoutMs: 500 }).bind();
export const chunks = serve.deployment(Chunks, { requestTimeoutMs: 1500 }).bind();
