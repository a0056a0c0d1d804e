/**
 * A sum of many step functions, kept as its changes in the order of time.
 *
 * The changes stand in blocks, each of which knows what it adds up to. So adding one touches one block, and a look at a period
 * goes through blocks, not through changes: about a hundred of them for 30,000 reports.
 *
 * Invariants:
 *   U1. Sums of {@link exact} values are exact: where every function is at 0, the sum is 0, and no rest of rounding.
 *   U2. What is older than `forget` was told to keep is one number.
 */

/** The parts of 1 that a value is rounded to. With a power of two, sums below 2^32 have no rounding. */
const PARTS = 2 ** 20;
const MAX_BLOCK = 256;

/** A value that adds up exactly. What is above 0 stays above 0. */
export function exact(value: number): number {
  return value > 0 ? Math.max(1, Math.round(value * PARTS)) / PARTS : 0;
}

/** A period of the sum. */
export interface Period {
  /** The sum, added up over the period's milliseconds. */
  readonly area: number;
  readonly lowest: number;
  readonly highest: number;
}

interface Change {
  readonly atMs: number;
  by: number;
  /** How many points are at this time. */
  points: number;
}

export class StepSum {
  /** What all changes that are forgotten add up to, and the time of the last. */
  #base = 0;
  #forgottenMs = -Infinity;
  readonly #blocks: Block[] = [];

  /** From when on the sum is known. */
  get fromMs(): number {
    return this.#forgottenMs;
  }

  /** The time of the last point; `-Infinity` without one. */
  get lastMs(): number {
    return this.#blocks.at(-1)?.lastMs ?? this.#forgottenMs;
  }

  /** One of the functions has a point that changes it by `by`; with `points` -1 it has no longer. */
  add(atMs: number, by: number, points: 1 | -1): void {
    if (atMs <= this.#forgottenMs) {
      this.#base += by;
      return;
    }
    const index = this.#blockAt(atMs);
    const block = (this.#blocks[index] ??= new Block());
    block.add(atMs, by, points);
    if (block.isEmpty) this.#blocks.splice(index, 1);
    else if (block.size > MAX_BLOCK) this.#blocks.splice(index + 1, 0, block.split());
  }

  /** What was before this time will not be looked at. */
  forget(beforeMs: number): void {
    for (let first = this.#blocks[0]; first !== undefined && first.lastMs <= beforeMs; first = this.#blocks[0]) {
      this.#base += first.sum;
      this.#forgottenMs = first.lastMs;
      this.#blocks.shift();
    }
  }

  /** Looks at a period that ends after the last change. */
  over(startMs: number, endMs: number): Period {
    const period = new Growing(this.#base, startMs);
    for (const [index, block] of this.#blocks.entries()) {
      const untilMs = Math.min(endMs, this.#blocks[index + 1]?.firstMs ?? endMs);
      period.until(Math.min(endMs, block.firstMs));
      if (block.firstMs >= startMs && untilMs <= endMs) period.addBlock(block, untilMs);
      else if (block.lastMs <= startMs) period.skip(block.sum);
      else block.each((atMs, by) => period.change(atMs, by));
    }
    period.until(endMs);
    return period;
  }

  // The last block that begins before this time, or the first.
  #blockAt(atMs: number): number {
    let [low, high] = [0, this.#blocks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#blocks[middle]!.firstMs <= atMs) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }
}

/** A period, as far as it has been gone through. */
class Growing implements Period {
  area = 0;
  lowest = Infinity;
  highest = -Infinity;
  #value: number;
  #atMs: number;

  constructor(value: number, startMs: number) {
    this.#value = value;
    this.#atMs = startMs;
  }

  /** The value holds until then. */
  until(timeMs: number): void {
    if (timeMs <= this.#atMs) return;
    this.area += this.#value * (timeMs - this.#atMs);
    this.#see(this.#value, this.#value);
    this.#atMs = timeMs;
  }

  change(atMs: number, by: number): void {
    this.until(atMs);
    this.#value += by;
  }

  /** All of it was before the period. */
  skip(sum: number): void {
    this.#value += sum;
  }

  /** All of it is in the period. @param untilMs When the next block begins. */
  addBlock(block: Block, untilMs: number): void {
    const { area, lowest, highest } = block.totals;
    this.area += area + this.#value * (block.lastMs - block.firstMs);
    if (block.size > 1) this.#see(this.#value + lowest, this.#value + highest);
    this.#value += block.sum;
    this.#atMs = Math.max(this.#atMs, block.lastMs);
    this.until(untilMs);
  }

  #see(lowest: number, highest: number): void {
    this.lowest = Math.min(this.lowest, lowest);
    this.highest = Math.max(this.highest, highest);
  }
}

/** Some changes that follow each other, oldest first, and what they add up to. */
class Block {
  #changes: Change[];
  #totals: (Period & { readonly sum: number }) | undefined;

  constructor(changes: Change[] = []) {
    this.#changes = changes;
  }

  get size(): number {
    return this.#changes.length;
  }

  get isEmpty(): boolean {
    return this.#changes.length === 0;
  }

  get firstMs(): number {
    return this.#changes[0]!.atMs;
  }

  get lastMs(): number {
    return this.#changes.at(-1)!.atMs;
  }

  get sum(): number {
    return this.totals.sum;
  }

  /** From the first change to the last, beginning at 0. */
  get totals(): Period & { readonly sum: number } {
    return (this.#totals ??= totalsOf(this.#changes));
  }

  add(atMs: number, by: number, points: number): void {
    this.#totals = undefined;
    const changes = this.#changes;
    let index = changes.length;
    while (index > 0 && changes[index - 1]!.atMs > atMs) index--;
    const known = changes[index - 1];
    if (known?.atMs !== atMs) {
      changes.splice(index, 0, { atMs, by, points });
      return;
    }
    known.by += by;
    known.points += points;
    if (known.points === 0 && known.by === 0) changes.splice(index - 1, 1);
  }

  each(see: (atMs: number, by: number) => void): void {
    for (const { atMs, by } of this.#changes) see(atMs, by);
  }

  /** Gives away its second half. */
  split(): Block {
    this.#totals = undefined;
    return new Block(this.#changes.splice(this.#changes.length >> 1));
  }
}

function totalsOf(changes: readonly Change[]): Period & { readonly sum: number } {
  let [sum, area, lowest, highest] = [0, 0, Infinity, -Infinity];
  for (let index = 0; index < changes.length; index++) {
    sum += changes[index]!.by;
    const next = changes[index + 1];
    if (next === undefined) break;
    area += sum * (next.atMs - changes[index]!.atMs);
    if (sum < lowest) lowest = sum;
    if (sum > highest) highest = sum;
  }
  return { sum, area, lowest, highest };
}
