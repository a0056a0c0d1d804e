/** Properties of the queue under arbitrary calls, departures, ends and changes of limits, with a clock turned by hand. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Item, type Outlet } from "../../../src/batching/item.ts";
import { resolveBatchOptions } from "../../../src/batching/options.ts";
import { BatchQueue, type QueuePorts } from "../../../src/batching/queue.ts";
import type { BatchEnd } from "../../../src/batching/run-batch.ts";
import { requestScope } from "../../support/scope.ts";

class ManualTimers implements QueuePorts {
  #nowMs = 0;
  readonly pending = new Map<number, { readonly atMs: number; readonly happen: () => void }>();
  #id = 0;
  readonly now = () => this.#nowMs;
  readonly wallNow = () => this.#nowMs;
  readonly after = (ms: number, happen: () => void) => {
    const id = this.#id++;
    this.pending.set(id, { atMs: this.#nowMs + ms, happen });
    return () => void this.pending.delete(id);
  };
  advance(ms: number): void {
    this.#nowMs += ms;
    for (const [id, { atMs, happen }] of this.pending) {
      if (atMs > this.#nowMs) continue;
      this.pending.delete(id);
      happen();
    }
  }
}

interface Told {
  readonly n: number;
  readonly model: string;
  readonly size: number;
  ends: number;
  item: Item | undefined;
}

const microtasks = async () => {
  for (let n = 0; n < 8; n++) await Promise.resolve();
};

/** A queue whose batches end when they are told to, and what it must never do, checked as it goes. */
class Model {
  readonly timers = new ManualTimers();
  readonly callers: Told[] = [];
  readonly running: { readonly items: readonly Item[]; readonly end: () => void }[] = [];
  readonly batches: number[][] = [];
  readonly #byItem = new Map<Item, Told>();
  readonly #maxConcurrent: number;
  readonly queue: BatchQueue;
  max: number;

