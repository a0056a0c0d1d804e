/** One deployment for each way of answering HTTP, and for what a handler can see of its request. */
import * as serve from "edge-serve";

type Answer = (request: Request) => unknown;

async function* counted(): AsyncGenerator<string> {
  for (let i = 0; i < 10; i++) yield `hi_${i}`;
}

async function* failing(items: readonly unknown[]): AsyncGenerator<unknown> {
  yield* items;
  throw new Error("secret detail");
}

function* mixed(): Generator<unknown> {
  yield new Uint8Array([65]);
  yield "B";
}

async function* objects(count: number): AsyncGenerator<unknown> {
  for (let n = 1; n <= count; n++) yield { n };
}

function raise(thrown: unknown): never {
  throw thrown;
}

const ANSWERS: Readonly<Record<string, Answer>> = {
  "/response": () => new Response("made", { status: 201, headers: { "x-mine": "yes", "content-type": "text/x-mine" } }),
  "/string": () => "text",
  "/bytes": () => new Uint8Array([1, 2, 3]),
  "/buffer": () => new Uint8Array([4, 5]).buffer,
  "/undefined": () => undefined,
  "/null": () => null,
  "/number": () => 42,
  "/object": () => ({ a: [1, { b: "c" }], at: new Date(0) }),
  "/generator": () => counted(),
  "/sync-generator": () => mixed(),
  "/json-lines": () => objects(2),
  "/empty-generator": () => objects(0),
  "/stream": () =>
    new ReadableStream({
      start(controller) {
        controller.enqueue("text and ");
        controller.enqueue(new TextEncoder().encode("bytes"));
        controller.close();
      },
    }),
  "/own-context": () => serve.getRequestContext(),
  "/spread-context": () => {
    const { signal, ...rest } = serve.getRequestContext();
    return { ...rest, aborted: signal.aborted };
  },
  "/map": () => new Map([["a", 1]]),
  "/bigint": () => ({ deep: [{ big: 10n }] }),
  "/throw": () => raise(new TypeError("secret detail")),
  "/throw-response": () => raise(new Response("thrown", { status: 418 })),
  "/throw-status": () => raise(Object.assign(new Error("no such document"), { status: 404 })),
  "/throw-bad-status": () => raise(Object.assign(new Error("secret detail"), { status: 200 })),
  "/throw-before-first": () => failing([]),
  "/throw-mid-stream": () => failing(["first"]),
  "/json": async (request) => ({ got: await request.json() }),
  "/echo": (request) => new Response(request.body, { headers: { "content-type": request.headers.get("content-type") ?? "none" } }),
  "/cookies": () =>
    new Response("ok", {
      headers: [
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
      ],
    }),
  "/redirect": () => Response.redirect("http://example.test/elsewhere", 301),
};

class Conversions {
  fetch(request: Request): unknown {
    const { pathname } = new URL(request.url);
    const answer = ANSWERS[pathname];
    if (answer !== undefined) return answer(request);
    return { url: request.url, pathname, headers: Object.fromEntries(request.headers), method: request.method };
  }
}

class Context {
  call(request: Request): unknown {
    const { requestId, routePrefix, multiplexedModelId, key, traceparent, deadline, signal } = serve.getRequestContext();
    const { pathname } = new URL(request.url);
    const context = serve.getReplicaContext<{ GREETING?: string }>();
    const { appName, deployment, replicaId, ordinal, version, env } = context;
    const object = pathname === "/object" ? context.state.id.name : undefined;
    serve.logger.info("context seen", { path: pathname });
    return {
      request: { requestId, routePrefix, multiplexedModelId, key, traceparent, deadline, aborted: signal.aborted },
      replica: { appName, deployment, replicaId, ordinal, version, greeting: env.GREETING, object },
      cfCountry: request.cf?.["country"],
    };
  }
}

class Sockets {
  fetch(request: Request): unknown {
    if (request.headers.get("upgrade") !== "websocket") return "unary";
    const { 0: client, 1: server } = new WebSocketPair();
    server.binaryType = "arraybuffer";
    server.accept();
    server.addEventListener("message", ({ data }) => {
      if (data === "close") server.close(4001, "as asked");
      else if (typeof data === "string") server.send(`echo ${data}`);
      else server.send(new Uint8Array(data).toReversed());
    });
    return new Response(null, { status: 101, webSocket: client });
  }
}

function shout(request: Request): string {
  return `you asked for ${new URL(request.url).pathname}!`;
}

async function* count(): AsyncGenerator<string> {
  yield "one ";
  yield "two";
}

class NoHttp {
  add(a: number, b: number): number {
    return a + b;
  }
}

class Broken {
  constructor() {
    throw new Error("secret constructor detail");
  }
  call(): string {
    return "never";
  }
}

class Nobody {
  call(): string {
    return "never";
  }
}

export const conversions = serve.deployment(Conversions).bind();
export const context = serve.deployment(Context, { numReplicas: 2 }).bind();
export const sockets = serve.deployment(Sockets).bind();
export const fn = serve.deployment(shout).bind();
export const generator = serve.deployment(count).bind();
export const noHttp = serve.deployment(NoHttp).bind();
export const broken = serve.deployment(Broken).bind();
export const nobody = serve.deployment(Nobody, { numReplicas: 0 }).bind();
