import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BackPressureError, RequestCancelledError, RequestTimeoutError } from "edge-serve";
import { serve, type Server } from "edge-serve/testing";
import type { limited, sticky } from "./apps/load.ts";
import { rejectionOf } from "../support/rejection.ts";

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/apps/load.yaml", { quiet: true });
});
afterAll(() => server.stop());

const front = (app: string) => server.handle<typeof limited>(app);
const statsOf = async (app: string) => await front(app).stats.remote();

describe("admission", () => {
  it("never runs more than maxOngoingRequests, under 1,000 calls at once", async () => {
    expect(await front("limited").quickMany.remote(1000, 2)).toBe(5);
    expect(await statsOf("limited")).toMatchObject({ ongoing: 0, ran: 1000 });
  });

  it("refuses over HTTP as the deployment's backpressure says, through a parent", async () => {
    const many = front("tight").holdMany.remote(10);
    await expect.poll(() => rejectionOf(front("tight").hold.remote("one more"))).toBeInstanceOf(BackPressureError);
    const response = await server.fetch("/tight");
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, "2"]);
    expect(await response.text()).toMatch(/^Request dropped due to backpressure: the replica of "Gate" runs 2 requests/);
    many.cancel();
    await rejectionOf(many);
  });

  it("gives callers a BackPressureError with when to come back", async () => {
    const many = front("tight").holdMany.remote(10);
    await expect.poll(() => rejectionOf(front("tight").hold.remote("one more"))).toBeInstanceOf(BackPressureError);
    expect(await rejectionOf(front("tight").hold.remote("one more"))).toMatchObject({
      code: "BACK_PRESSURE",
      status: 429,
      retryAfterMs: 1500,
    });
    many.cancel();
  });

  it("answers 503 and Retry-After when an ingress replica is full, and what it holds is answered afterwards", async () => {
    const held = ["/a", "/b"].map((path) => server.fetch(`/direct${path}`, { signal: AbortSignal.timeout(20_000) }));
    await expect.poll(async () => (await server.fetch("/direct/c")).status).toBe(503);
    const refused = await server.fetch("/direct/c");
    expect([refused.headers.get("retry-after"), refused.headers.has("x-request-id")]).toEqual(["1", true]);
    expect(refused.headers.has("x-edge-serve-refused")).toBe(false);
    const settled = Promise.allSettled(held);
    await server.kill();
    await settled;
    await server.restart();
  });
});

describe("deadlines", () => {
  it("end a call after the deployment's requestTimeoutMs, and stop it", async () => {
    const error = await rejectionOf(front("timed").hold.remote("late"));
    expect(error).toBeInstanceOf(RequestTimeoutError);
    await expect.poll(() => statsOf("timed")).toMatchObject({ ongoing: 0, aborted: 1 });
  });

  it("answer 408 over HTTP, and stop the request", async () => {
    const response = await server.fetch("/late/x", { headers: { "x-request-id": "too-late" } });
    expect([response.status, await response.text()]).toEqual([408, "Request too-late timed out after 0.15s."]);
    await expect.poll(async () => await (await server.fetch("/late/stats")).json()).toMatchObject({ ongoing: 0, aborted: 1 });
  });

  it("come from http_options where a deployment has none", async () => {
    await using slow = await serve("test/e2e/apps/slow.yaml", { quiet: true });
    const response = await slow.fetch("/held", { headers: { "x-request-id": "slow" } });
    expect([response.status, await response.text()]).toEqual([408, "Request slow timed out after 0.2s."]);
  });

  it("reach 408 from a child's deadline too", async () => {
    expect((await server.fetch("/timed")).status).toBe(408);
  });
});

describe("cancellation", () => {
  it("reaches 300 running requests, and leaves no count behind", async () => {
    expect(await front("plain").cancelMany.remote(300)).toEqual(["RequestCancelledError"]);
    await expect.poll(() => statsOf("plain")).toMatchObject({ ongoing: 0 });
  });

  it("reaches the child of a request whose client resets the connection", async () => {
    const { aborted } = await statsOf("plain");
    const gone = new AbortController();
    const answer = server.fetch("/plain", { signal: gone.signal });
    await expect.poll(() => statsOf("plain")).toMatchObject({ ongoing: 1 });
    gone.abort();
    await rejectionOf(answer);
    await expect.poll(() => statsOf("plain")).toMatchObject({ ongoing: 0, aborted: aborted + 1 });
  });

  it("reaches the child of a call that its caller cancels", async () => {
    const { aborted } = await statsOf("plain");
    const call = front("plain").hold.remote("outer");
    await expect.poll(() => statsOf("plain")).toMatchObject({ ongoing: 1 });
    call.cancel();
    expect(await rejectionOf(call)).toBeInstanceOf(RequestCancelledError);
    await expect.poll(() => statsOf("plain")).toMatchObject({ ongoing: 0, aborted: aborted + 1 });
  });

  it("ends the generator behind a stream whose client goes away", async () => {
    const gone = new AbortController();
    const response = await server.fetch("/sticky/stream", { signal: gone.signal, headers: { "x-session-id": "stream" } });
    const reader = response.body!.getReader();
    expect(new TextDecoder().decode((await reader.read()).value)).toContain("item 0");
    gone.abort();
    const stats = async () => await (await server.fetch("/sticky/stats", { headers: { "x-session-id": "stream" } })).json();
    await expect.poll(stats).toMatchObject({ ongoing: 0, aborted: 1 });
  });

  it("ends the generator behind a loop that is left", async () => {
    expect(await front("open").takeThree.remote()).toEqual(["item 0 ", "item 1 ", "item 2 "]);
    await expect.poll(() => statsOf("open")).toMatchObject({ ongoing: 0 });
  });
});

describe("routing", () => {
  it("sends equal keys to the same replica, and different keys to many", async () => {
    const replicas = new Set<number>();
    for (const key of ["a", "b", "c", "d", "e", "f", "g", "h"]) {
      const seen = await front("spread").byKey.remote(key, 10);
      expect(seen).toHaveLength(1);
      replicas.add(seen[0]!);
    }
    expect(replicas.size).toBeGreaterThan(3);
  });

  it("sends one session to one replica over HTTP", async () => {
    const seen = new Set<number>();
    for (let n = 0; n < 10; n++) {
      const response = await server.fetch("/sticky/stats", { headers: { "x-session-id": "ada" } });
      seen.add(((await response.json()) as { ordinal: number }).ordinal);
    }
    expect(seen.size).toBe(1);
  });

  it("asks the application's own router", async () => {
    const ordinals = await Promise.all(Array.from({ length: 10 }, async () => (await front("chosen").stats.remote()).ordinal));
    expect(new Set(ordinals)).toEqual(new Set([3]));
  });

  it("broadcasts by handle from outside", async () => {
    const settled = await server.handle<typeof sticky>("sticky").stats.broadcast();
    expect(settled.map((one) => one.status === "fulfilled" && one.value.ordinal)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });
});
