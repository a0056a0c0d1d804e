/** A clock that is turned by hand. */
export class Clock {
  #nowMs = 1_000_000;
  readonly #timers = new Set<{ readonly atMs: number; readonly happen: () => void }>();

  readonly now = (): number => this.#nowMs;

  /** Calls `happen` once the clock has been turned so far, unless what this returns is called before. */
  readonly after = (ms: number, happen: () => void): (() => void) => {
    const timer = { atMs: this.#nowMs + ms, happen };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  };

  /** How many timers are set. */
  get timers(): number {
    return this.#timers.size;
  }

  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ atMs }) => atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.happen();
    }
    this.#nowMs = untilMs;
  }
}
