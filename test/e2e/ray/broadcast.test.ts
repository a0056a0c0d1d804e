/** Ray Serve's test_broadcast.py, translated. */
import { serve, type Server } from "edge-serve/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { three } from "./apps/broadcast.ts";

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/ray/apps/broadcast.yaml", { quiet: true });
});
afterAll(() => server.stop());

const driver = (app: "one" | "two" | "three") => server.handle<typeof three>(app);
const fulfilled = <T>(...values: T[]) => values.map((value) => ({ status: "fulfilled", value }));

it("reaches 3 replicas, each once", async () => {
  const settled = await driver("three").who.remote();
  expect(new Set(settled.map((one) => one.status === "fulfilled" && one.value)).size).toBe(3);
});

it("gives the arguments to both of 2 replicas", async () => {
  expect(await driver("two").add.remote(1, 2)).toEqual(fulfilled(3, 3));
});

it("resets the state of every replica", async () => {
  expect(await driver("three").reset.remote()).toEqual([fulfilled(7, 7, 7), fulfilled(0, 0, 0)]);
});

it("works with a single replica", async () => {
  expect(await driver("one").ping.remote()).toEqual(fulfilled("pong"));
});

it("works on a deployment that streams as well, and gives a stream per replica for a generator", async () => {
  expect(await driver("two").besideStreams.remote()).toEqual(["fulfilled", "fulfilled", [1], [1]]);
});

it("settles with one error per replica when the method fails", async () => {
  expect(await driver("two").fail.remote()).toEqual(["true intentional failure", "true intentional failure"]);
});

it("ends after 0.5 s with a RequestTimeoutError when a replica is slow, and stops every replica", async () => {
  expect(await driver("two").slow.remote(500)).toBe("true");
  for (const ordinal of [0, 1])
    await server.waitForLog(({ message, replica }) => message === "slow was stopped" && replica === `two/Target/-/${ordinal}.0`);
});
