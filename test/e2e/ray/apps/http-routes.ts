/** The deployments of Ray Serve's test_http_routes.py, translated. */
import * as serve from "edge-serve";
import { Hono } from "hono";
import { signals } from "./signals.ts";

const numbered = (n: number) => {
  class Numbered {
    call(): number {
      return n;
    }
  }
  return serve.deployment(Numbered, { name: `D${n}` }).bind();
};

export const d1 = numbered(1);
export const d2 = numbered(2);
export const d3 = numbered(3);

class Hi {
  say(): string {
    return "hi";
  }
}
const hi = new Hono<{ Bindings: { replica: Hi } }>().get("/hi", (c) => c.text(c.env.replica.say()));
export const d4 = serve.deployment(serve.ingress(hi)(Hi)).bind();

/** Redirects to itself, wherever it is mounted. */
class Redirector {
  fetch(request: Request): Response {
    const { pathname, origin } = new URL(request.url);
    const { routePrefix = "/" } = serve.getRequestContext();
    const at = (path: string) => Response.redirect(`${origin}${routePrefix === "/" ? "" : routePrefix}${path}`, 307);
    if (pathname === "/redirect") return at("/");
    if (pathname === "/redirect2") return at("/redirect");
    return new Response(`hello from ${routePrefix}`);
  }
}

export const redirector = serve.deployment(Redirector).bind();

class Fails {
  async call(request: Request): Promise<unknown> {
    const { pathname } = new URL(request.url);
    if (pathname === "/divide") return (undefined as unknown as { zero: number }).zero;
    if (pathname === "/die") await signals().wait.remote("die");
    serve.getReplicaContext().state.abort("killed while it worked");
    return "unreachable";
  }
}

export const fails = serve.deployment(Fails).bind();
