import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { batch } from "../../../src/batching/batch.ts";
import { turnOfTheEventLoop } from "../../support/event-loop.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] }));
afterEach(() => void vi.useRealTimers());

type Streaming = (texts: string[]) => AsyncGenerator<unknown[]>;

async function all(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const values: unknown[] = [];
  try {
    for await (const value of stream) values.push(value);
  } catch (error) {
    values.push(error);
  }
  return values;
}

/** The function, as a generator function and as an arrow function that returns its generator. */
const kinds = (fn: Streaming): [string, Streaming][] => [
  ["a generator function", fn],
  ["an arrow function that returns a generator", (texts) => fn(texts)],
];

const letters: Streaming = async function* (texts) {
  for (let n = 0; n < 3; n++) yield texts.map((text) => text[n] ?? batch.end);
};

describe.each(kinds(letters))("a batch that streams, from %s", (_, fn) => {
  it("gives each caller its own part, to the end of its own stream", async () => {
    const call = batch(fn, { maxBatchSize: 3 });
    expect(await Promise.all(["abc", "x", ""].map((text) => all(call(text))))).toEqual([["a", "b", "c"], ["x"], []]);
    expect(call.stats.batches).toBe(1);
  });

  it("may be awaited before it is iterated", async () => {
    const call = batch(fn, { maxBatchSize: 2 });
    const streams = await Promise.all(["ab", "cd"].map(async (text) => call(text)));
    expect(await Promise.all(streams.map(all))).toEqual([
      ["a", "b"],
      ["c", "d"],
    ]);
  });

  it("is queued when it is called, so it may be read later and one after the other", async () => {
    const call = batch(fn, { maxBatchSize: 2 });
    const [first, second] = [call("ab"), call("cd")];
    expect(await all(first)).toEqual(["a", "b"]);
    expect(await all(second)).toEqual(["c", "d"]);
    expect(call.stats.batches).toBe(1);
  });

  it("gives asked for values in order when several are asked for at once", async () => {
    const call = batch(fn, { maxBatchSize: 1 });
    const stream = call("ab");
    expect(await Promise.all([stream.next(), stream.next(), stream.next(), stream.next()])).toEqual([
      { value: "a", done: false },
      { value: "b", done: false },
      { value: undefined, done: true },
      { value: undefined, done: true },
    ]);
  });

  it("drops a caller that leaves before its batch has begun", async () => {
    const call = batch(fn, { maxBatchSize: 2, batchWaitTimeoutMs: 1000 });
    const gone = call("gone");
    expect(await gone.return(undefined)).toEqual({ value: undefined, done: true });
    expect(call.stats).toMatchObject({ queued: 0, dropped: 1 });
    expect(vi.getTimerCount()).toBe(0);
    expect(await all(gone)).toEqual([]);
    expect(await Promise.all(["ab", "cd"].map((text) => all(call(text))))).toEqual([
      ["a", "b"],
      ["c", "d"],
    ]);
  });
});

describe.each(
  kinds(async function* (texts) {
    yield texts.map((text) => (text === "bad" ? new RangeError(text) : 1));
    if (texts.includes("short")) yield [2];
    if (texts.includes("none")) yield 2 as never;
    if (texts.includes("throws")) throw new RangeError("thrown");
    yield texts.map(() => 3);
  }),
)("a failure in %s", (_, fn) => {
  const run = async (...texts: string[]) => {
    const call = batch(fn, { maxBatchSize: texts.length });
    return Promise.all(texts.map((text) => all(call(text))));
  };

  it("that is yielded ends its caller's stream alone", async () => {
    expect(await run("a", "bad", "b")).toEqual([[1, 3], [new RangeError("bad")], [1, 3]]);
  });

  it("that is thrown reaches every caller after the values before it", async () => {
    const thrown = new RangeError("thrown");
    expect(await run("a", "throws", "bad")).toEqual([[1, thrown], [1, thrown], [new RangeError("bad")]]);
  });

  it("of length names both lengths", async () => {
    const [[, error]] = (await run("a", "short")) as [[number, Error]];
    expect(error.message).toBe(
      "Batched function doesn't preserve batch size. The input list has length 2 but the yielded list has length 1.",
    );
    const [[, other]] = (await run("a", "none")) as [[number, Error]];
    expect(other.message).toContain("The input list has length 2 but the function yielded 2, which is no array");
  });
});

describe("a generator", () => {
  /** One that yields for ever, and says when it was cleaned up. */
  function endless() {
    const seen = { yielded: 0, isCleanedUp: false };
    const call = batch(
      async function* (texts: string[]) {
        try {
          for (;;) yield texts.map(() => seen.yielded++);
        } finally {
          await Promise.resolve();
          seen.isCleanedUp = true;
        }
      },
      { maxBatchSize: 2, maxConcurrentBatches: 1 },
    );
    return { call, seen };
  }

  it("goes on for the others when one caller leaves, and is returned when none is left", async () => {
    const { call, seen } = endless();
    const [first, second] = [call("a"), call("b")];
    await first.next();
    await first.return();
    await second.next();
    await second.next();
    expect([seen.isCleanedUp, call.stats.running]).toEqual([false, 1]);
    await second.return();
    await turnOfTheEventLoop();
    expect([seen.isCleanedUp, call.stats.running]).toEqual([true, 0]);
  });

  it("is returned when the loop is left", async () => {
    const { call, seen } = endless();
    const [first, second] = [call("a"), call("b")];
    for await (const _ of first) break;
    for await (const _ of second) break;
    await turnOfTheEventLoop();
    expect(seen.isCleanedUp).toBe(true);
  });

  it("runs ahead of its readers, and pauses while every one of them has plenty", async () => {
    const { call, seen } = endless();
    const [first, second] = [call("a"), call("b")];
    await turnOfTheEventLoop();
    expect(seen.yielded).toBe(2 * 256);
    await first.next();
    await turnOfTheEventLoop();
    expect(seen.yielded).toBe(2 * 257);
    // The slower reader does not hold up the faster one, and nothing is lost on it.
    await Promise.all(Array.from({ length: 1000 }, () => first.next()));
    expect((await second.next()).value).toBe(1);
    await Promise.all([first.return(), second.return()]);
  });

  it("that pauses goes on ending when its last readers leave", async () => {
    const { call, seen } = endless();
    const [first, second] = [call("a"), call("b")];
    await turnOfTheEventLoop();
    await Promise.all([first.return(), second.return()]);
    await turnOfTheEventLoop();
    expect([seen.isCleanedUp, call.stats.running]).toEqual([true, 0]);
  });

  it("whose clean-up throws fails nobody, and the queue goes on", async () => {
    const call = batch(
      async function* (texts: string[]) {
        try {
          yield texts;
          yield texts;
        } finally {
          // oxlint-disable-next-line no-unsafe-finally -- what happens then is the claim
          throw new Error("clean-up");
        }
      },
      { maxBatchSize: 1 },
    );
    for await (const _ of call("a")) break;
    await turnOfTheEventLoop();
    for await (const value of call("b")) {
      expect(value).toBe("b");
      break;
    }
  });

  it("can be thrown into by no caller: it leaves", async () => {
    const { call, seen } = endless();
    const [stream, second] = [call("a"), call("b")];
    await stream.next();
    await expect(stream.throw(new Error("mine"))).rejects.toThrow("mine");
    await second[Symbol.asyncDispose]();
    await turnOfTheEventLoop();
    expect(seen.isCleanedUp).toBe(true);
  });
});