  constructor({
    max,
    waitMs,
    maxConcurrent,
    bySize,
    adaptive,
  }: {
    max: number;
    waitMs: number;
    maxConcurrent: number;
    bySize: boolean;
    adaptive: boolean;
  }) {
    this.max = max;
    this.#maxConcurrent = maxConcurrent;
    const settings = resolveBatchOptions({
      maxBatchSize: max,
      batchWaitTimeoutMs: waitMs,
      maxConcurrentBatches: maxConcurrent,
      ...(bySize ? { batchSizeOf: (sizes: number[]) => sizes.reduce((sum, size) => sum + size, 0) } : {}),
      ...(adaptive ? { adaptive: { targetLatencyMs: 50 } } : {}),
    });
    this.sizeOf = bySize ? ({ size }) => size : () => 1;
    this.queue = new BatchQueue({ settings, parameters: 1, run: (items) => this.#run(items) }, this.timers);
  }

  readonly sizeOf: (told: Told) => number;

  call(model: string, size: number): void {
    const told: Told = { n: this.callers.length, model, size, ends: 0, item: undefined };
    const close = () => void told.ends++;
    const outlet: Outlet = { give: () => {}, end: close, fail: close, stream: () => {}, unread: 0 };
    const scope = requestScope({ multiplexedModelId: model });
    told.item = new Item({ args: [size], self: undefined, scope }, outlet, this.timers.now());
    this.callers.push(told);
    this.#byItem.set(told.item, told);
    this.queue.add(told.item);
  }

  leave(index: number): void {
    this.callers[index % Math.max(1, this.callers.length)]?.item?.call.scope?.request?.abort(new Error("gone"));
  }

  end(index: number): void {
    this.running[index % Math.max(1, this.running.length)]?.end();
  }

  resize(max: number): void {
    this.max = max;
    this.queue.configure({ maxBatchSize: max });
  }

  #run(items: readonly Item[]): Promise<BatchEnd> {
    const { promise, resolve } = Promise.withResolvers<BatchEnd>();
    const told = items.map((item) => this.#byItem.get(item)!);
    this.batches.push(told.map(({ n }) => n));
    expect(items.length).toBeGreaterThan(0);
    expect(told.reduce((sum, one) => sum + this.sizeOf(one), 0)).toBeLessThanOrEqual(this.max);
    expect(new Set(told.map(({ model }) => model)).size).toBe(1);
    expect(items.every(({ isOpen }) => isOpen)).toBe(true);
    const entry = {
      items,
      end: () => {
        this.running.splice(this.running.indexOf(entry), 1);
        for (const item of items) item.end();
        resolve("ended");
      },
    };
    this.running.push(entry);
    expect(this.running.length).toBeLessThanOrEqual(this.#maxConcurrent);
    return promise;
  }

  /** What holds whenever nothing is about to happen by itself. */
  check(): void {
    expect(this.timers.pending.size).toBeLessThanOrEqual(1);
    const waiting =
      this.callers.filter(({ item }) => item!.isOpen).length -
      this.running.flatMap(({ items }) => items.filter(({ isOpen }) => isOpen)).length;
    expect(this.queue.stats).toMatchObject({ queued: waiting, running: this.running.length });
    const isBusy = this.running.length === this.#maxConcurrent;
    expect(this.timers.pending.size).toBe(!isBusy && waiting > 0 ? 1 : 0);
    // Of one model nobody overtakes.
    for (const model of ["m", "n"]) {
      const order = this.batches.flat().filter((n) => this.callers[n]!.model === model);
      expect(order).toEqual(order.toSorted((a, b) => a - b));
    }
  }
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("call" as const), model: fc.constantFrom("m", "n"), size: fc.integer({ min: 1, max: 6 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("leave" as const), index: fc.nat(40) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("end" as const), index: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("advance" as const), ms: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("resize" as const), max: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 2, arbitrary: fc.constant({ kind: "turn" as const }) },
);

const kind = fc.record({
  max: fc.integer({ min: 1, max: 8 }),
  waitMs: fc.constantFrom(0, 10, 25),
  maxConcurrent: fc.integer({ min: 1, max: 3 }),
  bySize: fc.boolean(),
  adaptive: fc.boolean(),
});

describe("a queue", () => {
  it("[Q1-Q5, L1-L5, B1] keeps its promises, whatever is called, left, ended and changed", async () => {
    await fc.assert(
      fc.asyncProperty(kind, fc.array(step, { maxLength: 60 }), async (kind, steps) => {
        const model = new Model(kind);
        for (const one of steps) {
          if (one.kind === "call") model.call(one.model, one.size);
          else if (one.kind === "leave") model.leave(one.index);
          else if (one.kind === "end") model.end(one.index);
          else if (one.kind === "advance") model.timers.advance(one.ms);
          else if (one.kind === "resize") model.resize(one.max);
          if (one.kind !== "turn" && one.kind !== "advance") continue;
          await microtasks();
          model.check();
        }
        await microtasks();
        for (let turns = 0; turns < 200 && (model.running.length > 0 || model.callers.some(({ ends }) => ends === 0)); turns++) {
          model.timers.advance(30);
          await microtasks();
          model.end(0);
          await microtasks();
        }
        expect(model.callers.filter(({ ends }) => ends !== 1)).toEqual([]);
        expect(model.queue.stats).toMatchObject({ queued: 0, running: 0 });
        expect(model.timers.pending.size).toBe(0);
      }),
      { numRuns: 400 },
    );
  });

  it("measures by a timer after one batch of eight, where the clock stands still while code computes", async () => {
    const timers = new ManualTimers();
    const settings = resolveBatchOptions({ maxBatchSize: 64, adaptive: { targetLatencyMs: 50 } });
    const queue = new BatchQueue({ settings, parameters: 1, run: () => Promise.resolve("ended") }, timers);
    const sizes: number[] = [];
    for (let batch = 1; batch <= 24; batch++) {
      const outlet: Outlet = { give: () => {}, end: () => {}, fail: () => {}, stream: () => {}, unread: 0 };
      queue.add(new Item({ args: [1], self: undefined, scope: undefined }, outlet, timers.now()));
      await microtasks();
      expect(timers.pending.size).toBe(batch % 8 === 0 ? 1 : 0);
      timers.advance(20);
      await microtasks();
      sizes.push(queue.stats.limits.maxBatchSize);
    }
    expect([sizes[6], sizes[7], sizes[15], sizes[23]]).toEqual([1, 2, 2, 2]);
  });
});
