/** The deployments of Ray Serve's test_logging.py, translated. */
import * as serve from "edge-serve";
import { Hono } from "hono";

class Model {
  say(text: string): string {
    serve.logger.info("model says", { text });
    return text;
  }
  fail(): never {
    throw new RangeError("OOPS!");
  }
}

class Plain {
  constructor(private model: serve.DeploymentHandle<Model>) {}

  async fetch(request: Request): Promise<unknown> {
    const { pathname } = new URL(request.url);
    if (pathname === "/fail") throw new RangeError("OOPS!");
    if (pathname === "/model") return this.model.say.remote("hello");
    if (pathname === "/model-fails")
      return this.model.fail
        .remote()
        .result()
        .catch(() => "caught");
    serve.logger.debug("too fine to be logged");
    return "logged";
  }
}

class Routed {
  answer(status: number): Response {
    return new Response(null, { status });
  }
}
const hono = new Hono<{ Bindings: { replica: Routed } }>().get("/:status", (c) => c.env.replica.answer(Number(c.req.param("status"))));

const model = serve.deployment(Model).bind();
export const plain = serve.deployment(Plain).bind(model);
export const routed = serve.deployment(serve.ingress(hono)(Routed)).bind();
export const quiet = serve.deployment(Plain, { name: "Quiet", logging: { level: "ERROR", accessLog: false } }).bind(model);
