/** Ray Serve's test_handle_1.py, translated. */
import { serve, type Server } from "edge-serve/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { app } from "./apps/handle.ts";
import type { app as signals } from "./apps/signals.ts";

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/ray/apps/handle.yaml", { quiet: true });
});
afterAll(() => server.stop());

const driver = () => server.handle<typeof app>();

it("names a method that does not exist and those that do, awaited and by result()", async () => {
  const message = 'true No method "does_not_exist" on deployment "OnlyExists". It has: exists.';
  expect(await driver().missing.remote()).toEqual([message, message]);
});

it("keeps deployment and methods when options are chained", async () => {
  expect(await driver().chained.remote()).toEqual(["method_a", "method_b", "method_a"]);
});

it("gives one object for 100 calls of getAppHandle, and one for 100 of getDeploymentHandle", async () => {
  expect(await driver().sameHandles.remote()).toEqual([true, true]);
});

it("passes one response, not there yet, to two calls", async () => {
  const results = driver().responsesAsArguments.remote("r1");
  const gate = server.handle<typeof signals>("signals");
  await gate.whenWaiting.remote("r1", 1);
  await gate.send.remote("r1");
  expect(await results).toEqual(["((r1))", "((r1))"]);
});

it("calls a function with its argument", async () => {
  expect(await driver().greet.remote("sned")).toBe("Hi sned");
});

it("calls through a handle that was passed to another deployment", async () => {
  expect(await driver().passed.remote()).toBe("hello");
});
