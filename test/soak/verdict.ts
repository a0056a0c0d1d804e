/**
 * Whether a soak passes.
 */
import { differenceOf, type Slope } from "./slope.ts";

/** What a request may leave behind for ever, at most. */
export const MAX_BYTES = 8;
/** How often a second the controller may be asked, however many keys there are: by a replica, and for the objects of a deployment. */
export const MAX_ASKED = 2;
/** In a shorter run the interval is wider than what it is to find: then only the answers and the objects count. */
export const MIN_REQUESTS = 200_000;

/** What was measured. */
export interface Soaked {
  readonly requests: number;
  /** Of the isolate's heap, after a collection. */
  readonly heap: Slope;
  /** Of the process's anonymous memory. */
  readonly anonymous: Slope;
  /** The same of a process that runs a Worker without edge-serve. */
  readonly bare: Slope;
  /** Durable Objects, and how many there should be. */
  readonly objects: number;
  readonly expectedObjects: number;
  /** How often a second the controller was asked, where that was counted. */
  readonly askedEachSecond?: number | undefined;
  /** Answers that were not as they should be. */
  readonly wrong: readonly string[];
}

/** What is wrong, in a sentence each; empty when the soak passes. */
export function faultsOf({ requests, heap, anonymous, bare, objects, expectedObjects, askedEachSecond = 0, wrong }: Soaked): string[] {
  const faults = wrong.map((answer) => `A wrong answer: ${answer}.`);
  if (askedEachSecond > MAX_ASKED)
    faults.push(`The controller was asked ${askedEachSecond.toFixed(2)} times a second, and may be asked ${MAX_ASKED} times.`);
  if (objects !== expectedObjects)
    faults.push(`There are ${objects} Durable Objects, and the replicas and the control plane are ${expectedObjects}.`);
  if (requests < MIN_REQUESTS) return faults;
  if (heap.low > 0) faults.push(`The heap grows: ${textOf(heap)}.`);
  else if (heap.high >= MAX_BYTES)
    faults.push(`Whether the heap grows is not known well enough: ${textOf(heap)}, and the upper end must be under ${MAX_BYTES}.`);
  const more = differenceOf(anonymous, bare);
  if (more.low > 0) faults.push(`The process grows more than one without edge-serve: by ${textOf(more)}.`);
  return faults;
}

/** A slope in words. */
export function textOf({ estimate, low, high }: Pick<Slope, "estimate" | "low" | "high">): string {
  return `${estimate.toFixed(2)} bytes a request, 95 % interval ${low.toFixed(2)} to ${high.toFixed(2)}`;
}
