/** The deployments of Ray Serve's test_streaming_response.py, translated. */
import * as serve from "edge-serve";
import { Hono } from "hono";
import { byteStream } from "./byte-stream.ts";
import { signals } from "./signals.ts";

async function* hi(): AsyncGenerator<string> {
  for (let n = 0; n < 10; n++) yield `hi_${n}`;
}

function* hiSync(): Generator<string> {
  for (let n = 0; n < 10; n++) yield `hi_${n}`;
}

/** One chunk, and another when the signal comes. */
async function* paused(name: string, gate = signals()): AsyncGenerator<string> {
  yield "first";
  await gate.wait.remote(name);
  yield " last";
}

async function* fails(name: string, gate = signals()): AsyncGenerator<string> {
  yield "first chunk";
  await gate.wait.remote(name);
  throw new Error("raised in the generator");
}

async function* untilLeft(): AsyncGenerator<string> {
  const { requestId } = serve.getRequestContext();
  try {
    for (let n = 0; ; n++) {
      yield `hi_${n} `;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  } finally {
    serve.logger.info("generator ended", { of: requestId });
  }
}

const metadata = { status: 301, headers: { hello: "world", "content-type": "foo/bar" } };

/** A stream of the user's own, pull by pull, each in the scope of its request. */
function ownStream(): Response {
  let pulls = 0;
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await Promise.resolve();
      controller.enqueue(encoder.encode(`${serve.getRequestContext().requestId} `));
      if (++pulls === 3) controller.close();
    },
  });
  return new Response(body);
}

class Plain {
  call(request: Request): unknown {
    const [, kind = "", name = ""] = new URL(request.url).pathname.split("/");
    if (kind === "sync") return hiSync();
    if (kind === "paused") return paused(name);
    if (kind === "fails") return fails(name);
    if (kind === "until-left") return untilLeft();
    if (kind === "own") return ownStream();
    return kind === "metadata" ? new Response(byteStream(hi()), metadata) : hi();
  }
  stream(): AsyncGenerator<string> {
    return hi();
  }
}

class Routed {
  hi(): AsyncGenerator<string> {
    return hi();
  }
}

const hono = new Hono<{ Bindings: { replica: Routed } }>()
  .get("/async", (c) => c.body(byteStream(c.env.replica.hi())))
  .get("/sync", (c) => c.body(byteStream(hiSync())))
  .get("/paused/:name", (c) => c.body(byteStream(paused(c.req.param("name")))))
  .get("/fails/:name", (c) => c.body(byteStream(fails(c.req.param("name")))))
  .get("/until-left", (c) => c.body(byteStream(untilLeft())))
  .get("/metadata", () => new Response(byteStream(hi()), metadata));

/** Passes another deployment's stream on. */
class Proxy {
  constructor(private plain: serve.DeploymentHandle<Plain>) {}
  call(): AsyncIterable<string> {
    return this.plain.stream.remote();
  }
}

const plainOf = (numReplicas: number) => serve.deployment(Plain, { numReplicas }).bind();
const routedOf = (numReplicas: number) => serve.deployment(serve.ingress(hono)(Routed), { numReplicas }).bind();

export const plain = plainOf(1);
export const plainTwo = plainOf(2);
export const routed = routedOf(1);
export const routedTwo = routedOf(2);
export const passedOn = serve.deployment(Proxy).bind(plainOf(1));
