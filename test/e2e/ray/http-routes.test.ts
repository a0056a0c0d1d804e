/** Ray Serve's test_http_routes.py, translated. */
import { serve, type Server } from "edge-serve/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { app as signals } from "./apps/signals.ts";

const textOf = async (server: Server, path: string) => (await server.fetch(path)).text();

describe("two applications, and one without HTTP", () => {
  let server: Server;
  beforeAll(async () => {
    server = await serve("test/e2e/ray/apps/http-routes-two.yaml");
  });
  afterAll(() => server.stop());

  it("are 2 entries of /-/routes", async () => {
    expect(await (await server.fetch("/-/routes")).json()).toEqual({ "/D1": "app1", "/hello/world": "app2" });
  });

  it("are healthy", async () => {
    const response = await server.fetch("/-/healthz");
    expect([response.status, await response.text()]).toEqual([200, "success"]);
  });

  it("answer under their prefixes, and 404 for an unknown path and for /", async () => {
    expect([await textOf(server, "/D1"), await textOf(server, "/hello/world")]).toEqual(["1", "2"]);
    for (const path of ["/not_exists", "/"]) {
      const response = await server.fetch(path);
      expect([response.status, await response.text()]).toEqual([
        404,
        `Path '${path}' not found. Ping http://${new URL(server.url).host}/-/routes for available routes.`,
      ]);
    }
  });
});

describe("nested prefixes", () => {
  let server: Server;
  beforeAll(async () => {
    server = await serve("test/e2e/ray/apps/http-routes.yaml");
  });
  afterAll(() => server.stop());

  it.each([
    ["/hello", "1"],
    ["/hello/", "1"],
    ["/hello/a", "1"],
    ["/", "2"],
    ["/a", "2"],
    ["/hello2", "2"],
    ["/hello/world", "3"],
    ["/hello/world/", "3"],
    ["/hello/world/again/hi", "hi"],
  ])("send %s to the application with the longest match: %s", async (path, answer) => {
    expect(await textOf(server, path)).toBe(answer);
  });

  it.each([
    ["/subpath/redirect", 1, "/subpath"],
    ["/subpath/redirect2", 2, "/subpath"],
    ["/sub%20p%C3%A4th/redirect", 1, "/sub%20p%C3%A4th"],
    ["/sub päth/redirect2", 2, "/sub%20p%C3%A4th"],
  ])("let %s redirect within its prefix, %i times", async (path, times, prefix) => {
    let redirects = 0;
    let response = await server.fetch(path, { redirect: "manual" });
    for (; response.status === 307; redirects++) {
      response = await server.fetch(new URL(response.headers.get("location")!).pathname, { redirect: "manual" });
    }
    expect([redirects, response.status, await response.text()]).toEqual([times, 200, `hello from ${prefix}`]);
  });

  it("answer 500 without a detail when the handler fails", async () => {
    const response = await server.fetch("/fails/divide");
    expect([response.status, await response.text()]).toEqual([500, "Internal Server Error"]);
  });

  it("answer 502 when the replica is lost while it runs the request", async () => {
    const answer = server.fetch("/fails/die");
    const gate = server.handle<typeof signals>("signals");
    await gate.whenWaiting.remote("die", 1);
    await gate.send.remote("die");
    const response = await answer;
    expect([response.status, await response.text()]).toEqual([502, "Bad Gateway"]);
  });
});
