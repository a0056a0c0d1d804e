/** Code that may never end, awaited all the same: the framework awaits no user code without this. */

/**
 * The result of `promise`, or of `late()` after `timeoutMs`. Leaves no timer behind: one would keep the replica awake.
 * What becomes of `promise` later changes nothing, and its rejection is handled.
 */
export async function within<T>(promise: Promise<T>, timeoutMs: number, late: () => T): Promise<T> {
  const { promise: timeout, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timeoutMs);
  try {
    return await Promise.race([promise, timeout.then(late)]);
  } finally {
    clearTimeout(timer);
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
export function withinLimit<T>(act: () => T | PromiseLike<T>, timeoutMs: number): Promise<T> {
  return within((async () => act())(), timeoutMs, () => {
    throw new TookTooLong(timeoutMs);
  });
}

/** Lets something happen once, later. Returns what prevents it. */
export type After = (ms: number, happen: () => void) => () => void;

/** By the platform's timers. */
export const after: After = (ms, happen) => {
  const timer = setTimeout(happen, ms);
  return () => clearTimeout(timer);
};
