/** The deployments of Ray Serve's test_fastapi.py, translated: Hono and itty-router in FastAPI's place. */
import * as serve from "edge-serve";
import { Hono } from "hono";
import { cors } from "hono/cors";
import { type IRequest, Router } from "itty-router";
import { signals } from "./signals.ts";

class Calculator {
  constructor(readonly increment: number) {}

  add(n: number): number {
    return n + this.increment;
  }
  subtract(n: number): number {
    return n - this.increment;
  }
}

type Bindings = { Bindings: { replica: Calculator } };

const docs = new Hono().get("/docs", (c) => c.text("docs")).get("/openapi.json", (c) => c.json({ openapi: "3.1.0" }));

const hono = new Hono<Bindings>()
  .use(cors({ origin: "http://app.test" }))
  .use(async (c, next) => {
    await next();
    c.header("x-middleware", "was here");
  })
  .get("/calc/:n", (c) => c.json(c.env.replica.add(Number(c.req.param("n")))))
  .post("/calc/:n", (c) => c.json(c.env.replica.subtract(Number(c.req.param("n")))))
  .get("/fails", () => {
    throw new Error("custom error");
  })
  .get("/background", (c) => {
    c.executionCtx.waitUntil(signals().send.remote("background").result());
    return c.text("answered");
  })
  .get("/cookies", (c) => {
    c.header("set-cookie", "a=1", { append: true });
    c.header("set-cookie", "b=2", { append: true });
    return c.body(null);
  })
  .route("/sub", docs)
  .route("/", docs)
  .onError((error, c) => c.json({ error: error.message }, 500));

const typed = Router<IRequest, [replica: Calculator]>();
typed.get("/calc/:n", ({ params }, replica) => {
  const n = Number(params["n"]);
  if (!Number.isInteger(n)) throw Object.assign(new Error(`n must be an integer, got ${params["n"]}`), { status: 422 });
  return replica.add(n);
});

/** Two deployments that share one router: each answers with its own instance. */
const shared = new Hono<{ Bindings: { replica: { who(): string } } }>().get("/who", (c) => c.text(c.env.replica.who()));
class First {
  who(): string {
    return "first";
  }
}
class Second {
  who(): string {
    return "second";
  }
}

const plainRouter = { fetch: (request: Request, replica: Calculator) => new Response(`${request.method} ${replica.add(41)}`) };

export const calculator = serve.deployment(serve.ingress(hono)(class HonoCalculator extends Calculator {})).bind(1);
export const typedCalculator = serve.deployment(serve.ingress(typed)(class TypedCalculator extends Calculator {})).bind(1);
export const first = serve.deployment(serve.ingress(shared)(First)).bind();
export const second = serve.deployment(serve.ingress(shared)(Second)).bind();
export const bare = serve.deployment(serve.ingress(plainRouter)(class Bare extends Calculator {})).bind(1);
