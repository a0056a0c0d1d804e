import { beforeEach, describe, expect, it } from "vitest";
import { decodeErrorText, decodeResult } from "../../../src/tasks/payload.ts";
import { ended, enqueue, freshWorld, started, status, thrown, world } from "./driver.ts";
import { type Manner, settled } from "./world.ts";

beforeEach(freshWorld);

describe("a task", () => {
  it("waits, runs, and has its result", async () => {
    await enqueue("a");
    expect(await status("a")).toEqual({
      id: "a", app: "app", deployment: "Mail", method: "send", state: "PENDING", attempts: 0, createdAt: world.nowMs, nextAttemptAt: world.nowMs,
    }); // prettier-ignore
    await world.pass(0);
    expect(await status("a")).toMatchObject({ state: "RUNNING", attempts: 1, startedAt: world.nowMs });
    await world.pass(5);
    await ended("a", { kind: "value", value: new Map([[1, 2]]) });
    expect(await status("a")).toMatchObject({ state: "SUCCEEDED", attempts: 1, finishedAt: world.nowMs });
    const outcome = await world.shard.outcome("a", 0);
    expect(decodeResult(outcome!.result!)).toEqual(new Map([[1, 2]]));
    expect(world.store.payload("a", "arguments")).toBeUndefined();
  });

  it("that is enqueued again with its id is the same", async () => {
    expect([await enqueue("a"), await enqueue("a")]).toEqual(["a", "a"]);
    await world.pass(0);
    expect(world.runs.size).toBe(1);
  });

  it("is the one that has the identity already, also when that one is finished, until its time is over", async () => {
    const identity = "k";
    await started("a", { identity });
    expect(await enqueue("b", { identity })).toBe("a");
    await ended("a", { kind: "value", value: 1 });
    expect(await enqueue("c", { identity })).toBe("a");
    expect(await enqueue("d", { identity: "other" })).toBe("d");
    await world.pass(world.options.retentionMs);
    expect(await enqueue("e", { identity })).toBe("e");
    expect(await world.shard.status("a")).toBeUndefined();
  });

  it("waits for its delay", async () => {
    await enqueue("a", { delayMs: 5000 });
    await world.pass(4999);
    expect(world.run("a")).toBeUndefined();
    await world.pass(1);
    expect(world.run("a")).toBeDefined();
  });

  it("that throws is tried again, later each time, and has failed after the last attempt with its error", async () => {
    world.options = { ...world.options, maxAttempts: 3, backoffMs: 1000 };
    await started("a");
    await ended("a", thrown(new RangeError("first")));
    expect(await status("a")).toMatchObject({
      state: "PENDING",
      attempts: 1,
      nextAttemptAt: world.nowMs + 1000,
      error: { name: "RangeError", message: "first" },
    });
    await world.pass(999);
    expect(world.run("a")).toBeUndefined();
    await world.pass(1);
    expect(world.run("a")).toMatchObject({ attempt: 2 });
    await ended("a", thrown("second"));
    expect(await status("a")).toMatchObject({ nextAttemptAt: world.nowMs + 2000, error: { name: "Error", message: "second" } });
    await world.pass(2000);
    await ended("a", thrown(new TypeError("third")));
    expect(await status("a")).toMatchObject({ state: "FAILED", attempts: 3, error: { name: "TypeError", message: "third" } });
    expect(decodeErrorText((await world.shard.outcome("a", 0))!.result!)).toMatchObject({
      kind: "error",
      builtin: "TypeError",
      message: "third",
    });
    await world.pass(1e6);
    expect(world.begun.get("a")).toBe(3);
  });

  class Fatal extends Error {}
  (Fatal.prototype as unknown as { retryable: boolean }).retryable = false;
  it.each<[string, unknown, "FAILED" | "PENDING"]>([
    ["says so itself", Object.assign(new Error("x"), { retryable: false }), "FAILED"],
    ["says so by its class", new Fatal("x"), "FAILED"],
    ["is no Error and says so", { retryable: false }, "FAILED"],
    ["says something else", Object.assign(new Error("x"), { retryable: 0 }), "PENDING"],
    ["says that it is", Object.assign(new Error("x"), { retryable: true }), "PENDING"],
    ["is nothing", undefined, "PENDING"],
    ["is null", null, "PENDING"],
  ])("is over at once when the error is not retryable: one that %s", async (_, error, state) => {
    await started("a");
    await ended("a", thrown(error));
    expect((await status("a")).state).toBe(state);
  });

  it.each<[string, unknown, string]>([
    ["a function", () => {}, '"Mail.send"'],
    ["a stream deep in it", { a: [new ReadableStream()] }, ".a[0]"],
    ["a response", new Response("x"), "The result"],
    ["more than 1 MiB", "x".repeat(1_048_577), "1 MiB"],
    ["more than 1 MiB of UTF-8", "\u20ac".repeat(400_000), "1 MiB"],
  ])("whose result cannot be stored has failed, without another attempt: %s", async (_, value, words) => {
    await started("a");
    world.run("a")!.end({ kind: "value", value });
    await new Promise((resolve) => setImmediate(resolve));
    expect(await status("a")).toMatchObject({ state: "FAILED", attempts: 1, error: { name: "SerializationError" } });
    expect((await status("a")).error!.message).toContain(words);
  });

  it.each<[Manner, string]>([["refuses", "full queues"], ["is gone", "no replica"]])(
    "that no replica takes is no attempt, keeps its place, and is sent again: %s",
    async (manner) => {
      world.manner = manner;
      await enqueue("a");
      await world.pass(30_000);
      expect(await status("a")).toMatchObject({ state: "PENDING", attempts: 0, nextAttemptAt: 1_000_000 });
      expect(await status("a")).not.toHaveProperty("startedAt");
      world.manner = "runs";
      await world.pass(13_000);
      expect(world.run("a")).toMatchObject({ attempt: 1 });
    },
  ); // prettier-ignore

  it("does not end its life in a queue: the deadline is the attempt's, from when it is sent", async () => {
    world.manner = "waits";
    await enqueue("a");
    await world.pass(10 * world.options.timeoutMs);
    expect(await status("a")).toMatchObject({ state: "PENDING", attempts: 0 });
    for (const next of world.queue) next();
    await settled();
    expect(await status("a")).toMatchObject({ state: "RUNNING", attempts: 1, startedAt: world.nowMs });
    await world.pass(world.options.timeoutMs - 1);
    expect(world.run("a")!.isStopped).toBe(false);
  });

  it("whose deployment or method is gone has failed, and can be retried", async () => {
    world.manner = "has no method";
    await enqueue("a");
    await world.pass(0);
    expect(await status("a")).toMatchObject({ state: "FAILED", attempts: 0, error: { message: "There is no such method." } });
    world.manner = "runs";
    expect(await world.shard.retry("a")).toBe(true);
    await world.pass(0);
    expect(world.run("a")).toMatchObject({ attempt: 1 });
  });

  it("that runs out of time is stopped, and tried again when its attempt has ended", async () => {
    await started("a");
    await world.pass(world.options.timeoutMs);
    expect(world.run("a")!.isStopped).toBe(true);
    expect(await status("a")).toMatchObject({ state: "PENDING", attempts: 1, error: { name: "RequestTimeoutError" } });
    await world.pass(30_000);
    expect(world.begun.get("a")).toBe(1);
    await ended("a", { kind: "value", value: "too late" });
    expect((await status("a")).state).toBe("PENDING");
    await world.pass(0);
    expect(world.run("a")).toMatchObject({ attempt: 2 });
  });

  it("whose attempt ignores its signal overtakes it after another deadline, and says so; its outcome is dropped", async () => {
    const first = await started("a");
    await world.pass(2 * world.options.timeoutMs - 1);
    expect([world.begun.get("a"), world.overtaken.size]).toEqual([1, 0]);
    await world.pass(1);
    expect([world.begun.get("a"), world.overtaken.size]).toEqual([2, 1]);
    first.end({ kind: "value", value: "first" });
    await settled();
    expect(await status("a")).toMatchObject({ state: "RUNNING", attempts: 2 });
    await ended("a", { kind: "value", value: "second" });
    expect(decodeResult((await world.shard.outcome("a", 0))!.result!)).toBe("second");
  });

  it("that is lost with its replica is an attempt, and is tried again", async () => {
    const { place } = await started("a");
    world.kill(place.replica);
    await settled();
    await world.pass(0);
    expect(await status("a")).toMatchObject({ state: "PENDING", attempts: 1, error: { name: "ReplicaUnavailableError" } });
    await world.pass(1000);
    expect(world.run("a")).toMatchObject({ attempt: 2 });
  });

  it("whose answer was lost is waited for where it runs, and its outcome counts", async () => {
    world.manner = "answer is lost";
    await started("a");
    await world.pass(20_000);
    expect([world.begun.get("a"), (await status("a")).state]).toEqual([1, "RUNNING"]);
    await ended("a", { kind: "value", value: 5 });
    expect((await status("a")).state).toBe("SUCCEEDED");
  });

  it("whose replica cannot be asked is not begun beside it, until another deadline has passed", async () => {
    world.manner = "answer is lost";
    world.isCutOff = true;
    await started("a");
    world.manner = "runs";
    await world.pass(2 * world.options.timeoutMs - 1);
    expect(world.begun.get("a")).toBe(1);
    await world.pass(1);
    expect([world.begun.get("a"), world.overtaken.size]).toEqual([2, 1]);
  });
});

