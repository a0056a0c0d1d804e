/** The same class behind itty-router and behind Hono, and a stream whose end a test decides. */
import * as serve from "edge-serve";
import { Hono } from "hono";
import { AutoRouter, type IRequest, Router } from "itty-router";

class Calculator {
  add(a: number, b: number): number {
    return a + b;
  }
}

const auto = AutoRouter()
  .get("/add/:a/:b", ({ params }: IRequest, calculator: Calculator) => ({ sum: calculator.add(Number(params["a"]), Number(params["b"])) }))
  .post("/echo", async (request: IRequest) => ({ got: await request.json() }))
  .get("/fail", () => {
    throw Object.assign(new Error("not today"), { status: 409 });
  });

const bare = Router().get("/value", () => ({ plain: true }));
bare.get("/silent", () => undefined);

const hono = new Hono<{ Bindings: { replica: Calculator; GREETING: string } }>()
  .get("/add/:a/:b", (c) =>
    c.json({ sum: c.env.replica.add(Number(c.req.param("a")), Number(c.req.param("b"))), greeting: c.env.GREETING }),
  )
  .post("/echo", async (c) => c.json({ got: await c.req.json() }))
  .get("/fail", () => {
    throw new Error("secret detail");
  });

export const itty = serve.deployment(serve.ingress(auto)(class IttyCalculator extends Calculator {})).bind();
export const plain = serve.deployment(serve.ingress(bare)(class PlainCalculator extends Calculator {})).bind();
export const honoApp = serve.deployment(serve.ingress(hono)(class HonoCalculator extends Calculator {})).bind();

/** Sends one chunk, and the rest when it is told to. */
class Paused {
  #resume: (() => void) | undefined;
  fetch(request: Request): unknown {
    if (new URL(request.url).pathname === "/resume") {
      this.#resume?.();
      return "resumed";
    }
    return this.#chunks(new Promise<void>((resolve) => (this.#resume = resolve)));
  }
  async *#chunks(resumed: Promise<void>): AsyncGenerator<string> {
    yield "first";
    await resumed;
    yield "last";
  }
}

export const paused = serve.deployment(Paused).bind();
