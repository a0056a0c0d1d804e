/**
 * What is due when: times by name, of which the earliest is known at once.
 *
 * A binary heap that knows where each name is, so that a time can be changed or taken back: both take time that grows with
 * the logarithm of the number of names.
 */

interface Entry<T> {
  readonly key: T;
  timeMs: number;
  /** Counts up: of two at one time, the one that was put in first comes first. */
  readonly number: number;
  index: number;
}

/** The earliest of these times; `undefined` is never. */
export function earliest(...times: readonly (number | undefined)[]): number | undefined {
  const first = Math.min(...times.map((timeMs) => timeMs ?? Infinity));
  return first === Infinity ? undefined : first;
}

export class Schedule<T> {
  readonly #heap: Entry<T>[] = [];
  readonly #entries = new Map<T, Entry<T>>();
  #number = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** The earliest time, and whose it is. */
  get first(): { readonly key: T; readonly timeMs: number } | undefined {
    return this.#heap[0];
  }

  /** Sets a time; `undefined` and `Infinity` take it back. */
  set(key: T, timeMs: number | undefined): void {
    const entry = this.#entries.get(key);
    if (timeMs === undefined || timeMs === Infinity) {
      if (entry !== undefined) this.#remove(entry);
    } else if (entry === undefined) {
      const added = { key, timeMs, number: this.#number++, index: this.#heap.length };
      this.#entries.set(key, added);
      this.#heap.push(added);
      this.#up(added);
    } else if (entry.timeMs !== timeMs) {
      const isEarlier = timeMs < entry.timeMs;
      entry.timeMs = timeMs;
      if (isEarlier) this.#up(entry);
      else this.#down(entry);
    }
  }

  delete(key: T): void {
    this.set(key, undefined);
  }

  /** Takes out what is due by then. */
  *due(nowMs: number): Generator<T> {
    for (let first = this.#heap[0]; first !== undefined && first.timeMs <= nowMs; first = this.#heap[0]) {
      this.#remove(first);
      yield first.key;
    }
  }

  #remove(entry: Entry<T>): void {
    this.#entries.delete(entry.key);
    const last = this.#heap.pop()!;
    if (last === entry) return;
    last.index = entry.index;
    this.#heap[last.index] = last;
    this.#up(last);
    this.#down(last);
  }

  #up(entry: Entry<T>): void {
    while (entry.index > 0) {
      const parent = this.#heap[(entry.index - 1) >> 1]!;
      if (isBefore(parent, entry)) return;
      this.#swap(entry, parent);
    }
  }

  #down(entry: Entry<T>): void {
    for (;;) {
      const [left, right] = [this.#heap[2 * entry.index + 1], this.#heap[2 * entry.index + 2]];
      const least = right !== undefined && isBefore(right, left!) ? right : left;
      if (least === undefined || isBefore(entry, least)) return;
      this.#swap(entry, least);
    }
  }

  #swap(a: Entry<T>, b: Entry<T>): void {
    [a.index, b.index] = [b.index, a.index];
    this.#heap[a.index] = a;
    this.#heap[b.index] = b;
  }
}

function isBefore(a: Entry<unknown>, b: Entry<unknown>): boolean {
  return a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.number < b.number);
}
