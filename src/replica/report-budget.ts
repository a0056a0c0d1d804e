/**
 * How often a replica may tell its controller something before it is due.
 *
 * The first and the last requests of a burst are told at once, so that whoever scrapes sees it begin and end. Many bursts an
 * hour would make many messages, so there is a stock of such reports, which fills up slowly; when it is empty, what there is
 * to tell waits until it is due.
 */

/** How many reports there are at most. */
const STOCK = 20;
/** How long it takes until there is one more, in milliseconds: ten an hour, besides the ninety that are due. */
const REFILL_MS = 360_000;

export class ReportBudget {
  readonly #now: () => number;
  #stock = STOCK;
  #atMs: number;

  constructor(now: () => number) {
    this.#now = now;
    this.#atMs = now();
  }

  /** Whether something may be told now. */
  get isLeft(): boolean {
    const nowMs = this.#now();
    this.#stock = Math.min(STOCK, this.#stock + (nowMs - this.#atMs) / REFILL_MS);
    this.#atMs = nowMs;
    return this.#stock >= 1;
  }

  /** Something has been told. */
  take(): void {
    this.#stock -= 1;
  }
}
