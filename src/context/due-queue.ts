/**
 * What waits for its time, the earliest first: a binary heap in which each member knows its place, so that one that no longer
 * waits leaves at once. Most are due later than all before them, and are added without a move.
 */

/** Something that waits. */
export interface Due {
  readonly atMs: number;
  /** Counts up: of two at the same time the one with the lower number is first. */
  readonly number: number;
  /** Where it is; -1 when it does not wait. The queue's own. */
  place: number;
}

export class DueQueue<T extends Due> {
  readonly #heap: T[] = [];

  /** The one whose time comes first. */
  get first(): T | undefined {
    return this.#heap[0];
  }

  get size(): number {
    return this.#heap.length;
  }

  add(due: T): void {
    this.#rise(due, this.#heap.length);
  }

  /** Does nothing if it does not wait. */
  remove(due: T): void {
    const { place } = due;
    if (place === -1) return;
    due.place = -1;
    const last = this.#heap.pop()!;
    if (last === due) return;
    // It takes the place that is free, and may have to go either way from there.
    if (place > 0 && isBefore(last, this.#heap[parentOf(place)]!)) this.#rise(last, place);
    else this.#sink(last, place);
  }

  #rise(due: T, from: number): void {
    let place = from;
    while (place > 0) {
      const parent = this.#heap[parentOf(place)]!;
      if (!isBefore(due, parent)) break;
      this.#put(parent, place);
      place = parentOf(place);
    }
    this.#put(due, place);
  }

  #sink(due: T, from: number): void {
    let place = from;
    for (;;) {
      const left = this.#heap[2 * place + 1];
      const right = this.#heap[2 * place + 2];
      const child = left !== undefined && right !== undefined && isBefore(right, left) ? right : left;
      if (child === undefined || !isBefore(child, due)) break;
      const next = child.place;
      this.#put(child, place);
      place = next;
    }
    this.#put(due, place);
  }

  #put(due: T, place: number): void {
    this.#heap[place] = due;
    due.place = place;
  }
}

function parentOf(place: number): number {
  return (place - 1) >> 1;
}

function isBefore(a: Due, b: Due): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.number < b.number);
}
