/**
 * The deadline of something that is waited for: when it passes, whoever waits goes on, whatever still runs.
 */
import { after } from "../context/with-timeout.ts";
import { RequestTimeoutError } from "../protocol/errors.ts";

/** One deadline. One wait at a time is ended by it. */
export class Deadline {
  readonly #stop: (() => void) | undefined;
  #passed: RequestTimeoutError | undefined;
  #end: ((reason: unknown) => void) | undefined;

  /**
   * @param timeoutMs From now; `undefined` is no deadline.
   * @param onPassed Called once, when it passes: stops what runs.
   */
  constructor(timeoutMs: number | undefined, onPassed: (reason: RequestTimeoutError) => void) {
    if (timeoutMs === undefined) return;
    this.#stop = after(timeoutMs, () => {
      this.#passed = new RequestTimeoutError("The request's deadline has passed.");
      this.#end?.(this.#passed);
      onPassed(this.#passed);
    });
  }

  /** What `result` comes to, or a rejection when the deadline passes first. */
  wait<T>(result: Promise<T>): Promise<T> {
    if (this.#stop === undefined) return result;
    return new Promise((resolve, reject) => {
      this.#end = reject;
      result.then(resolve, reject);
      if (this.#passed !== undefined) reject(this.#passed);
    });
  }

  /** Nothing is waited for any more. */
  over(): void {
    this.#stop?.();
  }
}
