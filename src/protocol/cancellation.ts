/**
 * How a caller stops a request wherever it is just then: about to be sent, waiting, running.
 */

/** One request's cancellation: the caller's end cancels, the router's end listens. */
export class Cancellation {
  #reason: unknown;
  #isCancelled = false;
  #listener: ((reason: unknown) => void) | undefined;

  /** Stops the request; a second time does nothing. */
  cancel(reason: unknown): void {
    if (this.#isCancelled) return;
    this.#isCancelled = true;
    this.#reason = reason;
    this.#listener?.(reason);
  }

  /** Sets who is told; whoever was set before is not told any more. */
  listen(listener: ((reason: unknown) => void) | undefined): void {
    this.#listener = listener;
  }

  /** Throws the reason once the request is cancelled. */
  check(): void {
    if (this.#isCancelled) throw this.#reason;
  }
}
