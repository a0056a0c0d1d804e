/**
 * How long a request waits before it is sent once more.
 */
const BASE_MS = 20;
const MAX_MS = 500;

/** Full jitter: anything from nothing up to a bound that doubles with each attempt, counted from 0. In milliseconds. */
export function backoffMs(attempt: number, random: () => number): number {
  return Math.floor(random() * Math.min(MAX_MS, BASE_MS * 2 ** attempt));
}
