/** Batches that never end: a row for each way of hanging, each of which must leave its place to the next batch. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { batch } from "../../../src/batching/batch.ts";
import type { ReplicaScope } from "../../../src/context/scope.ts";
import { getRequestContext } from "../../../src/context/scope.ts";
import { GIVE_UP_MS } from "../../../src/protocol/limits.ts";
import { caller, outcome, pass } from "../../support/batched.ts";
import { recordLog } from "../../support/log-lines.ts";
import { replicaScope } from "../../support/scope.ts";

type Call = (text: string) => Promise<unknown> & AsyncGenerator<unknown>;

const log = recordLog();
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const never = () => new Promise<never>(() => {});
const thenable = Object.fromEntries(["then"].map((name) => [name, () => {}]));
const isHung = (texts: string[]) => texts.includes("hang");

/** What the function does with a batch that holds "hang"; all others are answered. */
const HANGING: Record<string, () => unknown> = {
  "an async function": () => async (texts: string[]) => (isHung(texts) ? await never() : texts),
  "a function that returns a promise": () => (texts: string[]) => (isHung(texts) ? never() : Promise.resolve(texts)),
  "a function that returns a thenable which never calls back": () => (texts: string[]) => (isHung(texts) ? thenable : texts),
  "a generator before its first item": () =>
    async function* (texts: string[]) {
      if (isHung(texts)) await never();
      yield texts;
    },
  "a generator after its first item": () =>
    async function* (texts: string[]) {
      yield texts;
      if (isHung(texts)) await never();
    },
  "a generator in its finally": () =>
    async function* (texts: string[]) {
      try {
        yield texts;
        yield texts;
      } finally {
        if (isHung(texts)) await never();
      }
    },
  "an iterator of its own kind whose return hangs": () => (texts: string[]) => {
    const iterator = {
      next: () => (isHung(texts) ? never() : Promise.resolve({ value: undefined, done: true })),
      return: never,
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  },
};

const verbose: ReplicaScope = { ...replicaScope(), logging: { level: "INFO", accessLog: false } };

/** How the callers of the hung batch leave. */
const LEAVING: Record<string, (one: ReturnType<typeof caller>) => void> = {
  "are cancelled": (one) => one.abort(),
  "answer without waiting": (one) => one.request.end(),
};

describe.each(Object.keys(HANGING))("a batch of %s that hangs", (kind) => {
  const isStream = kind.includes("generator") || kind.includes("iterator");

  function start() {
    const call = batch(HANGING[kind]!() as never, { batchWaitTimeoutMs: 0, maxBatchSize: 2 }) as unknown as Call;
    const callers = ["hang", "beside it"].map((text) => {
      const one = caller({}, verbose);
      const result = one.in(() => call(text));
      const seen = isStream ? one.in(() => readAll(result)).catch((error: unknown) => error) : outcome(result);
      return { ...one, seen };
    });
    return { call, callers };
  }

  async function runs(call: Call): Promise<unknown> {
    const one = caller({}, verbose);
    const result = one.in(() => call("next"));
    return isStream ? one.in(() => readAll(result)) : await result;
  }

  it.each(Object.keys(LEAVING))("gives its place to the next one when its callers %s, and names itself in the log", async (leaving) => {
    const { call, callers } = start();
    await pass(0);
    for (const one of callers) LEAVING[leaving]!(one);
    let next: unknown = "waits";
    void runs(call).then((result) => (next = result));
    await pass(GIVE_UP_MS - 1);
    expect([next, log.lines("WARNING")]).toEqual(["waits", []]);
    await pass(1);
    const last = isStream && kind.includes("own kind") ? [] : isStream ? expect.arrayContaining(["next"]) : "next";
    expect(next).toEqual(last);
    expect(log.lines("WARNING").map(({ message, deployment }) => [deployment, message])).toEqual([
      ["Model", expect.stringMatching(/of deployment "Model" still runs 5000 ms after the last of the 2 callers/)],
    ]);
    await pass(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is left alone while one caller is there", async () => {
    const { call, callers } = start();
    await pass(0);
    callers[0]!.abort();
    let next: unknown = "waits";
    void runs(call).then((result) => (next = result));
    await pass(GIVE_UP_MS * 10);
    // A generator in its `finally` has told the other caller its end: it is done with everybody.
    if (kind !== "a generator in its finally") expect([next, log.lines("WARNING"), vi.getTimerCount()]).toEqual(["waits", [], 0]);
  });
});

describe("a batch that was given up", () => {
  it.each(["returns", "throws"])("changes nothing when it %s after all", async (how) => {
    const ends: (() => void)[] = [];
    const call = batch(
      (texts: string[]) =>
        new Promise<string[]>((resolve, reject) => {
          ends.push(() => (how === "returns" ? resolve(texts) : reject(new Error("late"))));
        }),
      { batchWaitTimeoutMs: 0 },
    );
    const [first, second] = [caller({}, verbose), caller({}, verbose)];
    const hung = outcome(first.in(() => call("a")));
    await pass(0);
    first.abort();
    await pass(GIVE_UP_MS);
    const result = outcome(second.in(() => call("b")));
    await pass(0);
    const before = second.in(() => call.stats);
    ends[0]!();
    await pass(0);
    expect(second.in(() => call.stats)).toEqual(before);
    expect(before.running).toBe(1);
    ends[1]!();
    await pass(0);
    expect([(await hung) instanceof Error, how === "returns" ? await result : String(await result)]).toEqual([
      true,
      how === "returns" ? "b" : "Error: late",
    ]);
    expect(second.in(() => call.stats).running).toBe(0);
  });

  it("has seen its signal abort", async () => {
    let signal: AbortSignal | undefined;
    const call = batch(
      async (texts: string[]) => {
        ({ signal } = getRequestContext());
        return texts.length === 0 ? texts : never();
      },
      { batchWaitTimeoutMs: 0 },
    );
    const one = caller({}, verbose);
    void outcome(one.in(() => call("a")));
    await pass(0);
    one.request.end();
    await pass(0);
    expect(signal?.aborted).toBe(false);
    await pass(GIVE_UP_MS);
    expect(signal?.aborted).toBe(true);
  });

  it("does not stop a batch that ends in time", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const call = batch((texts: string[]) => promise.then(() => texts), { batchWaitTimeoutMs: 0 });
    const one = caller({}, verbose);
    void outcome(one.in(() => call("a")));
    await pass(0);
    one.abort();
    await pass(GIVE_UP_MS - 1);
    resolve();
    await pass(GIVE_UP_MS);
    expect([log.lines(), vi.getTimerCount()]).toEqual([[], 0]);
  });
});

describe("a paused generator whose reader forgot it", () => {
  it("is returned, so that its finally runs", async () => {
    let isOver = false;
    const call = batch(
      async function* (texts: string[]) {
        try {
          for (;;) yield texts;
        } finally {
          isOver = true;
        }
      },
      { batchWaitTimeoutMs: 0 },
    );
    const one = caller({}, verbose);
    const stream = one.in(() => call("a"));
    await one.in(() => stream.next());
    one.request.end();
    await pass(GIVE_UP_MS);
    expect(isOver).toBe(true);
  });
});

describe("batchSizeOf", () => {
  const SIZES: Record<string, () => unknown> = {
    throws: () => {
      throw new RangeError("no size");
    },
    "returns a promise that rejects": () => Promise.reject(new Error("async")),
    "returns NaN": () => NaN,
    "returns text": () => "3",
    "returns a proxy whose every trap throws": () =>
      new Proxy(
        {},
        {
          get() {
            throw new Error("trap");
          },
        },
      ),
  };
  it.each(Object.keys(SIZES))("that %s fails its own item only", async (how) => {
    const call = batch(async (texts: string[]) => texts, {
      batchWaitTimeoutMs: 0,
      batchSizeOf: (texts: readonly string[]) => (texts.includes("odd") ? (SIZES[how]!() as number) : texts.length),
    });
    const results = ["a", "odd", "b"].map((text) => outcome(caller({}, verbose).in(() => call(text))));
    await pass(0);
    expect((await Promise.all(results)).map((result) => (result instanceof Error ? "error" : result))).toEqual(["a", "error", "b"]);
  });
});

/** Reads two items at most, and then leaves, as from a loop. */
async function readAll(stream: AsyncGenerator<unknown>): Promise<unknown[]> {
  const items: unknown[] = [];
  for await (const item of stream) {
    items.push(item);
    if (items.length === 2) break;
  }
  return items;
}
