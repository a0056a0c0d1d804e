/** A keyed deployment that is an ingress deployment, and a pool beside it. */
import * as serve from "edge-serve";

const state = () => serve.getReplicaContext().state;

export class Room {
  #topic = "none";

  reconfigure({ topic }: { topic: string }) {
    this.#topic = topic;
  }

  async fetch(request: Request) {
    const { pathname } = new URL(request.url);
    if (pathname.endsWith("/topic")) return { topic: this.#topic, cf: Object.keys((request as { cf?: object }).cf ?? {}) };
    const { kv } = state().storage;
    kv.put("visits", (kv.get<number>("visits") ?? 0) + 1);
    if (request.headers.get("upgrade") === "websocket") {
      const { 0: client, 1: server } = new WebSocketPair();
      if (pathname.startsWith("/plain")) server.accept();
      else state().acceptWebSocket(server);
      return new Response(null, { status: 101, webSocket: client });
    }
    const body = request.method === "POST" ? await request.text() : "";
    return Response.json({ pathname, key: serve.getReplicaContext().key, visits: kv.get("visits"), body });
  }
}

async function keyOf(request: Request): Promise<string | undefined> {
  const { pathname, searchParams } = new URL(request.url);
  if (searchParams.has("wait")) await new Promise((resolve) => setTimeout(resolve, 5));
  if (searchParams.has("redirect"))
    throw new Response(null, { status: 302, headers: { location: "/login", "x-request-id": "of-the-key" } });
  if (searchParams.has("response")) throw new Response("not you", { status: 403 });
  if (searchParams.has("throw")) throw new RangeError("no key today");
  if (searchParams.has("read")) await request.text();
  if (searchParams.has("long")) return "x".repeat(257);
  if (searchParams.has("make")) return crypto.randomUUID();
  return pathname.split("/")[1] || undefined;
}

// oxlint-disable-next-line unicorn/no-thenable -- what is awaited is not always a Promise
const thenable = { then: (give: (key: string) => void) => give("of a thenable") } as Promise<string>;

export const rooms = serve
  .deployment(Room, { keyed: { key: (request) => (request.url.endsWith("?thenable") ? thenable : keyOf(request)) } })
  .bind();

class Guests {
  fetch() {
    return { key: serve.getRequestContext().key, ordinal: serve.getReplicaContext().ordinal };
  }
}

export const guests = serve.deployment(Guests, { numReplicas: 4, requestRouter: "consistentHash" }).bind();
