/** Which header says the key of a request, as the configuration has it, changed while the system runs. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type Server } from "edge-serve/testing";
import { putDocument, TOKEN } from "../support/operated.ts";

const APPLICATION = { name: "default", route_prefix: "/", import_path: "limits.ts:patient" };

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/apps/limits.ts:patient", { token: TOKEN });
});
afterAll(() => server?.stop());

describe("the header of a session", () => {
  const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
  const GENERATED = { session_id_header_key: "Mcp-Session-Id", session_id_generated: true };
  const USUAL = { session_id_generated: true };
  let inForce = "";

  it.each<[options: object, headers: Record<string, string>, key: string | RegExp | undefined]>([
    [{ session_id_header_key: "Mcp-Session-Id" }, { "mcp-session-id": "mine" }, "mine"],
    [{ session_id_header_key: "Mcp-Session-Id" }, { "x-session-id": "other", "mcp-session-id": "mine" }, "mine"],
    [{ session_id_header_key: "Mcp-Session-Id" }, { "x-session-id": "other" }, undefined],
    [{ session_id_header_key: "Mcp-Session-Id" }, {}, undefined],
    [{ session_id_header_key: "Mcp-Session-Id" }, { "mcp-session-id": "" }, undefined],
    [GENERATED, { "mcp-session-id": "mine" }, "mine"],
    [GENERATED, {}, UUID],
    [GENERATED, { "mcp-session-id": "" }, UUID],
    [GENERATED, { "x-session-id": "other" }, UUID],
    [USUAL, { "x-session-id": "mine" }, "mine"],
    [USUAL, {}, UUID],
    [{}, { "x-session-id": "mine", "mcp-session-id": "other" }, "mine"],
    [{}, {}, undefined],
    [{}, { "x-session-id": "" }, undefined],
  ])("is as %j says, without a deploy: %j", async (options, headers, key) => {
    const document = { applications: [APPLICATION], http_options: options };
    if (JSON.stringify(document) !== inForce) expect((await putDocument(server, document)).status).toBe(200);
    inForce = JSON.stringify(document);
    const response = await server.fetch("/", { headers });
    const context = (await response.json()) as { key?: string };
    if (key instanceof RegExp) expect(context.key).toMatch(key);
    else expect(context.key).toBe(key);
    expect([response.headers.get("x-session-id"), response.headers.get("mcp-session-id")]).toEqual([null, null]);
  });
});
