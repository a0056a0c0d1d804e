import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { batch } from "../../../src/batching/batch.ts";
import { RequestTimeoutError } from "../../../src/protocol/errors.ts";
import { caller, gone, held, outcome, pass } from "../../support/batched.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a caller that is cancelled", () => {
  it("is told why, and its item is in no batch", async () => {
    const { call, batches, letGo } = held({ batchWaitTimeoutMs: 50 });
    const [a, b, c] = [caller(), caller(), caller()];
    const results = [a.in(() => call("a")), b.in(() => call("b")), c.in(() => call("c"))].map(outcome);
    await pass(10);
    a.abort();
    expect(await results[0]).toBe(gone);
    await pass(40);
    expect(batches).toEqual([["b", "c"]]);
    letGo();
    expect(await Promise.all(results)).toEqual([gone, "b", "c"]);
    expect(b.in(() => call.stats)).toMatchObject({ dropped: 1, items: 2 });
  });

  it("leaves nothing to do if it was the only one: no call, no timer", async () => {
    const { call, batches } = held({ batchWaitTimeoutMs: 50 });
    const only = caller();
    const result = outcome(only.in(() => call("a")));
    await pass(10);
    only.abort();
    await pass(0);
    expect([await result, vi.getTimerCount()]).toEqual([gone, 0]);
    await pass(100);
    expect(batches).toEqual([]);
  });

  it("before it calls is told at once", async () => {
    const { call, batches } = held({ batchWaitTimeoutMs: 0 });
    const late = caller();
    late.abort();
    expect(await outcome(late.in(() => call("a")))).toBe(gone);
    expect(batches).toEqual([]);
  });

  it("while its batch waits for a slot makes room for the next", async () => {
    const { call, batches, letGo } = held({ maxBatchSize: 2, batchWaitTimeoutMs: 0 });
    const callers = Array.from({ length: 6 }, () => caller());
    const results = callers.map((one, n) => outcome(one.in(() => call(String(n)))));
    await pass(0);
    callers[2]!.abort();
    letGo();
    await pass(0);
    letGo();
    await pass(0);
    letGo();
    await Promise.all(results);
    expect(batches).toEqual([["0", "1"], ["3", "4"], ["5"]]);
  });

  it("while its batch runs is told at once, and the others get their results", async () => {
    const { call, letGo } = held({ maxBatchSize: 2 });
    const [a, b] = [caller(), caller()];
    const results = [a.in(() => call("a")), b.in(() => call("b"))].map(outcome);
    await pass(0);
    a.abort();
    expect(await results[0]).toBe(gone);
    letGo();
    expect(await results[1]).toBe("b");
  });

  it("and all others with it does not wedge the queue", async () => {
    const { call, batches, letGo } = held({ maxBatchSize: 2 });
    const first = [caller(), caller()];
    const left = first.map((one) => outcome(one.in(() => call("left"))));
    await pass(0);
    for (const one of first) one.abort();
    await Promise.all(left);
    const next = [caller(), caller()].map((one) => one.in(() => call("next")));
    await pass(0);
    expect(batches).toHaveLength(1);
    letGo();
    await pass(0);
    letGo();
    expect(await Promise.all(next)).toEqual(["next", "next"]);
  });

  it("takes its part of a stream with it, and the generator goes on for the others", async () => {
    const call = batch(
      async function* (texts: string[]) {
        for (let n = 0; n < 3; n++) {
          yield texts.map((text) => text + n);
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      },
      { maxBatchSize: 2 },
    );
    const [a, b] = [caller(), caller()];
    const all = async (stream: AsyncIterable<string>) => {
      const values: unknown[] = [];
      try {
        for await (const value of stream) values.push(value);
      } catch (error) {
        values.push(error);
      }
      return values;
    };
    const results = [all(a.in(() => call("a"))), all(b.in(() => call("b")))];
    await pass(15);
    a.abort();
    await pass(50);
    expect(await Promise.all(results)).toEqual([
      ["a0", "a1", gone],
      ["b0", "b1", "b2"],
    ]);
  });
});

describe("a deadline", () => {
  it("that passed while the item waited keeps it out of the batch", async () => {
    const { call, batches } = held({ batchWaitTimeoutMs: 50 });
    const late = outcome(caller({ deadline: Date.now() + 20 }).in(() => call("late")));
    void caller().in(() => call("in time"));
    await pass(50);
    expect(await late).toBeInstanceOf(RequestTimeoutError);
    expect(batches).toEqual([["in time"]]);
  });
});
