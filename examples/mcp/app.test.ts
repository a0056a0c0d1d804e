import { request } from "node:http";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ResourceListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { serve, type Server } from "edge-serve/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

let server: Server;

beforeAll(async () => {
  server = await serve(fileURLToPath(new URL("test.yaml", import.meta.url)), { vars: { SESSION_SECRET: "for the tests" } });
});
afterAll(() => server?.stop());

/** The SDK's own client, in a session of its own. */
class Connected {
  readonly client = new Client({ name: "test", version: "1" });
  readonly transport: StreamableHTTPClientTransport;

  constructor(path = "/mcp") {
    this.transport = new StreamableHTTPClientTransport(new URL(path, server.url));
  }
  static async to(path?: string): Promise<Connected> {
    const connected = new Connected(path);
    // Their types disagree about undefined where exactOptionalPropertyTypes is on.
    await connected.client.connect(connected.transport as Parameters<Client["connect"]>[0]);
    return connected;
  }
  get session(): string {
    return this.transport.sessionId ?? "";
  }
  async call(name: string, args: Record<string, unknown> = {}, onprogress?: () => void): Promise<unknown> {
    const options = onprogress === undefined ? {} : { onprogress };
    const { content } = await this.client.callTool({ name, arguments: args }, undefined, options);
    return JSON.parse((content as { text: string }[])[0]!.text);
  }
}

const HEADERS = { "content-type": "application/json", accept: "application/json, text/event-stream" };
const LIST = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" });

const post = (headers: Record<string, string>, body = LIST) =>
  server.fetch("/mcp", { method: "POST", headers: { ...HEADERS, ...headers }, body });

/** What is asked of the object of a session. Its class needs the Workers types, which Node's tests do not have. */
type Session = new () => { isOpen(): boolean };
const isOpen = (session: string, app = "mcp") => server.keyed<Session>("Session", app).get(session).isOpen.remote();

describe("the MCP server", () => {
  it("gives ten clients at once a session each, with tools, state, streams and notifications of its own", async () => {
    const sessions = await Promise.all(
      Array.from({ length: 10 }, async (_, n) => {
        const one = await Connected.to();
        let changes = 0;
        one.client.setNotificationHandler(ResourceListChangedNotificationSchema, () => void changes++);
        const { tools } = await one.client.listTools();
        expect(tools.map(({ name }) => name)).toEqual(["add_note", "list_notes", "next_note"]);

        await one.call("add_note", { text: `first of ${n}` });
        // The progress is there before the result can be: only what it starts brings that.
        const { promise: waiting, resolve } = Promise.withResolvers<void>();
        const next = one.call("next_note", {}, resolve);
        await waiting;
        await one.call("add_note", { text: `second of ${n}` });
        expect(await next).toEqual({ id: 2, text: `second of ${n}` });
        expect(await one.call("list_notes")).toEqual([
          { id: 1, text: `first of ${n}` },
          { id: 2, text: `second of ${n}` },
        ]);
        const { contents } = await one.client.readResource({ uri: "note:///2" });
        expect(contents).toMatchObject([{ text: `second of ${n}` }]);

        // The client opens the stream for notifications when it likes.
        await expect.poll(async () => (await one.call("add_note", { text: "again" }), changes)).toBeGreaterThan(0);
        return one;
      }),
    );
    expect(new Set(sessions.map(({ session }) => session)).size).toBe(10);
    await Promise.all(sessions.map(({ client }) => client.close()));
  });

  it("keeps a session, its notes and its client when the server is killed and started again", async () => {
    const one = await Connected.to();
    await one.call("add_note", { text: "Remember this." });
    await server.restart();
    expect(await one.call("list_notes")).toEqual([{ id: 1, text: "Remember this." }]);
    await one.client.close();
  });

  it("erases the session that its client deletes", async () => {
    const one = await Connected.to();
    const { session } = one;
    await one.call("add_note", { text: "Forget this." });
    await one.transport.terminateSession();
    await one.client.close();
    expect(await isOpen(session)).toBe(false);
    for (const method of ["POST", "GET", "DELETE"]) {
      const body = method === "POST" ? { body: LIST } : {};
      const response = await server.fetch("/mcp", { method, headers: { ...HEADERS, "mcp-session-id": session }, ...body });
      expect([method, response.status]).toEqual([method, 404]);
    }
  });

  it("erases a session that nobody asks anything for long", async () => {
    const one = await Connected.to("/brief");
    await expect.poll(() => isOpen(one.session, "brief")).toBe(false);
    await expect(one.call("list_notes")).rejects.toMatchObject({ code: 404 });
    await one.client.close();
  });

  it("gives a client that has lost its stream of notifications another one", async () => {
    const { session, client } = await Connected.to();
    await client.close();
    for (const _ of ["the first", "the second"]) {
      const leaving = new AbortController();
      const response = await server.fetch("/mcp", { headers: { ...HEADERS, "mcp-session-id": session }, signal: leaving.signal });
      expect(response.status).toBe(200);
      leaving.abort();
    }
  });

  it.each([
    ["a word", () => "made-up"],
    ["another's form", () => `${crypto.randomUUID()}.${"A".repeat(43)}`],
    ["an old id with another signature", (id: string) => `${id.slice(0, 37)}${id.slice(37, -4)}AAAA`],
    [
      "an old id with another spelling of its signature",
      (id: string) => id.slice(0, -1) + String.fromCharCode(id.charCodeAt(id.length - 1) + 1),
    ],
  ])("answers 404 to a session id that it has not made, and makes no object: %s", async (_what, forge) => {
    const { session, client } = await Connected.to();
    await client.close();
    const forged = forge(session);
    const id = crypto.randomUUID();
    expect((await post({ "mcp-session-id": forged, "x-request-id": id })).status).toBe(404);
    expect((await post({ "mcp-session-id": session, "x-request-id": `${id}-known` })).status).toBe(200);
    const asked = server.logs().flatMap(({ fields }) => (fields["deployment"] === "Session" ? [`${fields["replica"]}`] : []));
    expect(asked).toContain(`mcp/Session/@${session}`);
    expect(asked).not.toContain(`mcp/Session/@${forged}`);
  });

  it.each([
    { what: "what begins no session", headers: {}, body: LIST, status: 400 },
    { what: "what is not JSON", headers: {}, body: "{", status: 400 },
    { what: "the script of another site", headers: { origin: "https://eve.example" }, body: LIST, status: 403 },
  ])("refuses $what with $status", async ({ headers, body, status }) => {
    expect((await post(headers, body)).status).toBe(status);
  });

  it("refuses too much with 413", async () => {
    // On a connection of its own: the platform closes one on which it has left a body unread, without saying so before.
    const status = await new Promise((resolve, reject) => {
      request(new URL("/mcp", server.url), { method: "POST", headers: HEADERS, agent: false })
        .on("response", (response) => resolve(response.resume().statusCode))
        .on("error", reject)
        .end(" ".repeat(256 * 1024 + 1));
    });
    expect(status).toBe(413);
  });
});
