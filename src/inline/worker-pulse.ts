/**
 * What a Worker tells the control plane of an inline deployment while it runs there, and asks of it: what was counted, and what is in
 * force.
 *
 * Owns: when. Does not own: what is told, the way there.
 *
 * Invariants:
 *   B1. No request waits for it, and without requests nothing is sent: what the last one has counted is told `EVERY_MS` later at the latest.
 *   B2. One request at a time keeps it going. Should the platform end that one, a later request goes on.
 *   B3. What was counted is told once it has been: what did not arrive is told the next time.
 */

/** What it is made of. */
export interface WorkerPulseParts {
  /** Tells and asks. Rejects if that has not arrived. */
  exchange(): Promise<unknown>;
  /** Whether something is going on, whose end is to be told. */
  isBusy(): boolean;
  now(): number;
  sleep(ms: number): Promise<void>;
}

/** How soon after the first request something is told. */
const FIRST_MS = 500;
/** How often, at most. */
export const EVERY_MS = 5000;
/** How late whoever keeps it going may be before another one does. */
const LATE_MS = 2000;

export class WorkerPulse {
  readonly #parts: WorkerPulseParts;
  #lastAtMs = -Infinity;
  /** Until when somebody keeps it going. */
  #keptUntilMs = -Infinity;

  constructor(parts: WorkerPulseParts) {
    this.#parts = parts;
  }

  /** There is a request. Returns what is to be kept alive, if it is the one that keeps it going. */
  beat(): Promise<void> | undefined {
    return this.#parts.now() < this.#keptUntilMs ? undefined : this.#keep();
  }

  async #keep(): Promise<void> {
    const { exchange, isBusy, now, sleep } = this.#parts;
    do {
      const waitMs = Math.max(FIRST_MS, this.#lastAtMs + EVERY_MS - now());
      this.#keptUntilMs = now() + waitMs + LATE_MS;
      await sleep(waitMs);
      this.#lastAtMs = now();
      this.#keptUntilMs = this.#lastAtMs;
      await exchange().catch(() => {});
    } while (isBusy() && now() >= this.#keptUntilMs);
  }
}
