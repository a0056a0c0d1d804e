import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { batch } from "../../../src/batching/batch.ts";
import { heldEach, outcome, pass, upper } from "../../support/batched.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("batchSizeOf", () => {
  const total = (texts: string[]) => texts.reduce((sum, { length }) => sum + length, 0);

  it("fills batches by size, and an item that does not fit goes first in the next one", async () => {
    const { call, batches } = upper({ maxBatchSize: 5, batchSizeOf: total as never });
    const results = Promise.all(["aa", "bb", "cccc", "d", "ee"].map((text) => call(text)));
    await pass(10);
    expect(await results).toEqual(["AA", "BB", "CCCC", "D", "EE"]);
    expect(batches).toEqual([["aa", "bb"], ["cccc", "d"], ["ee"]]);
  });

  it("begins a batch at once when its next item does not fit", async () => {
    const { call, batches } = upper({ maxBatchSize: 5, batchWaitTimeoutMs: 1000, batchSizeOf: total as never });
    void call("aaa");
    await pass(1);
    void call("bbb");
    await pass(1);
    expect(batches).toEqual([["aaa"]]);
  });

  it("refuses an item that is too large by itself, and no other", async () => {
    const { call } = upper({ maxBatchSize: 5, batchSizeOf: total as never });
    const results = Promise.all(["a", "bbbbbb", "c"].map((text) => outcome(call(text))));
    await pass(10);
    const [a, error, c] = await results;
    expect([a, c]).toEqual(["A", "C"]);
    expect(error).toBeInstanceOf(RangeError);
    expect((error as Error).message).toBe(
      "Size of item is greater than maxBatchSize. batchSizeOf gives 6 for this item alone, and maxBatchSize is 5: " +
        "split the item, or raise maxBatchSize.",
    );
  });

  it("that throws, or gives no number, fails the item that it was asked about", async () => {
    const sizeOf = (texts: string[]) => {
      if (texts.includes("throw")) throw new Error("unmeasured");
      return texts.includes("none") ? Number.NaN : texts.length;
    };
    const { call } = upper({ batchSizeOf: sizeOf as never });
    const results = Promise.all(["a", "throw", "none", "b"].map((text) => outcome(call(text))));
    await pass(10);
    expect(await results).toEqual([
      "A",
      new Error("unmeasured"),
      new TypeError("batchSizeOf must return a number of at least 0, got NaN."),
      "B",
    ]);
  });

  it("takes a column for each parameter", async () => {
    const seen: unknown[] = [];
    const call = batch(async (a: string[], _b: number[]) => a, {
      maxBatchSize: 10,
      batchWaitTimeoutMs: 0,
      batchSizeOf(a, b) {
        seen.push([a, b]);
        return a.length + b.length;
      },
    });
    await call("x", 1);
    expect(seen[0]).toEqual([["x"], [1]]);
  });
});

describe("limits that are set at run time", () => {
  it("count from the next batch", async () => {
    const { call, items, batches } = heldEach({ maxBatchSize: 4, batchWaitTimeoutMs: 0 });
    for (let n = 0; n < 4; n++) void call(n);
    await pass(0);
    call.setMaxBatchSize(2);
    for (let n = 4; n < 8; n++) void call(n);
    batches[0]!.letGo();
    await pass(0);
    expect(items()).toEqual([
      [0, 1, 2, 3],
      [4, 5],
    ]);
  });

  it("count for those who wait already", async () => {
    const { call, items, batches } = heldEach({ maxBatchSize: 4, batchWaitTimeoutMs: 1000 });
    void call(0);
    void call(1);
    await pass(500);
    call.setMaxBatchSize(2);
    await pass(0);
    expect(items()).toEqual([[0, 1]]);
    batches[0]!.letGo();
    void call(2);
    await pass(500);
    call.setBatchWaitTimeoutMs(100);
    await pass(0);
    expect(items()).toEqual([[0, 1], [2]]);
  });

  it("fail an item that waits and has become too large", async () => {
    const { call, batches } = heldEach({
      maxBatchSize: 4,
      batchWaitTimeoutMs: 0,
      batchSizeOf: ((items: number[]) => Math.max(...items)) as never,
    });
    void call(1);
    await pass(0);
    const large = outcome(call(4));
    call.setMaxBatchSize(3);
    batches[0]!.letGo();
    await pass(0);
    expect((await large) as Error).toMatchObject({ name: "RangeError", message: expect.stringContaining("greater than maxBatchSize") });
  });
});
