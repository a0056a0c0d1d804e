/** The deployments of Ray Serve's test_http_headers.py, translated. */
import * as serve from "edge-serve";
import { Hono } from "hono";

const requestId = () => serve.getRequestContext().requestId;

class Plain {
  call(): string {
    return requestId();
  }
}

class AsResponse {
  call(): Response {
    return new Response(requestId());
  }
}

class Routed {
  id(): string {
    return requestId();
  }
}

const hono = new Hono<{ Bindings: { replica: Routed } }>().get("/", (c) => c.text(c.env.replica.id()));

export const plain = serve.deployment(Plain).bind();
export const asResponse = serve.deployment(AsResponse).bind();
export const routed = serve.deployment(serve.ingress(hono)(Routed)).bind();
