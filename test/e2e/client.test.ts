import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect, DeploymentUnavailableError, MethodNotFoundError, RequestCancelledError, RequestTimeoutError } from "edge-serve/client";
import { serve, type Server } from "edge-serve/testing";
import type { app } from "./apps/client.ts";
import { rejectionOf } from "../support/rejection.ts";

const TOKEN = "open sesame";
let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/apps/client.yaml", { token: TOKEN, quiet: true });
});
afterAll(() => server.stop());

const numbers = (token = TOKEN, name = "open") => connect<typeof app>(server.url, { token, app: name });

describe("an application that says rpc: true, called from outside", () => {
  it("gives results for arguments of any kind that can cross", async () => {
    expect(await numbers().remote(new Map(Object.entries({ a: 1, b: 2 })))).toBe(3);
    expect(await numbers().half.remote(84)).toBe(42);
  });

  it("throws what the method threw, and edge-serve's own errors as their classes", async () => {
    expect(await rejectionOf(numbers().half.remote(3))).toMatchObject({ name: "OddError", message: "3 is odd", value: 3 });
    expect(await rejectionOf(numbers().half.remote(3))).toBeInstanceOf(RangeError);
    const untyped = connect<Record<"nope", () => void>>(server.url, { token: TOKEN, app: "open" });
    expect(await rejectionOf(untyped.nope.remote())).toBeInstanceOf(MethodNotFoundError);
  });

  it("streams, and stops the generator when its loop is left", async () => {
    const seen: number[] = [];
    for await (const value of numbers().count.remote()) {
      seen.push(value);
      if (value === 5) break;
    }
    expect(seen).toEqual([1, 2, 3, 4, 5]);
    await server.waitForLog(({ message }) => message === "counting stopped");
  });

  it("calls every replica", async () => {
    const replicas = await numbers().who.broadcast();
    expect(replicas.map((replica) => (replica.status === "fulfilled" ? replica.value : replica.reason)).toSorted()).toEqual([
      "open/Numbers/-/0.0",
      "open/Numbers/-/1.0",
    ]);
  });

  it("is stopped by cancel(), and by its deadline", async () => {
    const response = numbers().wait.remote();
    await expect.poll(async () => (await numbers().options({ timeoutMs: 5000 }).who.remote()).length).toBeGreaterThan(0);
    response.cancel();
    expect(await rejectionOf(response)).toBeInstanceOf(RequestCancelledError);
    await server.waitForLog(({ message }) => message === "waiting stopped");
    expect(await rejectionOf(numbers().options({ timeoutMs: 50 }).wait.remote())).toBeInstanceOf(RequestTimeoutError);
  });
});

describe("a call from outside is refused", () => {
  it.each([
    ["with another token", () => numbers("open says me"), "403: That is not the token."],
    ["with a token that no header can carry", () => numbers("open\nsays me"), "the token has characters"],
    ["by an application that does not say rpc: true, whatever the operator's token opens", () => numbers(TOKEN, "closed"), "403"],
    ["where there is no such application", () => numbers(TOKEN, "nowhere"), "answered 40"],
  ])("%s", async (_, handle, text) => {
    const error = await rejectionOf(handle().half.remote(2));
    expect(error).toBeInstanceOf(DeploymentUnavailableError);
    expect((error as Error).message).toContain(text);
  });

  it("where the system has no token", async () => {
    await using bare = await serve("test/e2e/apps/client.yaml", { quiet: true });
    const error = await rejectionOf(connect<typeof app>(bare.url, { token: "", app: "open" }).half.remote(2));
    expect(error).toMatchObject({ code: "DEPLOYMENT_UNAVAILABLE", message: expect.stringContaining("403") });
  });
});

it("a system that cannot be reached is unavailable, and the cause says why", async () => {
  const error = await rejectionOf(connect<() => string>("http://127.0.0.1:1/", { token: TOKEN }).remote());
  expect(error).toBeInstanceOf(DeploymentUnavailableError);
  expect((error as Error).cause).toBeInstanceOf(TypeError);
});
