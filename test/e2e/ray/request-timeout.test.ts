/** Ray Serve's test_request_timeout.py, translated. */
import { serve, type Server } from "edge-serve/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { counts } from "./apps/request-timeout.ts";
import type { app } from "./apps/signals.ts";

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/ray/apps/request-timeout.yaml", { quiet: true });
});
afterAll(() => server.stop());

const signals = () => server.handle<typeof app>("signals");
const statusOf = async (path: string) => (await server.fetch(path)).status;

// The ingress and the handle of the call that is waited for both keep the clock; either may be first.
const TIMED_OUT = /timed out after|deadline has passed/;

it("answers 408 after 0.1 s to a request that takes 10 s", async () => {
  const response = await server.fetch("/short/ten-seconds", { headers: { "x-request-id": "r1" } });
  expect([response.status, await response.text()]).toEqual([408, expect.stringMatching(TIMED_OUT)]);
});

it("answers 408 after the 1 s of http_options, and 200 to the next request, which is in time", async () => {
  const response = await server.fetch("/waits/config", { headers: { "x-request-id": "r2" } });
  expect([response.status, await response.text()]).toEqual([408, expect.stringMatching(TIMED_OUT)]);
  await signals().send.remote("config");
  await expect.poll(async () => (await server.fetch("/waits/config")).text()).toBe("Success!");
});

it("answers 408 to a running request and to one that waits behind it, and 200 to a later one", async () => {
  expect(await Promise.all([statusOf("/one/queued"), statusOf("/one/queued")])).toEqual([408, 408]);
  await signals().send.remote("queued");
  await expect.poll(() => statusOf("/one/queued")).toBe(200);
});

it("answers 408 to 10 hung requests, and leaves none of them behind", async () => {
  const statuses = await Promise.all(Array.from({ length: 10 }, () => statusOf("/half/hung")));
  expect(statuses).toEqual(Array.from({ length: 10 }, () => 408));
  await signals().whenWaiting.remote("hung", 0);
});

it.each(["plain", "routed"])("cancels the child call of a %s deployment's request", async (parent) => {
  // Started, so that half a second is enough to reach the child.
  await signals().send.remote("start");
  await expect.poll(() => statusOf(`/${parent}/start`)).toBe(200);
  const answer = statusOf(`/${parent}/child-of-${parent}`);
  await signals().whenWaiting.remote(`child-of-${parent}`, 1);
  expect(await answer).toBe(408);
  await signals().whenWaiting.remote(`child-of-${parent}`, 0);
});

it("never gives a request to the replica whose time ran out in the queue: the counter goes on with 2 to 11", async () => {
  const first = server.handle<typeof counts>("counts").hold.remote("first");
  await signals().whenWaiting.remote("first", 1);
  expect(await Promise.all([statusOf("/counts"), statusOf("/counts")])).toEqual([408, 408]);
  await signals().send.remote("first");
  expect(await first).toBe(1);
  const counted: string[] = [];
  for (let n = 0; n < 10; n++) counted.push(await (await server.fetch("/counts")).text());
  expect(counted).toEqual(["2", "3", "4", "5", "6", "7", "8", "9", "10", "11"]);
});

it("breaks the connection of a stream that has begun and waits for a call, after its first chunk", async () => {
  const response = await server.fetch("/chunks/stream");
  expect(response.status).toBe(200);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  expect(await reader.read()).toEqual({ done: false, value: "generated 0" });
  await expect(reader.read()).rejects.toThrow();
  await signals().whenWaiting.remote("stream", 0);
});

it.each(["local-chunks", "own-stream"])(
  "breaks the connection of a stream that waits for no call, after its first chunk: %s",
  async (path) => {
    const response = await server.fetch(`/${path}`);
    expect(response.status).toBe(200);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toBe("generated 0");
    await expect(reader.read()).rejects.toThrow();
  },
);
