import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type Server } from "edge-serve/testing";

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/apps/swapped.yaml", { token: "t" });
  const document = {
    applications: [
      { name: "one", route_prefix: "/b", import_path: "http-kinds.ts:one" },
      { name: "two", route_prefix: "/a", import_path: "http-kinds.ts:two" },
    ],
  };
  const body = JSON.stringify(document);
  const put = await server.fetch("/-/api/applications", { method: "PUT", body, headers: { authorization: "Bearer t" } });
  expect([put.status, await put.text()]).toEqual([200, expect.anything()]);
});
afterAll(() => server?.stop());

describe("the first request to an isolate that has compiled other prefixes", () => {
  it.each([
    ["with a small body", "POST", "hello"],
    ["with an empty body", "POST", ""],
    ["with a large body", "PUT", "x".repeat(100_000)],
    ["without a body", "GET", undefined],
  ])("goes where its application is now, %s", async (_, method, body) => {
    // A new process knows what was compiled.
    await server.restart();
    for (const [path, name] of [
      ["/a/x", "two"],
      ["/b/x", "one"],
    ]) {
      const response = await server.fetch(path!, { method, ...(body === undefined ? {} : { body }) });
      expect([response.status, await response.text()]).toEqual([200, `${name} /x ${body ?? ""}`]);
      expect(response.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});
