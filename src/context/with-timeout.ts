/** Code that may never end, awaited all the same: the framework awaits no user code without this. */

/** Lets something happen once, after so many milliseconds. Returns what prevents it; a second time that does nothing. */
export type After = (ms: number, happen: () => void) => () => void;

/** By a timer of the platform's own: in a Worker, where a timer belongs to the request that set it, and for what comes rarely. */
export const after: After = (ms, happen) => {
  const timer = setTimeout(happen, ms);
  return () => clearTimeout(timer);
};

/** Resolves after so many milliseconds, by a timer of the platform's own that is never cleared. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** How long something may take. */
export interface Limit {
  readonly timeoutMs: number;
  /** What counts the time. */
  readonly after: After;
}

/**
 * The result of `promise`, or of `late()` after `timeoutMs`. What it was to wait for is over then: nothing keeps the replica awake.
 * What becomes of `promise` later changes nothing, and its rejection is handled.
 */
export async function within<T>(promise: Promise<T>, { timeoutMs, after }: Limit, late: () => T): Promise<T> {
  const { promise: timeout, resolve } = Promise.withResolvers<void>();
  const stop = after(timeoutMs, resolve);
  try {
    return await Promise.race([promise, timeout.then(late)]);
  } finally {
    stop();
  }
}

/** Code of the user's that has not ended when its time was up: it counts as failed, and is left behind. */
export class TookTooLong extends Error {
  override readonly name = "TookTooLong";

  constructor(timeoutMs: number) {
    super(`it took longer than ${timeoutMs} ms`);
  }
}

/**
 * The result of `act`, which may throw at once.
 *
 * @throws TookTooLong if there is none after `timeoutMs`.
 */
export function withinLimit<T>(act: () => T | PromiseLike<T>, limit: Limit): Promise<T> {
  return within((async () => act())(), limit, () => {
    throw new TookTooLong(limit.timeoutMs);
  });
}
