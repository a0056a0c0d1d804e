/**
 * The items that wait, and which of them make up the next batch.
 *
 * Owns: the order of items, the size of a batch. Does not own: time, timers, or running a batch.
 *
 * Invariants:
 *   L1. No batch is larger than `max`, counted in items or by `sizeOf`.
 *   L2. A batch has items of one model, in the order in which they came, and skips none.
 *   L3. Of the batches that may begin, the one with the oldest item begins first.
 *   L4. An item that is larger than `max` by itself fails, and no other item with it.
 *   L5. Whoever waits is in a batch, fails or is removed: nothing else takes an item out.
 */
import { show } from "../protocol/wording.ts";
import type { SizeOf } from "./options.ts";
import type { BeginReason } from "./stats.ts";

/** An item as far as its place in a batch goes. */
export interface Waiting {
  readonly model: string | undefined;
  readonly call: { readonly args: readonly unknown[] };
  readonly enqueuedAtMs: number;
  fail(reason: unknown): void;
}

/** What a batch may be just then. Compared by identity: a change is a new object. */
export interface Limits {
  /** Never more. */
  readonly max: number;
  /** Not more if it can be helped: an item that is larger goes alone. At most `max`. */
  readonly size: number;
  /** A batch of this size waits no longer. At most `size`. */
  readonly enough: number;
  /** How long the oldest item waits for a batch of that size. */
  readonly waitMs: number;
}

/** Items that are ready to run. */
export interface Batch<W> {
  readonly items: readonly W[];
  readonly size: number;
  readonly reason: BeginReason;
}

/** What a lane's oldest items make up. */
interface Head<W> {
  readonly limits: Limits;
  readonly items: W[];
  size: number;
  /** Whether the next item did not fit. */
  isClosed: boolean;
}

interface Lane<W> {
  readonly model: string | undefined;
  readonly items: Map<W, number>;
  /** Kept while it holds, because measuring may be costly. */
  head: Head<W> | undefined;
}

export class Lanes<W extends Waiting> {
  readonly #sizeOf: SizeOf | undefined;
  readonly #columns: number;
  // One for each model that somebody waits for.
  readonly #lanes = new Map<string | undefined, Lane<W>>();
  #count = 0;
  #order = 0;

  /** @param columns How many parameters `sizeOf` has. */
  constructor(sizeOf: SizeOf | undefined, columns: number) {
    this.#sizeOf = sizeOf;
    this.#columns = columns;
  }

  get count(): number {
    return this.#count;
  }

  /** Puts an item at the end. Returns whether it waits; what cannot be measured, or is too large, has failed. */
  add(item: W, limits: Limits): boolean {
    if (this.#sizeOf !== undefined && this.#measured([item], item, limits.max) === undefined) return false;
    let lane = this.#lanes.get(item.model);
    if (lane === undefined) this.#lanes.set(item.model, (lane = { model: item.model, items: new Map(), head: undefined }));
    lane.items.set(item, this.#order++);
    this.#count++;
    if (lane.head !== undefined && !lane.head.isClosed) this.#extend(lane, lane.head, item);
    return true;
  }

  /** Takes an item out; `false` if it does not wait. */
  remove(item: W): boolean {
    const lane = this.#lanes.get(item.model);
    if (lane === undefined || !lane.items.delete(item)) return false;
    lane.head = undefined;
    this.#forget(lane, 1);
    return true;
  }

  /** The batch that may begin now, or else when the next one may; `undefined` if nobody waits. */
  next(nowMs: number, limits: Limits): Batch<W> | { readonly atMs: number } | undefined {
    let first: { lane: Lane<W>; order: number; reason: BeginReason } | undefined;
    let atMs = Infinity;
    for (const lane of this.#lanes.values()) {
      const isFull = this.#isFull(lane, limits);
      const oldest = lane.items.entries().next().value;
      if (oldest === undefined) continue;
      const [{ enqueuedAtMs }, order] = oldest;
      const dueAtMs = enqueuedAtMs + limits.waitMs;
      if (!isFull) atMs = Math.min(atMs, dueAtMs);
      if ((isFull || dueAtMs <= nowMs) && (first === undefined || order < first.order))
        first = { lane, order, reason: isFull ? "full" : "waited" };
    }
    if (first !== undefined) return this.#take(first.lane, first.reason, limits);
    return atMs === Infinity ? undefined : { atMs };
  }

  #take(lane: Lane<W>, reason: BeginReason, limits: Limits): Batch<W> {
    const { items, size } = this.#sizeOf === undefined ? this.#oldest(lane, limits.size) : this.#headOf(lane, limits);
    for (const item of items) lane.items.delete(item);
    lane.head = undefined;
    this.#forget(lane, items.length);
    return { items, size, reason };
  }

  #oldest(lane: Lane<W>, count: number): { items: W[]; size: number } {
    const items = lane.items.keys().take(count).toArray();
    return { items, size: items.length };
  }

  #isFull(lane: Lane<W>, limits: Limits): boolean {
    if (this.#sizeOf === undefined) return lane.items.size >= limits.enough;
    const { size, isClosed } = this.#headOf(lane, limits);
    return isClosed || size >= limits.enough;
  }

  #headOf(lane: Lane<W>, limits: Limits): Head<W> {
    if (lane.head?.limits === limits) return lane.head;
    const head: Head<W> = { limits, items: [], size: 0, isClosed: false };
    lane.head = head;
    for (const item of lane.items.keys()) {
      if (head.isClosed) break;
      this.#extend(lane, head, item);
    }
    return head;
  }

  #extend(lane: Lane<W>, head: Head<W>, item: W): void {
    const { size: target, max } = head.limits;
    const size = this.#sizeOf === undefined ? head.items.length + 1 : this.#measured([...head.items, item], item, max);
    if (size === undefined) {
      lane.items.delete(item);
      this.#forget(lane, 1);
      return;
    }
    const fits = size <= (head.items.length === 0 ? max : target);
    if (fits) {
      head.items.push(item);
      head.size = size;
    }
    head.isClosed = !fits || size >= target;
  }

  /** The size of `items`; `undefined` if it cannot be told, or `item` is too large by itself. The item has then failed. */
  #measured(items: readonly W[], item: W, max: number): number | undefined {
    let size: unknown;
    try {
      size = this.#sizeOf!(...columnsOf(items, this.#columns));
    } catch (error) {
      item.fail(error);
      return undefined;
    }
    if (typeof size !== "number" || !(size >= 0)) {
      if (size instanceof Promise) size.catch(() => {});
      item.fail(new TypeError(`batchSizeOf must return a number of at least 0, got ${show(size)}.`));
      return undefined;
    }
    if (items.length === 1 && size > max) {
      item.fail(
        new RangeError(
          `Size of item is greater than maxBatchSize. batchSizeOf gives ${size} for this item alone, and maxBatchSize is ${max}: ` +
            "split the item, or raise maxBatchSize.",
        ),
      );
      return undefined;
    }
    return size;
  }

  #forget(lane: Lane<W>, count: number): void {
    this.#count -= count;
    if (lane.items.size === 0) this.#lanes.delete(lane.model);
  }
}

/** What a batched function is called with: for each parameter what every item has there, in the order of the items. */
export function columnsOf(items: readonly { readonly call: { readonly args: readonly unknown[] } }[], parameters: number): unknown[][] {
  const count = items.reduce((most, { call }) => Math.max(most, call.args.length), Math.max(1, parameters));
  return Array.from({ length: count }, (_, column) => items.map(({ call }) => call.args[column]));
}
