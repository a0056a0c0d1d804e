import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeError } from "../../../src/protocol/error-codec.ts";
import { isGenerator, ItemSource } from "../../../src/replica/run-ahead.ts";
import { turnOfTheEventLoop } from "../../support/event-loop.ts";

const HIGH_WATER = 256;
const source = (iterator: AsyncGenerator | Generator, ended = () => {}) => new ItemSource(iterator, 'An item of "Model.tokens"', { ended });

/** Pulls until the stream is over. */
async function drain(items: ItemSource): Promise<{ items: unknown[]; error: unknown; batches: number }> {
  const all: unknown[] = [];
  for (let batches = 1; ; batches++) {
    const batch = await items.pull();
    all.push(...batch.items);
    if (batch.done) return { items: all, error: batch.error === undefined ? undefined : decodeError(batch.error), batches };
    expect(batch.items.length).toBeGreaterThan(0);
  }
}

/** Yields 0, 1, 2, ... and notes how far it came and whether its `finally` ran. */
function counter(to = Infinity): {
  readonly generator: AsyncGenerator<number>;
  readonly made: () => number;
  readonly isClosed: () => boolean;
} {
  let made = 0;
  let isClosed = false;
  async function* count() {
    try {
      while (made < to) yield made++;
    } finally {
      isClosed = true;
    }
  }
  return { generator: count(), made: () => made, isClosed: () => isClosed };
}

describe("ItemSource", () => {
  it("[I1] gives every item once and in order, and an error after the items before it", async () => {
    const plan = fc.record({
      gaps: fc.array(fc.nat({ max: 3 }), { maxLength: 600 }),
      consumerGaps: fc.infiniteStream(fc.nat({ max: 3 })),
      fails: fc.boolean(),
      isAsync: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(plan, async ({ gaps, consumerGaps, fails, isAsync }) => {
        async function* later() {
          for (const [index, gap] of gaps.entries()) {
            for (let turn = 0; turn < gap; turn++) await Promise.resolve();
            yield index;
          }
          if (fails) throw new RangeError("broken");
        }
        function* now() {
          yield* gaps.keys();
          if (fails) throw new RangeError("broken");
        }
        const items = source(isAsync ? later() : now());
        const received: unknown[] = [];
        for (;;) {
          const batch = await items.pull();
          received.push(...batch.items);
          if (batch.done) {
            expect(batch.error === undefined).toBe(!fails);
            break;
          }
          for (let turn = 0; turn < (consumerGaps.next().value as number); turn++) await Promise.resolve();
        }
        expect(received).toEqual([...gaps.keys()]);
      }),
      { numRuns: 60 },
    );
  });

  it("[I1] keeps the error's class", async () => {
    async function* failing() {
      yield 1;
      throw new RangeError("broken");
    }
    const { items, error } = await drain(source(failing()));
    expect(items).toEqual([1]);
    expect(error).toBeInstanceOf(RangeError);
  });

  it("[I2] gives the first item while the second is not there yet", async () => {
    const second = Promise.withResolvers<number>();
    async function* slow() {
      yield 1;
      yield await second.promise;
    }
    const items = source(slow());
    expect(await items.pull()).toEqual({ items: [1], done: false });
    const next = items.pull();
    second.resolve(2);
    expect((await next).items).toEqual([2]);
    expect((await items.pull()).done).toBe(true);
  });

  it("[I2] gives all that is ready in one batch", async () => {
    const items = source(counter(100).generator);
    await turnOfTheEventLoop();
    const batch = await items.pull();
    expect(batch.items).toHaveLength(100);
    expect(batch.done).toBe(true);
  });

  it("[I3] pauses the generator while enough items wait, and lets it go on after a pull", async () => {
    const { generator, made } = counter();
    const items = source(generator);
    await turnOfTheEventLoop();
    expect(made()).toBe(HIGH_WATER);
    expect((await items.pull()).items).toHaveLength(HIGH_WATER);
    await turnOfTheEventLoop();
    expect(made()).toBe(2 * HIGH_WATER);
    await items.cancel();
  });

  it("[I4] runs the generator's finally when cancelled, and makes no more items", async () => {
    const { generator, made, isClosed } = counter();
    let endings = 0;
    const items = source(generator, () => endings++);
    await turnOfTheEventLoop();
    await items.cancel();
    expect(isClosed()).toBe(true);
    await turnOfTheEventLoop();
    expect(made()).toBe(HIGH_WATER);
    expect(await items.pull()).toEqual({ items: [], done: true });
    await items.cancel();
    expect(endings).toBe(1);
  });

  it("[I4] ends a pull that waits when cancelled", async () => {
    const never = Promise.withResolvers<void>();
    async function* stuck() {
      await never.promise;
      yield 1;
    }
    const items = source(stuck());
    const pull = items.pull();
    void items.cancel();
    expect(await pull).toEqual({ items: [], done: true });
    never.resolve();
    await turnOfTheEventLoop();
    expect(await items.pull()).toEqual({ items: [], done: true });
  });

  it("[I4] runs the generator's finally after an item that cannot cross", async () => {
    let isClosed = false;
    async function* bad() {
      try {
        yield 1;
        yield () => 1;
        yield 2;
      } finally {
        isClosed = true;
      }
    }
    const { items, error } = await drain(source(bad()));
    expect(items).toEqual([1]);
    expect(error).toMatchObject({ code: "SERIALIZATION", message: expect.stringContaining('An item of "Model.tokens" is a function') });
    await turnOfTheEventLoop();
    expect(isClosed).toBe(true);
  });

  it("says once that it has ended, however it does", async () => {
    const endings: string[] = [];
    async function* failing() {
      yield 1;
      throw new Error("broken");
    }
    await drain(source(counter(3).generator, () => endings.push("all")));
    await drain(source(failing(), () => endings.push("error")));
    expect(endings).toEqual(["all", "error"]);
  });

  it("is over at once for a generator without items", async () => {
    expect(await drain(source(counter(0).generator))).toEqual({ items: [], error: undefined, batches: 1 });
  });
});

describe("isGenerator", () => {
  it("knows generators, and nothing else that can be iterated", () => {
    expect(isGenerator((function* () {})())).toBe(true);
    expect(isGenerator((async function* () {})())).toBe(true);
    const others = [[], "text", new Map(), new Map().values(), new ReadableStream(), null, undefined, function* () {}, { next() {} }];
    for (const other of others) expect(isGenerator(other)).toBe(false);
  });
});
