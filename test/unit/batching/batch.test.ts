import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { batch } from "../../../src/batching/batch.ts";
import { heldEach, outcome, pass, upper } from "../../support/batched.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("a batched function", () => {
  it("runs calls of one turn together, in their order, and gives each caller its result", async () => {
    const { call, batches } = upper({ maxBatchSize: 3 });
    expect(await Promise.all(["a", "b", "c"].map((text) => call(text)))).toEqual(["A", "B", "C"]);
    expect(batches).toEqual([["a", "b", "c"]]);
  });

  it("needs no timer for batches that are full", async () => {
    const { call, batches } = upper({ maxBatchSize: 2, batchWaitTimeoutMs: 10_000_000 });
    const timer = vi.spyOn(globalThis, "setTimeout");
    await Promise.all(Array.from({ length: 10 }, (_, n) => call(String(n))));
    expect(timer).not.toHaveBeenCalled();
    expect(batches.map(({ length }) => length)).toEqual([2, 2, 2, 2, 2]);
  });

  it("runs at once with a size of 1, however long the wait", async () => {
    const { call } = upper({ maxBatchSize: 1, batchWaitTimeoutMs: 1_000_000 });
    expect(await call("a")).toBe("A");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("waits batchWaitTimeoutMs from the oldest call for the batch to fill", async () => {
    const { call, batches } = upper({ maxBatchSize: 10, batchWaitTimeoutMs: 250 });
    const first = call("a");
    await pass(200);
    const second = call("b");
    await pass(49);
    expect(batches).toEqual([]);
    await pass(1);
    expect(await Promise.all([first, second])).toEqual(["A", "B"]);
    expect(batches).toEqual([["a", "b"]]);
  });

  it("begins when the last call arrives, and the timer is gone", async () => {
    const { call, batches } = upper({ maxBatchSize: 10, batchWaitTimeoutMs: 250 });
    const nine = Array.from({ length: 9 }, (_, n) => call(String(n)));
    await pass(50);
    expect([batches.length, vi.getTimerCount()]).toEqual([0, 1]);
    await Promise.all([...nine, call("9")]);
    expect([batches.length, vi.getTimerCount()]).toEqual([1, 0]);
  });

  it("waits for nobody when batchWaitTimeoutMs is 0, but takes those who are there", async () => {
    const { call, batches } = upper({ batchWaitTimeoutMs: 0 });
    const later = async (text: string) => {
      await Promise.resolve();
      return call(text);
    };
    await Promise.all([later("a"), later("b"), later("c")]);
    await call("d");
    expect(batches).toEqual([["a", "b", "c"], ["d"]]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("makes an array of each parameter, also of one that some callers leave out", async () => {
    const seen: unknown[] = [];
    const call = batch(async (texts: string[], limits: (number | undefined)[]) => {
      seen.push([texts, limits]);
      return texts;
    });
    const results = Promise.all([call("a", 1), call(...(["b"] as unknown as [string, undefined]))]);
    await pass(10);
    expect(await results).toEqual(["a", "b"]);
    expect(seen).toEqual([
      [
        ["a", "b"],
        [1, undefined],
      ],
    ]);
  });

  it("may be a function that is not async, and that throws", async () => {
    const call = batch((numbers: number[]) => {
      if (numbers.includes(0)) throw new RangeError("zero");
      return numbers.map((n) => 1 / n);
    });
    const good = call(2);
    await pass(10);
    expect(await good).toBe(0.5);
    const bad = [outcome(call(0)), outcome(call(1))];
    await pass(10);
    expect(await Promise.all(bad)).toEqual([new RangeError("zero"), new RangeError("zero")]);
  });

  it("has the instance of a class field as this, in arrows, bound methods and plain functions", async () => {
    class Model {
      readonly suffix = "!";
      arrow = batch(async (texts: string[]) => texts.map((text) => text + this.suffix), { batchWaitTimeoutMs: 0 });
      bound = batch(this.run.bind(this), { batchWaitTimeoutMs: 0 });
      plain = batch(
        async function (this: Model, texts: string[]) {
          return this.run(texts);
        },
        { batchWaitTimeoutMs: 0 },
      );
      async run(texts: string[]) {
        return texts.map((text) => text + this.suffix);
      }
    }
    const model = new Model();
    expect(await Promise.all([model.arrow("a"), model.bound("b"), model.plain("c")])).toEqual(["a!", "b!", "c!"]);
  });

  it("keeps its function's name", () => {
    expect(
      batch(async function embed(texts: string[]) {
        return texts;
      }).name,
    ).toBe("embed");
  });
});

describe("batches at once", () => {
  it("are one unless it is said otherwise, and what waited meanwhile begins when it ends, full or not", async () => {
    const { call, batches, items } = heldEach({ maxBatchSize: 2, batchWaitTimeoutMs: 5 });
    for (let n = 0; n < 5; n++) void call(n);
    await pass(100);
    expect(items()).toEqual([[0, 1]]);
    expect(vi.getTimerCount()).toBe(0);
    batches[0]!.letGo();
    await pass(0);
    batches[1]!.letGo();
    await pass(0);
    expect(items()).toEqual([[0, 1], [2, 3], [4]]);
  });

  it("are never more than maxConcurrentBatches", async () => {
    const { call, batches, items } = heldEach({ maxBatchSize: 2, maxConcurrentBatches: 3, batchWaitTimeoutMs: 0 });
    for (let n = 0; n < 10; n++) void call(n);
    await pass(0);
    expect([items().length, call.stats.running, call.stats.queued]).toEqual([3, 3, 4]);
    batches[1]!.letGo();
    await pass(0);
    expect(items()[3]).toEqual([6, 7]);
  });
});

describe("results", () => {
  const returning = (result: unknown) => batch(async () => result as string[], { maxBatchSize: 3 });
  const three = (call: (text: string) => Promise<unknown>) => Promise.all(["a", "b", "c"].map((text) => outcome(call(text))));

  it.each([
    ["another length", ["A", "B"], "The input list has length 3 but the returned list has length 2."],
    ["no array", "ABC", 'The input list has length 3 but the function returned "ABC", which is no array'],
    ["nothing", undefined, "The input list has length 3 but the function returned undefined, which is no array"],
    ["numbers in a row", new Float32Array(3), "the function returned a Float32Array, which is no array"],
    ["an object", { length: 3 }, 'the function returned {"length":3}, which is no array'],
  ])("of %s reject every caller with both lengths", async (_, result, message) => {
    const errors = await three(returning(result));
    expect(new Set(errors).size).toBe(1);
    expect(errors[0]).toBeInstanceOf(TypeError);
    expect((errors[0] as Error).message).toMatch(/^Batched function doesn't preserve batch size\. /);
    expect((errors[0] as Error).message).toContain(message);
  });

  it("that are errors reject their own callers", async () => {
    expect(await three(returning(["A", new RangeError("b"), new DOMException("c")]))).toEqual([
      "A",
      new RangeError("b"),
      new DOMException("c"),
    ]);
  });

  it("may be undefined, null and false", async () => {
    expect(await three(returning([undefined, null, false]))).toEqual([undefined, null, false]);
  });

  it("that were thrown reject every caller, and the next batch runs", async () => {
    let isBroken = true;
    const call = batch(
      async (texts: string[]) => {
        if (isBroken) throw new Error("broken");
        return texts;
      },
      { maxBatchSize: 3 },
    );
    expect(await three(call)).toEqual([new Error("broken"), new Error("broken"), new Error("broken")]);
    isBroken = false;
    expect(await three(call)).toEqual(["a", "b", "c"]);
  });

  it("cannot be the end of a stream", async () => {
    const [error] = await three(returning([batch.end, "B", "C"]));
    expect(error).toEqual(new TypeError("A batched function returned serve.batch.end, which only a generator may yield."));
  });
});

describe("stats", () => {
  it("count batches, items, sizes, waits and why batches began", async () => {
    const { call } = upper({ maxBatchSize: 4, batchWaitTimeoutMs: 20 });
    await Promise.all(["a", "b", "c", "d"].map((text) => call(text)));
    const late = call("e");
    await pass(20);
    await late;
    const { size, utilisation, waitMs, executionMs, ...rest } = call.stats;
    expect(rest).toEqual({
      queued: 0,
      running: 0,
      batches: 2,
      items: 5,
      dropped: 0,
      begunBecause: { full: 1, waited: 1 },
      limits: { maxBatchSize: 4, batchWaitTimeoutMs: 20 },
    });
    const of = ({ bounds, counts }: typeof size) => counts.flatMap((count, index) => (count === 0 ? [] : [[bounds[index], count]]));
    expect([of(size), size.sum]).toEqual([
      [
        [1, 1],
        [4, 1],
      ],
      5,
    ]);
    expect([of(utilisation), utilisation.sum]).toEqual([
      [
        [0.3, 1],
        [1, 1],
      ],
      1.25,
    ]);
    expect([of(waitMs), waitMs.sum]).toEqual([
      [
        [0, 4],
        [20, 1],
      ],
      20,
    ]);
    expect(executionMs.counts.reduce((a, b) => a + b)).toBe(2);
    expect(() => structuredClone(call.stats)).not.toThrow();
  });
});
