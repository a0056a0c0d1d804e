import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type Server } from "edge-serve/testing";
import { isInlineSuite, suiteTarget } from "../support/suite-target.ts";

let server: Server;

beforeAll(async () => {
  server = await serve(suiteTarget("routers"), { vars: { GREETING: "hello" }, quiet: true });
});
afterAll(() => server.stop());

const post = (path: string, body: string) => server.fetch(path, { method: "POST", body, headers: { "content-type": "application/json" } });

describe.each(["itty", "hono"])("a class behind %s", (prefix) => {
  it("routes by the path below the prefix, and gives handlers the replica's instance", async () => {
    const response = await server.fetch(`/${prefix}/add/2/3`);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ sum: 5 });
    expect(response.headers.has("x-request-id")).toBe(true);
  });

  it("reads bodies", async () => {
    expect(await (await post(`/${prefix}/echo`, '{"a":1}')).json()).toEqual({ got: { a: 1 } });
  });

  it("answers 404 where there is no route", async () => {
    expect((await server.fetch(`/${prefix}/nowhere`)).status).toBe(404);
  });
});

it("gives Hono the Worker's bindings too", async () => {
  expect(await (await server.fetch("/hono/add/1/1")).json()).toEqual({ sum: 2, greeting: "hello" });
});

it("leaves a router its own error handling", async () => {
  const [itty, hono] = await Promise.all([server.fetch("/itty/fail"), server.fetch("/hono/fail")]);
  expect([itty.status, hono.status]).toEqual([409, 500]);
  expect(await hono.text()).not.toContain("secret detail");
});

it("converts what a router's handler returns, and answers 404 when it returns nothing", async () => {
  const value = await server.fetch("/plain/value");
  expect([value.headers.get("content-type"), await value.text()]).toEqual(["application/json", '{"plain":true}']);
  expect((await server.fetch("/plain/silent")).status).toBe(404);
});

it.skipIf(isInlineSuite())("sends the first chunk of a stream before the last one exists", async () => {
  const response = await server.fetch("/paused");
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  expect(await reader.read()).toEqual({ done: false, value: "first" });
  await server.fetch("/paused/resume");
  expect(await reader.read()).toEqual({ done: false, value: "last" });
  expect((await reader.read()).done).toBe(true);
});
