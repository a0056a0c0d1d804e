import * as serve from "edge-serve";
import type { Session } from "./session.ts";
import { SessionIds } from "./session-ids.ts";

interface Env {
  /** Signs session ids. Whoever has it can make sessions. */
  readonly SESSION_SECRET?: string;
}

/** Refuses as the protocol asks: a JSON-RPC error that answers no particular request. */
function refuse(status: number, code: number, message: string): Response {
  return Response.json({ jsonrpc: "2.0", error: { code, message }, id: null }, { status });
}

/** The ingress: says which session a request is for, and lets nothing else reach an object. */
export class Gate {
  readonly #sessions: serve.KeyedHandle<Session>;
  #ids: SessionIds | undefined;

  constructor(sessions: serve.KeyedHandle<Session>) {
    this.#sessions = sessions;
  }

  async setup() {
    const { SESSION_SECRET } = serve.getReplicaContext<Env>().env;
    if (!SESSION_SECRET) throw new Error("Set the secret SESSION_SECRET: it signs the ids of sessions.");
    this.#ids = await SessionIds.from(SESSION_SECRET);
  }

  async fetch(request: Request): Promise<Response> {
    // A browser lets the script of any site ask a server on this machine, and says which site it is. Other clients send no Origin.
    const origin = request.headers.get("origin");
    if (origin !== null && URL.parse(origin)?.host !== new URL(request.url).host) return refuse(403, -32000, "Invalid Origin");
    const session = request.headers.get("mcp-session-id");
    if (session === null) return this.#begin(request);
    if (!(await this.#ids!.knows(session))) return refuse(404, -32001, "Session not found");
    if (request.method === "DELETE") return this.#end(session);
    return this.#sessions.get(session).fetch.remote(request);
  }

  async #begin(request: Request): Promise<Response> {
    if (request.method !== "POST") return refuse(400, -32000, "Bad Request: Mcp-Session-Id header is required");
    return this.#sessions.get(await this.#ids!.make()).fetch.remote(request);
  }

  async #end(session: string): Promise<Response> {
    // Its streams end before their object does.
    if (!(await this.#sessions.get(session).end.remote())) return refuse(404, -32001, "Session not found");
    await this.#sessions.delete(session);
    return new Response(null, { status: 200 });
  }
}
