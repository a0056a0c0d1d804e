/**
 * What a batch queue counts, as plain numbers: for the author by `stats`, for Prometheus by `measurements`.
 */
import { BATCH_MS, BATCH_SHARES, BATCH_SIZES } from "../observe/metric-definitions.ts";
import { observe } from "../observe/series.ts";
import type { Measurements } from "../observe/sources.ts";

/** How often values fell below each bound; the shape of a Prometheus histogram, not yet cumulated. */
export interface BatchHistogram {
  /** Upper bounds, inclusive, ascending. */
  readonly bounds: readonly number[];
  /** One more than `bounds`: the last counts what lies above all of them. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** A moment's picture of one queue. Counters begin at 0 when the replica starts. */
export interface BatchStats {
  /** Items that wait for their batch. */
  readonly queued: number;
  /** Batches that run. */
  readonly running: number;
  /** Batches that have begun. */
  readonly batches: number;
  /** Items of the batches that have begun. */
  readonly items: number;
  /** Items that were dropped because their caller left, or ran out of time, before their batch began. */
  readonly dropped: number;
  /** Why batches began: they were full, or their oldest item had waited long enough. */
  readonly begunBecause: { readonly full: number; readonly waited: number };
  /** Of batches, in items or by `batchSizeOf`. */
  readonly size: BatchHistogram;
  /** Of batches: size by `maxBatchSize`, from 0 to 1. */
  readonly utilisation: BatchHistogram;
  /** Of items: from the call to the beginning of the batch. */
  readonly waitMs: BatchHistogram;
  /** Of batches: from beginning to end. */
  readonly executionMs: BatchHistogram;
  /** The sizes and waits in force: as set, or as adaptive mode found them. */
  readonly limits: { readonly maxBatchSize: number; readonly batchWaitTimeoutMs: number };
}

class Counts {
  readonly #bounds: readonly number[];
  /** As a series has them. */
  readonly numbers: number[] = [0];

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
  }

  add(value: number): void {
    observe(this.numbers, this.#bounds, value);
  }

  snapshot(): BatchHistogram {
    const [sum = 0, ...counts] = this.numbers;
    while (counts.length <= this.#bounds.length) counts.push(0);
    return { bounds: this.#bounds, counts, sum };
  }
}

/** Why a batch begins. */
export type BeginReason = "full" | "waited";

/** What is known of a batch when it begins. */
export interface Begun {
  readonly reason: BeginReason;
  readonly size: number;
  readonly maxBatchSize: number;
  /** For each item. */
  readonly waitsMs: readonly number[];
}

/** What a queue is doing just then; the rest of the picture is counted. */
export type Momentary = Pick<BatchStats, "queued" | "running" | "limits">;

/** The counters of one queue. */
export class BatchCounters {
  #batches = 0;
  #items = 0;
  #dropped = 0;
  readonly #begunBecause = { full: 0, waited: 0 };
  readonly #size = new Counts(BATCH_SIZES);
  readonly #utilisation = new Counts(BATCH_SHARES);
  readonly #waitMs = new Counts(BATCH_MS);
  readonly #executionMs = new Counts(BATCH_MS);

  get batches(): number {
    return this.#batches;
  }

  begun({ reason, size, maxBatchSize, waitsMs }: Begun): void {
    this.#batches++;
    this.#items += waitsMs.length;
    this.#begunBecause[reason]++;
    this.#size.add(size);
    this.#utilisation.add(size / maxBatchSize);
    for (const waitMs of waitsMs) this.#waitMs.add(waitMs);
  }

  ended(executionMs: number): void {
    this.#executionMs.add(executionMs);
  }

  dropped(): void {
    this.#dropped++;
  }

  /** The same for Prometheus. @param name Of the batched function. */
  measurements(name: string, queued: number): Measurements {
    const [shares = 0, ...counts] = this.#utilisation.numbers;
    return {
      batchWait: [[[name], this.#waitMs.numbers]],
      batchExecution: [[[name], this.#executionMs.numbers]],
      batchSize: [[[name], this.#size.numbers]],
      batchUtilization: [[[name], [shares * 100, ...counts]]],
      batchQueue: [[[name], [queued]]],
    };
  }

  snapshot(now: Momentary): BatchStats {
    return {
      ...now,
      batches: this.#batches,
      items: this.#items,
      dropped: this.#dropped,
      begunBecause: { ...this.#begunBecause },
      size: this.#size.snapshot(),
      utilisation: this.#utilisation.snapshot(),
      waitMs: this.#waitMs.snapshot(),
      executionMs: this.#executionMs.snapshot(),
    };
  }
}
