/** Ray Serve's test_handle_cancellation.py, translated. */
import { BackPressureError, RequestCancelledError } from "edge-serve";
import { serve, type Server } from "edge-serve/testing";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { crowd, plain, single } from "./apps/cancellation.ts";
import type { app } from "./apps/signals.ts";

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/ray/apps/cancellation.yaml", { quiet: true });
});
afterAll(() => server.stop());

const signals = () => server.handle<typeof app>("signals");
const outer = () => server.handle<typeof plain>("plain");
const rejection = (response: PromiseLike<unknown>) =>
  Promise.resolve(response).then(
    () => "resolved",
    (error: unknown) => error,
  );

it("rejects with RequestCancelledError when a running call is cancelled, awaited and by result(), and stops it", async () => {
  expect(await outer().cancelRunning.remote("running")).toEqual(["true RequestCancelledError", "true RequestCancelledError"]);
  await server.waitForLog(({ message, fields }) => message === "inner stopped" && fields["of"] === "running");
});

it("never runs a call that is cancelled while it waits for a replica", async () => {
  const handle = server.handle<typeof single>("single");
  await signals().whenWaiting.remote("from the constructor", 1);
  const waiting = handle.hold.remote("waits");
  // Full: the one that is to be cancelled is in the queue.
  const probe = async () => {
    const one = handle.hold.remote("probe");
    const outcome = await rejection(one.result({ timeoutMs: 500 }));
    one.cancel();
    return outcome;
  };
  await expect.poll(probe).toBeInstanceOf(BackPressureError);
  waiting.cancel();
  expect(await rejection(waiting)).toBeInstanceOf(RequestCancelledError);
  await signals().send.remote("from the constructor");
  expect(await handle.ran.remote()).toBe(1);
});

it("stops a generator that is cancelled after its first item, and ends the loop", async () => {
  expect(await outer().cancelStream.remote("stream")).toEqual(["item 0", "the loop ended"]);
  await server.waitForLog(({ message, fields }) => message === "stream stopped" && fields["of"] === "stream");
});

it.each(["cancel", "leave"] as const)("stops the call that a stream's generator waits for, and runs its finally, on %s", async (how) => {
  const name = `waiting ${how}`;
  const requestId = await outer().endWaitingStream.remote(name, how);
  await signals().whenWaiting.remote(name, 0);
  for (const message of ["listener ran", "stream stopped"]) {
    const { fields } = await server.waitForLog((line) => line.message === message && line.fields["of"] === name);
    expect(fields["in"]).toBe(requestId);
  }
});

it("stops one of two calls, and the other is answered", async () => {
  expect(await outer().cancelOneOfTwo.remote("two")).toEqual(["true RequestCancelledError", "ok"]);
});

it("stops the call that a cancelled call made", async () => {
  const call = outer().hold.remote("nested");
  await signals().whenWaiting.remote("nested", 1);
  call.cancel();
  expect(await rejection(call)).toBeInstanceOf(RequestCancelledError);
  for (const message of ["outer stopped", "inner stopped"])
    await server.waitForLog((line) => line.message === message && line.fields["of"] === "nested");
});

it("has every slot and every place in the queue free after 1,000 cancelled requests", async () => {
  const all = server.handle<typeof crowd>("crowd");
  expect(await all.cancelled.remote("cancelled", 1000)).toEqual({ "true RequestCancelledError": 1000 });
  await expect.poll(() => all.filled.remote(crypto.randomUUID(), 1000)).toEqual({ ok: 1000 });
});
