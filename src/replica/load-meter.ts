/**
 * How much a replica has on its hands, over time.
 */
import type { LoadReport } from "../protocol/control.ts";

/** Averages a number that changes in steps, from one report to the next. Whoever reports looks at it; nobody is told. */
export class LoadMeter {
  readonly #now: () => number;
  #value = 0;
  /** How often the number has been set: whoever looks again sees whether something happened meanwhile. */
  changes = 0;
  /** Called before the number becomes more than 0. */
  began: (() => void) | undefined;
  /** Since when the value holds. */
  #atMs: number;
  #sinceMs: number;
  /** The value, added up over the milliseconds since `#sinceMs`. */
  #area = 0;

  constructor(now: () => number) {
    this.#now = now;
    this.#atMs = this.#sinceMs = now();
  }

  /** The number is `value` from now on. */
  set(value: number): void {
    if (this.#value === 0 && value > 0) this.began?.();
    this.changes++;
    this.#hold(value);
  }

  /** The number now. */
  get value(): number {
    return this.#value;
  }

  #hold(value: number): void {
    const nowMs = this.#now();
    this.#area += this.#value * (nowMs - this.#atMs);
    this.#atMs = nowMs;
    this.#value = value;
  }

  /** The average since the last report that was taken. */
  mean(): number {
    this.#hold(this.#value);
    return this.#atMs > this.#sinceMs ? this.#area / (this.#atMs - this.#sinceMs) : this.#value;
  }

  /** The time since the last report that was taken; starts the next. */
  take(): Pick<LoadReport, "sinceMs" | "untilMs" | "mean"> {
    const mean = this.mean();
    const [sinceMs, untilMs] = [this.#sinceMs, this.#atMs];
    this.#sinceMs = untilMs;
    this.#area = 0;
    return { sinceMs, untilMs, mean };
  }

  /** Begins anew, after a time without reports: what was then is not part of the next one. */
  restart(): void {
    this.#atMs = this.#sinceMs = this.#now();
    this.#area = 0;
  }
}
