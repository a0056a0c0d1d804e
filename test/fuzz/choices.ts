/**
 * Where an input's randomness comes from: a row of whole numbers that is recorded, and can be played again.
 *
 * A generator draws numbers and nothing else, and makes the simplest thing of 0. So a smaller row gives a smaller input of
 * the same grammar, and one shrinker does for all of them.
 *
 * Invariants:
 *   C1. The same row gives the same input, in any process and runtime.
 *   C2. Every draw is recorded, so the recorded row gives the input again.
 */

/** Draws the numbers that decide an input. */
export class Choices {
  /** What was drawn so far. */
  readonly taken: number[] = [];
  readonly #next: (limit: number) => number;

  private constructor(next: (limit: number) => number) {
    this.#next = next;
  }

  /** Numbers that follow from `seed`, the kind's name and the input's number. */
  static seeded(seed: number, kind: string, index: number): Choices {
    let state = mixed(mixed(hashOf(kind) ^ mixed(seed)) ^ index);
    return new Choices((limit) => {
      // mulberry32
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), state | 1);
      t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
      return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit);
    });
  }

  /** Plays a row again; past its end every number is 0. */
  static replayed(row: readonly number[]): Choices {
    let at = 0;
    return new Choices((limit) => (row[at++] ?? 0) % limit);
  }

  /** A whole number from 0 to `limit - 1`. */
  below(limit: number): number {
    const drawn = this.#next(limit);
    this.taken.push(drawn);
    return drawn;
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === times - 1;
  }

  /** One of `options`; the first is the simplest. */
  of<T>(options: readonly T[]): T {
    return options[this.below(options.length)]!;
  }

  /** One of `options`, by weight; the first is the simplest. */
  weighted<T>(options: readonly (readonly [weight: number, option: T])[]): T {
    let left = this.below(options.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, option] of options) {
      if (left < weight) return option;
      left -= weight;
    }
    throw new RangeError("Weights are whole numbers of at least 1.");
  }

  /** Between `least` and `most` items. */
  list<T>(least: number, most: number, item: (index: number) => T): T[] {
    return Array.from({ length: least + this.below(most - least + 1) }, (_, index) => item(index));
  }
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash;
}

function mixed(value: number): number {
  let h = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) | 0;
}

/** How much shrinking may cost. */
export interface ShrinkBudget {
  readonly attempts: number;
  readonly untilMs: number;
}

/**
 * A row that is shorter or has smaller numbers, and still fails: pieces are left out, numbers made 0, halved or one less.
 *
 * @param fails Whether the input of a row fails in the same way.
 */
export async function shrunk(
  row: readonly number[],
  fails: (candidate: readonly number[]) => Promise<boolean>,
  { attempts, untilMs }: ShrinkBudget,
): Promise<readonly number[]> {
  let best = row;
  let left = attempts;
  const isBetter = async (candidate: readonly number[]) => {
    if (left-- <= 0 || performance.now() > untilMs || !(await fails(candidate))) return false;
    best = candidate;
    return true;
  };
  for (let before = [...best, -1]; before.length !== best.length || before.some((number, at) => number !== best[at]);) {
    before = [...best];
    for (let size = 2 ** Math.floor(Math.log2(Math.max(1, best.length))); size >= 1; size = Math.floor(size / 2)) {
      for (let at = 0; at < best.length;) if (!(await isBetter([...best.slice(0, at), ...best.slice(at + size)]))) at += size;
    }
    for (let at = 0; at < best.length; at++) {
      for (const smaller of [0, Math.floor(best[at]! / 2), best[at]! - 1]) {
        if (best[at]! > smaller && smaller >= 0 && (await isBetter(best.with(at, smaller)))) break;
      }
    }
    if (left <= 0 || performance.now() > untilMs) break;
  }
  return best;
}
