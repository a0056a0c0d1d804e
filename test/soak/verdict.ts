/**
 * Whether a soak passes.
 */
import type { Slope } from "./slope.ts";

/** What a request may leave behind for ever, at most. */
export const MAX_BYTES = 8;
/** In a shorter run the interval is wider than what it is to find: then only the answers and the objects count. */
export const MIN_REQUESTS = 200_000;

/** What was measured. */
export interface Soaked {
  readonly requests: number;
  /** By what was measured: the heap, and the process. */
  readonly slopes: Readonly<Record<string, Slope>>;
  /** Durable Objects, and how many there should be. */
  readonly objects: number;
  readonly expectedObjects: number;
  /** Answers that were not as they should be. */
  readonly wrong: readonly string[];
}

/** What is wrong, in a sentence each; empty when the soak passes. */
export function faultsOf({ requests, slopes, objects, expectedObjects, wrong }: Soaked): string[] {
  const faults = wrong.map((answer) => `A wrong answer: ${answer}.`);
  if (objects !== expectedObjects)
    faults.push(`There are ${objects} Durable Objects, and the replicas and the control plane are ${expectedObjects}.`);
  if (requests < MIN_REQUESTS) return faults;
  for (const [what, { estimate, low, high }] of Object.entries(slopes)) {
    const interval = `${estimate.toFixed(2)} bytes a request, 95 % interval ${low.toFixed(2)} to ${high.toFixed(2)}`;
    if (low > 0) faults.push(`The ${what} grows: ${interval}.`);
    else if (high >= MAX_BYTES)
      faults.push(`Whether the ${what} grows is not known well enough: ${interval}, and the upper end must be under ${MAX_BYTES}.`);
  }
  return faults;
}
