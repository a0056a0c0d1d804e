import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import * as serve from "edge-serve";
import { Notes } from "./notes.ts";
import { makeServer } from "./server.ts";

/** The longest message of a client, in bytes. */
const MAX_BODY_BYTES = 256 * 1024;
const DAY_MS = 86_400_000;

/**
 * One session of the protocol, in the object of its id: the SDK's server and transport, which keep a session in memory, and what has to
 * outlast that. An object that is woken initialises them again with the request that began the session.
 */
export class Session {
  readonly #storage = serve.getReplicaContext().state.storage;
  readonly #notes = new Notes(this.#storage);
  readonly #transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: () => serve.getReplicaContext().key!,
    maxRequestBodySize: MAX_BODY_BYTES,
  });
  #idleMs = DAY_MS;

  async setup() {
    await makeServer(this.#notes).connect(this.#transport);
    const beginning = this.#storage.kv.get<string>("beginning");
    if (beginning === undefined) return;
    const headers = { "content-type": "application/json", accept: "application/json, text/event-stream" };
    const again = new Request("http://session/", { method: "POST", headers, body: beginning });
    // The stream ends with the answer, and the client has had that.
    await (await this.#transport.handleRequest(again)).text();
  }

  reconfigure(config: { readonly idleMs?: number } | null) {
    this.#idleMs = config?.idleMs ?? DAY_MS;
  }

  /** Whether it has begun, and has not ended. */
  isOpen(): boolean {
    return this.#storage.kv.get("beginning") !== undefined;
  }

  async fetch(request: Request): Promise<Response> {
    // A client that asks for the stream of notifications again has lost the one that it had.
    if (request.method === "GET") this.#transport.closeStandaloneSSEStream();
    const response = this.isOpen() ? await this.#transport.handleRequest(request) : await this.#begin(request);
    if (this.isOpen()) await this.#stayUntilIdle();
    return response;
  }

  /** Ends its streams, and what it has stored is nobody's. Resolves with whether there was a session. */
  async end(): Promise<boolean> {
    const wasOpen = this.isOpen();
    await this.#transport.close();
    await this.#storage.deleteAll();
    return wasOpen;
  }

  /** Nobody has asked anything for long. */
  async alarm() {
    await this.end();
  }

  async #begin(request: Request): Promise<Response> {
    // One that was deleted, or has ended by itself.
    if (request.headers.has("mcp-session-id")) return this.#notFound();
    // As long as the transport takes, so that what is stored below can be.
    const copy = request.clone();
    const response = await this.#transport.handleRequest(request);
    if (this.#transport.sessionId === undefined) await copy.body?.cancel();
    else this.#storage.kv.put("beginning", await copy.text());
    return response;
  }

  #notFound(): Response {
    return Response.json({ jsonrpc: "2.0", error: { code: -32001, message: "Session not found" }, id: null }, { status: 404 });
  }

  /** Writes when half of the time is over, not with each request. */
  async #stayUntilIdle() {
    const endsAt = (await this.#storage.getAlarm()) ?? 0;
    if (endsAt < Date.now() + this.#idleMs / 2) await this.#storage.setAlarm(Date.now() + this.#idleMs);
  }
}
