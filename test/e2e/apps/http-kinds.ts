/** What a client may send, and what a handler may answer, one path each. */
import { Hono } from "hono";
import { requestId } from "hono/request-id";
import { trimTrailingSlash } from "hono/trailing-slash";
import { AutoRouter } from "itty-router";
import * as serve from "edge-serve";

const encoder = new TextEncoder();

/** What became of the streams, by request id. */
const ends = new Map<string, string>();

async function* endless(id: string): AsyncGenerator<string> {
  try {
    for (let n = 0; ; n++) {
      yield `chunk ${n}\n`;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  } finally {
    ends.set(id, "generator stopped");
  }
}

async function* slow(): AsyncGenerator<string> {
  for (let n = 0; n < 5; n++) {
    yield `chunk ${n}\n`;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function* events(): AsyncGenerator<unknown> {
  yield "two\nlines";
  yield { event: "greeting", id: 7, retry: 1500, data: { hello: "world" } };
  yield { n: 1 };
}

function chunked(...chunks: unknown[]): ReadableStream {
  return new ReadableStream({
    pull(controller) {
      if (chunks.length === 0) controller.close();
      else controller.enqueue(chunks.shift());
    },
  });
}

function readAlready(): Response {
  const response = new Response("text");
  response.body?.getReader();
  return response;
}

/** Responses that the platform cannot send. */
const UNSENDABLE: Readonly<Record<string, () => unknown>> = {
  error: () => Response.error(),
  proxy: () => new Proxy(new Response("x"), {}),
  "clever-proxy": () =>
    new Proxy(new Response("x"), {
      get(target, key) {
        const value: unknown = Reflect.get(target, key, target);
        return typeof value === "function" ? (value.bind(target) as unknown) : value;
      },
    }),
  heir: () => Object.create(Response.prototype) as unknown,
  "other-library": () => ({ status: 200, headers: new Headers(), arrayBuffer: async () => new ArrayBuffer(0), body: null }),
  used: async () => {
    const response = new Response("x");
    await response.text();
    return response;
  },
  locked: readAlready,
  "thrown-error": () => {
    throw Response.error();
  },
  "thrown-proxy": () => {
    throw new Proxy(new Response("x"), {});
  },
  "thrown-used": () => {
    throw readAlready();
  },
  "socket-for-get": () => {
    const { 0: client, 1: server } = new WebSocketPair();
    server.accept();
    return new Response(null, { status: 101, webSocket: client });
  },
};

class Kinds {
  async fetch(request: Request): Promise<unknown> {
    const { pathname, searchParams } = new URL(request.url);
    const id = request.headers.get("x-request-id") ?? "none";
    const unsendable = UNSENDABLE[pathname.slice("/unsendable/".length)];
    if (unsendable !== undefined) return unsendable();
    if (pathname === "/ends") return ends.get(searchParams.get("of") ?? "") ?? "nothing";
    if (pathname === "/endless") return endless(id);
    if (pathname === "/endless-own") {
      const chunks = endless(id);
      const body = new ReadableStream({
        async pull(controller) {
          controller.enqueue(encoder.encode((await chunks.next()).value as string));
        },
        cancel: async () => void (await chunks.return(undefined)),
      });
      return new Response(body);
    }
    if (pathname === "/slow") return slow();
    if (pathname === "/slow-html") {
      const chunks = slow();
      const body = new ReadableStream({
        async pull(controller) {
          const { done, value } = await chunks.next();
          if (done === true) controller.close();
          else controller.enqueue(encoder.encode(value));
        },
      });
      return new Response(body, { headers: { "content-type": "text/html" } });
    }
    if (pathname === "/events") return events();
    if (pathname === "/objects") return new Response(chunked(encoder.encode("a"), { a: 1 }));
    if (pathname === "/own-id") return new Response("mine", { headers: { "x-request-id": searchParams.get("id") ?? "" } });
    if (pathname === "/status") throw { status: Number(searchParams.get("of")) };
    if (pathname === "/body") return { method: request.method, length: (await request.arrayBuffer()).byteLength };
    if (pathname === "/seen") {
      const copies = [request, request.clone(), new Request(request)];
      return copies.map((copy) => ({ id: copy.headers.get("x-request-id"), cf: Object.keys(copy.cf ?? {}) }));
    }
    if (pathname === "/meet") return meet();
    return { url: request.url, method: request.method };
  }
}

let waiting: (() => void) | undefined;

async function meet(): Promise<string> {
  if (waiting === undefined) await new Promise<void>((resolve) => (waiting = resolve));
  else {
    waiting();
    waiting = undefined;
  }
  return "met";
}

const hono = new Hono<{ Variables: { requestId: string } }>();
hono.use(requestId());
hono.use(trimTrailingSlash());
hono.get("/redirect", (c) => c.redirect(c.req.query("to") ?? "/home"));
hono.get("/created", (c) => c.body(null, 201, { location: "/item/1", "content-location": `${new URL(c.req.url).origin}/item/1?v=2` }));
hono.get("/fetched", () => Response.redirect("http://elsewhere.test/x", 302));
hono.get("/id", (c) => c.json({ seen: c.req.header("x-request-id") ?? null, variable: c.get("requestId") }));
hono.get("/context", (c) => {
  c.executionCtx.passThroughOnException();
  c.executionCtx.waitUntil(Promise.resolve());
  return c.text(`${typeof c.executionCtx.props}`);
});
hono.post("/json", async (c) => c.json(await c.req.json()));
hono.get("/item/7", (c) => c.text("item 7"));

const itty = AutoRouter();
itty.get("/context", (_request: unknown, _instance: unknown, context: ExecutionContext) => {
  context.passThroughOnException();
  return "ok";
});
itty.post("/json", async (request: Request) => request.json());

class Taker {
  take(request: Request): unknown {
    return { id: request.headers.get("x-request-id"), cf: Object.keys(request.cf ?? {}) };
  }
}

class Giver {
  readonly #taker: serve.DeploymentHandle<Taker>;
  constructor(taker: serve.DeploymentHandle<Taker>) {
    this.#taker = taker;
  }
  fetch(request: Request): unknown {
    return this.#taker.take.remote(request);
  }
}

function names(name: string) {
  return { [name]: async (request: Request) => `${name} ${new URL(request.url).pathname} ${await request.text()}` }[name]!;
}

export const one = serve.deployment(names("one")).bind();
export const two = serve.deployment(names("two")).bind();
export const kinds = serve.deployment(Kinds, { maxOngoingRequests: 2 }).bind();
export const site = serve.deployment(serve.ingress(hono)(class Site extends Taker {})).bind();
export const ittySite = serve.deployment(serve.ingress(itty)(class Itty extends Taker {})).bind();
export const giver = serve.deployment(Giver).bind(serve.deployment(Taker).bind());
export const timed = serve.deployment(Kinds, { requestTimeoutMs: 5000 }).bind();
