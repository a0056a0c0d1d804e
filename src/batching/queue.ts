/**
 * The queue of one batched function in one replica.
 *
 * Owns: when a batch begins, how many run, what is counted. Does not own: which items make up a batch (pending-batches.ts), running it
 * (run-batch.ts), what adaptive mode decides (adaptive.ts).
 *
 * Invariants:
 *   Q1. Never more than `maxConcurrentBatches` run, those aside that were given up because nobody waited for them (run-batch.ts).
 *   Q2. A batch that is full, and one whose wait is over, begins as soon as a slot is free; it never waits for a timer.
 *   Q3. There is a timer only while a slot is free and somebody waits for a batch to fill; never more than one.
 *   Q4. No batch is made before those who are ready to call have called: callers of one turn share a batch, even without a wait.
 *   Q5. An item whose caller has left, or whose deadline has passed, is in no batch.
 *   Q6. Limits that are set count from the next batch.
 */
import type { After } from "../context/with-timeout.ts";
import { RequestTimeoutError } from "../protocol/errors.ts";
import { type AdaptiveBounds, learn, settingsOf, UNKNOWN } from "./adaptive.ts";
import type { Item } from "./item.ts";
import { type Batch, Lanes, type Limits } from "./pending-batches.ts";
import type { BatchLimits, BatchSettings } from "./options.ts";
import type { Measurements } from "../observe/sources.ts";
import type { BatchEnd } from "./run-batch.ts";
import { BatchCounters, type BatchStats } from "./stats.ts";

/** What the queue needs from the platform. */
export interface QueuePorts {
  /** In milliseconds, from any beginning; never goes back. */
  now(): number;
  /** In milliseconds since the epoch, as deadlines are. */
  wallNow(): number;
  readonly after: After;
}

/** Runs a batch, never rejects, and says when the first results are there. */
export type RunBatch = (items: readonly Item[], answered: () => void) => Promise<BatchEnd>;

/** What the queue is for. */
export interface QueueUse {
  readonly settings: BatchSettings;
  /** How many parameters the batched function has. */
  readonly parameters: number;
  readonly run: RunBatch;
  /** What is counted, where several queues are counted together. */
  readonly counters?: BatchCounters;
}

/** Where a timer's delay is cut; the platform takes longer ones for none. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** With a clock that stands still while user code computes, one batch of so many is measured by a timer. */
const MEASURED_ONE_OF = 8;

export class BatchQueue {
  readonly #use: QueueUse;
  readonly #ports: QueuePorts;
  readonly #lanes: Lanes<Item>;
  readonly #counters: BatchCounters;
  #settings: BatchSettings;
  #limits: Limits;
  #learned = UNKNOWN;
  #running = 0;
  #arrived = 0;
  #previousBeganAtMs: number;
  #isPumpDue = false;
  #timer: { readonly atMs: number; readonly stop: () => void } | undefined;

  constructor(use: QueueUse, ports: QueuePorts) {
    this.#use = use;
    this.#ports = ports;
    this.#settings = use.settings;
    this.#counters = use.counters ?? new BatchCounters();
    this.#lanes = new Lanes(use.settings.batchSizeOf, use.parameters);
    this.#limits = this.#limitsNow();
    this.#previousBeganAtMs = ports.now();
  }

  /** In milliseconds of the clock by which the queue counts waits. */
  now(): number {
    return this.#ports.now();
  }

