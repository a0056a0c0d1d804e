/**
 * What a replica counts of its answers while its application is one side of a canary, and when it says so.
 *
 * Invariants:
 *   F1. Without such requests there is no timer, and nothing is sent.
 *   F2. While they come, the controller hears of them at least every `TELL_MS`, or as seldom as it asks for.
 *   F3. What is told is all that was counted since the replica was started: a report that is lost does no harm.
 *   F4. Where there are so many replicas that each is to tell less often, those that begin together do not tell together: the controller hears
 *       as much in every second, and soon after `TELL_MS` of a part of them that stands for all.
 */
import type { After } from "../context/with-timeout.ts";
import { FigureLog } from "../traffic/figure-log.ts";
import { isHeard, type Membership } from "./membership.ts";
import { Pulse } from "./pulse.ts";

/** How old figures are at most when they leave the replica. Its controller, and the one object that judges them, are told next. */
const TELL_MS = 2000;
/** How long the controller may take to hear them. */
const REPORT_TIMEOUT_MS = 5000;

/** What is told, and how. */
export interface CanaryFiguresParts {
  readonly membership: Pick<Membership, "report" | "reportMs">;
  /** When the replica was started. */
  readonly startedAtMs: number;
  sleep(ms: number): Promise<void>;
  random(): number;
  readonly after: After;
}

export class CanaryFigures {
  readonly #parts: CanaryFiguresParts;
  readonly #log = new FigureLog();
  readonly #pulse: Pulse;
  #hasNews = false;
  /** Whether it goes on telling, at the place in the interval that it was given at first. */
  #isInStep = false;

  constructor(parts: CanaryFiguresParts) {
    this.#parts = parts;
    this.#pulse = new Pulse({ sleep: parts.sleep, intervalMs: () => this.#intervalMs(), beat: () => this.#tell() });
  }

  #intervalMs(): number {
    const { membership, random } = this.#parts;
    const moreMs = Math.max(0, membership.reportMs - TELL_MS);
    if (this.#isInStep) return TELL_MS + moreMs;
    this.#isInStep = true;
    return TELL_MS + random() * moreMs;
  }

  /** Counts an answer. @param window What the request was sent with; above 0. */
  count(window: number, durationMs: number, isError: boolean): void {
    this.#log.count(window, durationMs, isError);
    this.#hasNews = true;
    this.#pulse.start();
  }

  async #tell(): Promise<boolean> {
    this.#isInStep = this.#hasNews;
    if (!this.#hasNews) return false;
    this.#hasNews = false;
    const { membership, startedAtMs, after } = this.#parts;
    const told = membership.report({ kind: "alive" }, undefined, { run: startedAtMs, counts: this.#log.counts() });
    // Told again, also if no other request comes.
    if (!(await isHeard(told, { timeoutMs: REPORT_TIMEOUT_MS, after }))) this.#hasNews = true;
    return this.#hasNews;
  }
}
