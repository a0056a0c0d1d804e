/** Ray Serve's test_http_cancellation.py, translated. */
import { serve, type Server } from "edge-serve/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { app } from "./apps/signals.ts";

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/ray/apps/cancellation.yaml", { quiet: true });
});
afterAll(() => server.stop());

const signals = () => server.handle<typeof app>("signals");
const logged = (message: string, of: string) => server.waitForLog((line) => line.message === message && line.fields["of"] === of);

it("stops the handler and the call that it made when the client gives up", async () => {
  const gone = new AbortController();
  const answer = server.fetch("/plain/gives-up", { signal: gone.signal });
  await signals().whenWaiting.remote("gives-up", 1);
  gone.abort();
  await expect(answer).rejects.toThrow();
  await logged("outer stopped", "gives-up");
  await logged("inner stopped", "gives-up");
  await signals().whenWaiting.remote("gives-up", 0);
});

it("stops the call that a router's handler made when the client disconnects", async () => {
  const gone = new AbortController();
  const answer = server.fetch("/routed/disconnects", { signal: gone.signal });
  await signals().whenWaiting.remote("disconnects", 1);
  gone.abort();
  await expect(answer).rejects.toThrow();
  await logged("inner stopped", "disconnects");
});

it("never runs a request whose client disconnects while it waits for a replica", async () => {
  const running = server.fetch("/queue/runs");
  await signals().whenWaiting.remote("runs", 1);
  const gone = new AbortController();
  // The queue has one place: one of the two waits in it, whichever came first, and the other is refused.
  const two = [1, 2].map(() => server.fetch("/queue/waits", { signal: gone.signal }));
  expect((await Promise.race(two)).status).toBe(503);
  gone.abort();
  await expect(Promise.all(two)).rejects.toThrow();
  const statusOf = (path: string) => server.fetch(path, { signal: AbortSignal.timeout(500) }).then(({ status }) => status, String);
  await expect.poll(() => statusOf("/queue/probe")).not.toBe(503);
  await signals().send.remote("runs");
  await signals().send.remote("after");
  expect(await (await running).text()).toBe("ok");
  expect(await (await server.fetch("/queue/after")).text()).toBe("ok");
  expect(await signals().begun.remote("waits")).toBe(0);
});

it("does not stop a call that the constructor made when the client of a request that awaits it disconnects", async () => {
  const gone = new AbortController();
  const answer = server.fetch("/plain/started", { signal: gone.signal });
  await server.waitForLog(({ message }) => message === "waits for what the constructor started");
  gone.abort();
  await expect(answer).rejects.toThrow();
  await signals().send.remote("from the constructor");
  await logged("inner finished", "from the constructor");
  expect(await (await server.fetch("/plain/started")).text()).toBe("ok");
});
