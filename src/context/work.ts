/**
 * One request of a Worker: what all calls have in common that are made for it, and run in its isolate.
 *
 * The platform may end a request without a word: because its client has gone, because it would wait for ever. It settles a promise in the
 * request that made it, and drops that where the request is no more. Nothing else tells.
 *
 * Invariants:
 *   K1. The request goes on until all that runs for it has ended, although its client has gone, as long as the platform lets it.
 *   K2. A request that has been ended is found by asking: it does not answer.
 */

/** How long a request may take to say that it is there. */
const ANSWER_MS = 1000;

export class Work {
  #open = 0;
  #end: (() => void) | undefined;
  readonly #keepAlive: ((promise: Promise<unknown>) => void) | undefined;
  #ask!: () => void;
  /** Since when it has been asked, and has not answered; 0 is not at all. */
  #askedAtMs = 0;

  /** Made in the request itself. */
  constructor(keepAlive: ((promise: Promise<unknown>) => void) | undefined) {
    this.#keepAlive = keepAlive;
    this.#arm();
  }

  /** Something runs for it. */
  enter(): void {
    if (this.#open++ === 0) this.#keepAlive?.(new Promise<void>((resolve) => (this.#end = resolve)));
  }

  /** It has ended. */
  leave(): void {
    if (--this.#open === 0) this.#end?.();
  }

  /** Asks whether the request is there. */
  ask(nowMs: number): void {
    if (this.#askedAtMs !== 0) return;
    this.#askedAtMs = nowMs;
    this.#ask();
  }

  /** Whether it has been asked, and should have answered. */
  isOver(nowMs: number): boolean {
    return this.#askedAtMs !== 0 && nowMs - this.#askedAtMs >= ANSWER_MS;
  }

  #arm(): void {
    void new Promise<void>((resolve) => (this.#ask = resolve)).then(() => {
      this.#askedAtMs = 0;
      this.#arm();
    });
  }
}