describe("a replica that never says that an attempt has ended", () => {
  it("does not keep the next attempt, lost as well, from being asked for", async () => {
    world.manner = "answer is lost";
    world.isSilent = true;
    await started("a");
    await world.pass(2 * world.options.timeoutMs);
    expect(world.begun.get("a")).toBe(2);
    await settled();
    for (const run of world.runs) run.end({ kind: "value", value: 1 });
    world.crash();
    world.manner = "runs";
    await world.pass(15_000);
    expect(world.run("a")).toMatchObject({ attempt: 3 });
  });
});

describe("cancelling a task", () => {
  it("that waits: it never runs", async () => {
    await enqueue("a", { delayMs: 1000 });
    expect(await world.shard.cancel("a")).toBe(true);
    await world.pass(100_000);
    expect(await status("a")).toMatchObject({ state: "CANCELLED", attempts: 0 });
    expect(world.begun.size).toBe(0);
  });

  it("that waits in a replica's queue: it leaves the queue and never runs", async () => {
    world.manner = "waits";
    await enqueue("a");
    await world.pass(0);
    expect(world.queue.size).toBe(1);
    expect(await world.shard.cancel("a")).toBe(true);
    await settled();
    expect(world.queue.size).toBe(0);
    await world.pass(100_000);
    expect([world.begun.size, (await status("a")).state]).toEqual([0, "CANCELLED"]);
  });

  it("that runs: its signal aborts, and what it returns is dropped", async () => {
    await started("a");
    expect(await world.shard.cancel("a")).toBe(true);
    await settled();
    expect(world.run("a")!.isStopped).toBe(true);
    await ended("a", { kind: "value", value: 1 });
    expect(await world.shard.outcome("a", 0)).toEqual({ state: "CANCELLED" });
  });

  it("that is finished, or that there is not, says so", async () => {
    await started("a");
    await ended("a", { kind: "value", value: 1 });
    expect([await world.shard.cancel("a"), await world.shard.cancel("nobody")]).toEqual([false, undefined]);
    expect((await status("a")).state).toBe("SUCCEEDED");
  });
});

describe("retrying a task", () => {
  it("begins again with no attempts, and not before the last attempt has ended", async () => {
    await started("a");
    await world.shard.cancel("a");
    expect(await world.shard.retry("a")).toBe(true);
    await world.pass(1000);
    expect(await status("a")).toMatchObject({ state: "PENDING", attempts: 0 });
    expect(await status("a")).not.toHaveProperty("finishedAt");
    await ended("a", { kind: "value", value: "dropped" });
    await world.pass(0);
    expect(world.run("a")).toMatchObject({ attempt: 1 });
    await ended("a", { kind: "value", value: "kept" });
    expect(decodeResult((await world.shard.outcome("a", 0))!.result!)).toBe("kept");
  });

  it("is refused unless it is FAILED or CANCELLED", async () => {
    await enqueue("a");
    expect(await world.shard.retry("a")).toBe(false);
    await world.pass(0);
    expect(await world.shard.retry("a")).toBe(false);
    await ended("a", { kind: "value", value: 1 });
    expect([await world.shard.retry("a"), await world.shard.retry("nobody")]).toEqual([false, undefined]);
  });
});
