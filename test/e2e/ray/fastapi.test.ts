/** Ray Serve's test_fastapi.py, translated: routers by serve.ingress in FastAPI's place. */
import { serve, type Server } from "edge-serve/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { calculator } from "./apps/fastapi.ts";
import type { app } from "./apps/signals.ts";

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/ray/apps/fastapi.yaml", { quiet: true });
});
afterAll(() => server.stop());

const textOf = async (path: string, init?: RequestInit) => (await server.fetch(path, init)).text();

describe.each([
  ["/", ""],
  ["/a/prefix", "/a/prefix"],
])("a class behind a router at %s", (_, prefix) => {
  it("answers GET /calc/41 with 42 and POST /calc/41 with 40", async () => {
    expect([await textOf(`${prefix}/calc/41`), await textOf(`${prefix}/calc/41`, { method: "POST" })]).toEqual(["42", "40"]);
  });

  it("has its documentation where its router has it, mounted below another as well", async () => {
    expect([await textOf(`${prefix}/docs`), await textOf(`${prefix}/sub/docs`)]).toEqual(["docs", "docs"]);
    expect(await (await server.fetch(`${prefix}/openapi.json`)).json()).toEqual({ openapi: "3.1.0" });
  });

  it("passes what it has no route for through its middleware", async () => {
    const response = await server.fetch(`${prefix}/nowhere`);
    expect([response.status, response.headers.get("x-middleware")]).toEqual([404, "was here"]);
  });
});

describe("a class behind a router", () => {
  it("can be called by handle", async () => {
    const handle = server.handle<typeof calculator>("root");
    expect([await handle.add.remote(41), await handle.subtract.remote(41)]).toEqual([42, 40]);
  });

  it("answers 422 when a handler refuses a path parameter with that status", async () => {
    const response = await server.fetch("/typed/calc/not-a-number");
    expect([response.status, await response.text()]).toEqual([422, "n must be an integer, got not-a-number"]);
    expect(await textOf("/typed/calc/41")).toBe("42");
  });

  it("answers with its own error handler", async () => {
    const response = await server.fetch("/fails");
    expect([response.status, await response.json()]).toEqual([500, { error: "custom error" }]);
  });

  it("runs a background task after the answer", async () => {
    const done = server.handle<typeof app>("signals").wait.remote("background");
    expect(await textOf("/background")).toBe("answered");
    await done;
  });

  it("sends CORS headers", async () => {
    const response = await server.fetch("/calc/41", { headers: { origin: "http://app.test" } });
    expect(response.headers.get("access-control-allow-origin")).toBe("http://app.test");
    const asking = { origin: "http://app.test", "access-control-request-method": "GET" };
    const preflight = await server.fetch("/calc/41", { method: "OPTIONS", headers: asking });
    expect([preflight.status, preflight.headers.get("access-control-allow-origin")]).toEqual([204, "http://app.test"]);
  });

  it("keeps both of two cookies", async () => {
    expect((await server.fetch("/cookies")).headers.getSetCookie()).toEqual(["a=1", "b=2"]);
  });
});

it("lets two deployments share a router, each with its own instance", async () => {
  expect([await textOf("/first/who"), await textOf("/second/who")]).toEqual(["first", "second"]);
});

it("takes anything that has fetch for a router", async () => {
  expect(await textOf("/bare")).toBe("GET 42");
});
