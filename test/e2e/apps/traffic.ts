/** Applications that share prefixes: what they answer says which one it was, and whether it was a shadow. */
import * as serve from "edge-serve";

class Named {
  constructor(private name: string) {}

  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const { routePrefix, shadow } = serve.getRequestContext();
    if (request.headers.get("upgrade") === "websocket") {
      const { 0: client, 1: server } = new WebSocketPair();
      server.accept();
      server.addEventListener("message", ({ data }) => server.send(`${this.name} ${pathname} ${String(data)}`));
      return new Response(null, { status: 101, webSocket: client });
    }
    serve.logger.info("seen", { by: this.name, pathname });
    if (pathname === "/fail") throw new Error("on purpose");
    return Response.json({ app: this.name, path: pathname, routePrefix, shadow, body: await request.text() });
  }
}

/** An application of this name. */
export const named = ({ name }: { name: string }) => serve.deployment(Named, { name: "Named", maxOngoingRequests: 100 }).bind(name);

/** Its constructor throws, so that it answers nothing. */
class Broken {
  constructor() {
    throw new Error("no model here");
  }

  fetch(): Response {
    return new Response("never");
  }
}
export const broken = serve.deployment(Broken).bind();

/** Answers the way that its name says. */
class Odd {
  constructor(private how: string) {}

  async fetch(request: Request): Promise<Response> {
    if (this.how === "hangs") await new Promise(() => {});
    if (this.how === "throws") throw new Error("a shadow's error");
    if (this.how === "fails") return new Response("bad", { status: 500 });
    if (this.how === "streams") {
      const bytes = new TextEncoder().encode("x".repeat(1000));
      return new Response(
        new ReadableStream({ pull: async (controller) => (await new Promise((next) => setTimeout(next, 20)), controller.enqueue(bytes)) }),
      );
    }
    if (this.how === "reads") {
      await request.text();
      for (;;) await new Promise((next) => setTimeout(next, 20));
    }
    return new Response(await request.text());
  }
}
export const odd = ({ how }: { how: string }) => serve.deployment(Odd, { name: "Odd", maxOngoingRequests: 1000 }).bind(how);

/** Does well until it is asked for `/turn`; from then on it does that no more. */
class Turning {
  #isBad = false;
  readonly #kv = serve.getReplicaContext().state.storage.kv;

  constructor(private how: string) {
    if (this.#kv.get("broken") === true) throw new Error("the model is gone");
  }

  fetch(request: Request): Response {
    this.#isBad ||= new URL(request.url).pathname === "/turn";
    if (!this.#isBad) return Response.json({ app: this.how });
    if (this.how === "errs") return new Response("bad", { status: 500 });
    this.#kv.put("broken", true);
    serve.getReplicaContext().state.abort("out of memory");
    throw new Error("unreachable");
  }
}
/** The same, with an object for each user. */
export const keyedTurning = ({ how }: { how: string }) =>
  serve.deployment(Turning, { keyed: { key: (request) => request.headers.get("x-user") ?? "nobody" } }).bind(how);
export const turning = ({ how }: { how: string }) => serve.deployment(Turning, { maxConstructorRetryCount: 2 }).bind(how);
