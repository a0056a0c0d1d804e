/** The deployments of Ray Serve's test_backpressure.py, translated. */
import * as serve from "edge-serve";
import { Hono } from "hono";
import { type IRequest, Router } from "itty-router";
import { signals } from "./signals.ts";

/** Waits for the signal that is named, and says what it was given. */
class Child {
  async call(name: string, text: string): Promise<string> {
    await signals().wait.remote(name);
    return text;
  }

  async fetch(request: Request): Promise<string> {
    const [, name = "", text = ""] = new URL(request.url).pathname.split("/");
    return this.call(name, text);
  }
}

class Parent {
  constructor(readonly child: serve.DeploymentHandle<Child>) {}

  hold(name: string, text: string): PromiseLike<string> {
    return this.child.remote(name, text);
  }

  fetch(): PromiseLike<string> {
    return this.child.remote("parent", "by http");
  }
}

class Routed {
  constructor(readonly child: serve.DeploymentHandle<Child>) {}

  hold(name: string, text: string): PromiseLike<string> {
    return this.child.remote(name, text);
  }
}

const itty = Router<IRequest, [replica: Routed]>();
itty.get("/async", async (_, replica) => new Response(await replica.hold("parent", "by itty")));
itty.get("/sync", (_, replica) => replica.hold("parent", "by itty"));

const hono = new Hono<{ Bindings: { replica: Routed } }>().get("/:kind", async (c) =>
  c.text(await c.env.replica.hold("parent", "by hono")),
);

const limits = { maxOngoingRequests: 1, maxQueuedRequests: 1 };
const child = () => serve.deployment(Child, limits).bind();

export const byHandle = serve.deployment(Parent, { name: "ByHandle" }).bind(child());
export const direct = serve.deployment(Child, limits).bind();
export const parent = serve.deployment(Parent).bind(child());
export const ittyParent = serve.deployment(serve.ingress(itty)(class IttyParent extends Routed {})).bind(child());
export const honoParent = serve.deployment(serve.ingress(hono)(class HonoParent extends Routed {})).bind(child());
