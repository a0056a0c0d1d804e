/**
 * Virtual time for code that awaits.
 *
 * Owns: the order of events. Does not own: what an event does.
 *
 * Invariants:
 *   V1. An event sees everything that the events before it led to: all promises have settled that could.
 *   V2. Events of one moment happen in the order in which they were asked for.
 */

interface Event {
  readonly timeMs: number;
  readonly order: number;
  readonly happen: () => void;
}

export class VirtualClock {
  // A binary heap, the next event first.
  readonly #events: Event[] = [];
  #nowMs = 0;
  #order = 0;

  readonly now = (): number => this.#nowMs;

  /** Resolves when this much virtual time has passed. */
  readonly sleep = (ms: number): Promise<void> => new Promise((resolve) => this.at(this.#nowMs + ms, resolve));

  /** Lets something happen after a while, unless what this returns is called before. */
  readonly after = (ms: number, happen: () => void): (() => void) => {
    let isDropped = false;
    this.at(this.#nowMs + ms, () => {
      if (!isDropped) happen();
    });
    return () => (isDropped = true);
  };

  /** Lets something happen at a time, which must not have passed. */
  at(timeMs: number, happen: () => void): void {
    const event = { timeMs, order: this.#order++, happen };
    const events = this.#events;
    let index = events.length;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(event, events[parent]!)) break;
      events[index] = events[parent]!;
      index = parent;
    }
    events[index] = event;
  }

  /** Turns the clock until nothing is left to happen. Rejects with what an event throws. */
  run(): Promise<void> {
    return new Promise((resolve, reject) => {
      const step = () => {
        const event = this.#next();
        if (event === undefined) return resolve();
        this.#nowMs = event.timeMs;
        try {
          event.happen();
        } catch (error) {
          return reject(error);
        }
        // Node begins a tick that was asked for in a microtask when no microtask is left, and not before.
        queueMicrotask(() => process.nextTick(step));
      };
      queueMicrotask(() => process.nextTick(step));
    });
  }

  #next(): Event | undefined {
    const events = this.#events;
    const first = events[0];
    const last = events.pop();
    if (first === undefined || last === undefined || events.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= events.length) break;
      if (child + 1 < events.length && isBefore(events[child + 1]!, events[child]!)) child++;
      if (!isBefore(events[child]!, last)) break;
      events[index] = events[child]!;
      index = child;
    }
    events[index] = last;
    return first;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.order < b.order);
}