  /** Puts an item at the end of the queue; its outlet says what becomes of it. */
  add(item: Item): void {
    item.followRequest();
    if (!item.isOpen || !this.#lanes.add(item, this.#limits)) return;
    this.#arrived++;
    item.onLeave = () => {
      if (!this.#lanes.remove(item)) return;
      this.#counters.dropped();
      this.#pumpSoon();
    };
    this.#pumpSoon();
  }

  /** Changes limits, from the next batch on. */
  configure(change: Partial<BatchLimits>): void {
    this.#settings = { ...this.#settings, ...change };
    this.#limits = this.#limitsNow();
    this.#pumpSoon();
  }

  get stats(): BatchStats {
    const { size, waitMs } = this.#limits;
    const limits = { maxBatchSize: size, batchWaitTimeoutMs: waitMs };
    return this.#counters.snapshot({ queued: this.#lanes.count, running: this.#running, limits });
  }

  /** What is counted, for Prometheus. @param name Of the batched function. */
  measurements(name: string): Measurements {
    return this.#counters.measurements(name, this.#lanes.count);
  }

  #pumpSoon(): void {
    if (this.#isPumpDue || this.#running >= this.#settings.maxConcurrentBatches) return;
    this.#isPumpDue = true;
    queueMicrotask(() => {
      this.#isPumpDue = false;
      this.#pump(this.#ports.now());
    });
  }

  #pump(nowMs: number): void {
    while (this.#running < this.#settings.maxConcurrentBatches) {
      const next = this.#lanes.next(nowMs, this.#limits);
      if (next === undefined) break;
      if ("atMs" in next) return this.#wakeAt(next.atMs, nowMs);
      this.#begin(next, nowMs);
    }
    this.#wakeAt(undefined, nowMs);
  }

  #wakeAt(atMs: number | undefined, nowMs: number): void {
    if (this.#timer?.atMs === atMs) return;
    this.#timer?.stop();
    this.#timer = undefined;
    if (atMs === undefined) return;
    const delayMs = Math.min(atMs - nowMs, LONGEST_TIMER_MS);
    const stop = this.#ports.after(delayMs, () => {
      this.#timer = undefined;
      // A timer may come a moment before the clock shows it; waiting for that moment would take another one.
      this.#pump(Math.max(this.#ports.now(), nowMs + delayMs));
    });
    this.#timer = { atMs, stop };
  }

  #begin(batch: Batch<Item>, nowMs: number): void {
    const items = batch.items.filter((item) => this.#isInTime(item));
    if (items.length === 0) return;
    const waitsMs = items.map(({ enqueuedAtMs }) => Math.max(0, nowMs - enqueuedAtMs));
    this.#counters.begun({ reason: batch.reason, size: batch.size, maxBatchSize: this.#settings.maxBatchSize, waitsMs });
    this.#running++;
    const arrival = { arrived: this.#arrived, elapsedMs: nowMs - this.#previousBeganAtMs };
    this.#arrived = 0;
    this.#previousBeganAtMs = nowMs;
    const wasCut = batch.size >= this.#limits.size || (batch.reason === "full" && batch.size > this.#limits.enough);
    const seen = { size: batch.size, wasCut, waitedMs: waitsMs[0]!, ...arrival };
    void this.#run(items).then((durationMs) => {
      this.#running--;
      if (this.#settings.adaptive !== null) {
        this.#learned = learn(this.#learned, { ...seen, durationMs }, this.#bounds(this.#settings.adaptive.targetLatencyMs));
        this.#limits = this.#limitsNow();
      }
      this.#pump(this.#ports.now());
    });
  }

  /** Runs a batch; resolves with how long its first results took, if that could be measured. */
  async #run(items: readonly Item[]): Promise<number | undefined> {
    const { now, after } = this.#ports;
    const beganAtMs = now();
    let answeredAtMs: number | undefined;
    const end = await this.#use.run(items, () => (answeredAtMs ??= now()));
    const endedAtMs = now();
    this.#counters.ended(endedAtMs - beganAtMs);
    // How long one hangs says nothing about the size of a batch.
    if (end === "givenUp") return undefined;
    if (this.#settings.adaptive === null || endedAtMs > beganAtMs) return (answeredAtMs ?? endedAtMs) - beganAtMs;
    if (this.#counters.batches % MEASURED_ONE_OF !== 0) return undefined;
    // On the platform the clock stands still while code computes, and moves with the next event.
    await new Promise<void>((resolve) => after(0, resolve));
    return now() - beganAtMs;
  }

  #isInTime(item: Item): boolean {
    const deadline = item.call.scope?.request?.deadline;
    if (deadline === undefined || deadline > this.#ports.wallNow()) return true;
    this.#counters.dropped();
    item.fail(new RequestTimeoutError("The request's deadline passed while it waited for its batch."));
    return false;
  }

  #limitsNow(): Limits {
    const { maxBatchSize: max, batchWaitTimeoutMs, adaptive } = this.#settings;
    if (adaptive === null) return { max, size: max, enough: max, waitMs: batchWaitTimeoutMs };
    return { max, ...settingsOf(this.#learned, this.#bounds(adaptive.targetLatencyMs)) };
  }

  #bounds(targetLatencyMs: number): AdaptiveBounds {
    const { maxBatchSize, batchWaitTimeoutMs, maxConcurrentBatches } = this.#settings;
    return { targetLatencyMs, maxBatchSize, maxWaitMs: batchWaitTimeoutMs, maxConcurrentBatches };
  }
}
