/**
 * How much a replica has on its hands, over time.
 */
import type { LoadReport } from "../protocol/control.ts";

/** Averages a number that changes in steps, from one report to the next. */
export class LoadMeter {
  readonly #now: () => number;
  #value = 0;
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
    const nowMs = this.#now();
    this.#area += this.#value * (nowMs - this.#atMs);
    this.#atMs = nowMs;
    this.#value = value;
  }

  /** The average since the last report that was taken. */
  mean(): number {
    this.set(this.#value);
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
