import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type Server } from "edge-serve/testing";
import type { app, http } from "./apps/batching.ts";

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/apps/batching.yaml", { quiet: true });
});
afterAll(() => server.stop());

const front = () => server.handle<typeof app>();
const model = () => server.handle<typeof http>("http");
const batches = async () => (await front().ran.remote()).ran.map(({ items }) => items);

describe("a batched class field, through a handle", () => {
  it("runs calls of several requests in one batch, by the wait that reconfigure set", async () => {
    expect(await front().all.remote(["a", "b"])).toEqual(["A", "B"]);
    expect(await batches()).toContainEqual(["a", "b"]);
    expect((await front().ran.remote()).predict).toMatchObject({ limits: { maxBatchSize: 4, batchWaitTimeoutMs: 200 } });
  });

  it("splits what is more than a batch, and answers everybody", async () => {
    const texts = Array.from({ length: 37 }, (_, n) => `t${n}`);
    expect(await front().all.remote(texts)).toEqual(texts.map((text) => text.toUpperCase()));
    expect(Math.max(...(await batches()).map(({ length }) => length))).toBe(4);
  });

  it("rejects the caller whose result is an error, and all callers when it throws", async () => {
    expect(await front().all.remote(["ok", "error", "x", "y"])).toEqual(["OK", "TypeError: own", "X", "Y"]);
    expect(await front().all.remote(["a", "throw", "b", "c"])).toEqual(Array(4).fill("RangeError: thrown"));
    expect(await front().all.remote(["1", "2", "3", "4"])).toEqual(["1", "2", "3", "4"]);
  });

  it("logs from inside a batch with the replica and a caller's request id", async () => {
    await front().all.remote(["logged"]);
    const line = await server.waitForLog(({ message, fields }) => message === "ran a batch" && fields["app"] === "default");
    expect(line.fields).toMatchObject({ deployment: "Model", replica: "default/Model/-/0.0", requestId: expect.stringMatching(/./) });
  });

  it("streams to each caller its own part", async () => {
    expect(await front().counts.remote(3, 5)).toEqual([
      [0, 1, 2],
      [0, 1, 2, 3, 4],
    ]);
  });

  it("goes on for the others when a caller leaves its loop", async () => {
    const { cleanedUp } = await front().ran.remote();
    expect(await front().leaveLoop.remote()).toEqual([3, 20]);
    await expect.poll(async () => (await front().ran.remote()).cleanedUp).toBe(cleanedUp + 1);
  });
});

describe("a caller that leaves", () => {
  it("while its batch runs does not cancel what the batch calls for the others", async () => {
    expect(await front().relayAndLeave.remote()).toEqual(["RequestCancelledError", "echo second"]);
  });

  it("first, by closing its connection, takes neither the timer nor the batch of the others with it", async () => {
    const gone = new AbortController();
    const first = server.fetch("/http/predict?text=first", { signal: gone.signal }).catch((error: Error) => error.name);
    await expect.poll(async () => (await model().ran.remote()).predict.queued).toBe(1);
    const others = ["second", "third"].map(async (text) => (await server.fetch(`/http/predict?text=${text}`)).text());
    gone.abort();
    expect(await first).toBe("AbortError");
    expect(await Promise.all(others)).toEqual(["SECOND", "THIRD"]);
    const { ran, predict } = await model().ran.remote();
    expect(ran.flatMap(({ items }) => items).toSorted()).toEqual(["second", "third"]);
    expect(predict).toMatchObject({ queued: 0, running: 0, dropped: 1 });
  });
});

describe("a deployment that is a batched function", () => {
  it("has a queue in each replica, although replicas share the module", async () => {
    const texts = await Promise.all(Array.from({ length: 12 }, async (_, n) => (await server.fetch(`/fn/${n}`)).text()));
    const seen = texts.map((text) => text.split(" "));
    expect(seen.map(([path]) => path)).toEqual(Array.from({ length: 12 }, (_, n) => `/${n}`));
    const replicas = Map.groupBy(seen, ([, , replica]) => replica!);
    expect([...replicas.keys()].toSorted()).toEqual(["fn/upper/-/0.0", "fn/upper/-/1.0"]);
    for (const answers of replicas.values())
      for (const [, size] of answers) expect(Number(size)).toBeLessThanOrEqual(Math.min(10, answers.length));
  });
});
