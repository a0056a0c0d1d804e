/**
 * What a batch queue counts, as plain numbers that can be scraped.
 */

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

const MILLISECONDS = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000];
const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
const SHARES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];

class Counts {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
    this.#counts.push(0);
  }

  add(value: number): void {
    const index = this.#bounds.findIndex((bound) => value <= bound);
    this.#counts[index === -1 ? this.#bounds.length : index]!++;
    this.#sum += value;
  }

  snapshot(): BatchHistogram {
    return { bounds: this.#bounds, counts: [...this.#counts], sum: this.#sum };
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
  readonly #size = new Counts(SIZES);
  readonly #utilisation = new Counts(SHARES);
  readonly #waitMs = new Counts(MILLISECONDS);
  readonly #executionMs = new Counts(MILLISECONDS);

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
