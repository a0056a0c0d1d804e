/**
 * Where a call was made and who awaits it, for the stack of an error that comes back.
 *
 * Split by what can be had when. Those that await the call are still there when it fails, however late they began to; V8 finds
 * them then, and they cost nothing before. The function that called `remote` is gone when the call fails. Its frame, which says
 * more only where somebody else awaits the call, is kept where code is written and tested; to keep it costs a call a tenth, so
 * deployed code does without.
 */

import { withCaller } from "../protocol/error-codec.ts";

/** What is kept of a call: its stack, formatted when somebody reads it. */
export interface CallSite {
  readonly stack?: string;
}

/** How many of the caller's frames an error shows, and how many of them are kept for every call. */
const CALLER_FRAMES = 4;
const KEPT_FRAMES = 1;

// V8's own, which the platform's types leave out.
const { captureStackTrace } = Error as { captureStackTrace?: (target: object, above: object) => void };

const NO_SITE: CallSite = {};
let isKept = true;

/** Says whether the frames of calls are kept from now on, in this isolate. */
export function keepCallSites(keep: boolean): void {
  isKept = keep;
}

/** The frame of whoever called `entry`; nothing where these are not kept. */
export function callSiteOf(entry: object): CallSite {
  return isKept ? stackAbove(entry, KEPT_FRAMES) : NO_SITE;
}

/**
 * Puts those who await the call into the stack of `error`: below the frame of its call site, or above the replica's own where
 * that is not known.
 *
 * @param handler The rejection handler of a promise that calls this: V8 follows that promise to whoever awaits it.
 */
export function addAwaiters(error: Error, { stack: kept }: CallSite, handler: object): void {
  const [site] = framesOf(kept);
  const { stack } = error;
  if (stack === undefined) return;
  const awaiters = framesOf(stackAbove(handler, CALLER_FRAMES + 1).stack).filter((frame) => !NODES_OWN.test(frame));
  // Who called and who awaits is mostly the same function, at two places of one line.
  if (site !== undefined && awaiters[0] !== undefined && functionOf(awaiters[0]) === functionOf(site)) awaiters.shift();
  const frames = (site === undefined ? awaiters : [site, ...awaiters]).slice(0, CALLER_FRAMES);
  const value = site === undefined ? withCaller(stack, frames) : stack.replace(site, () => frames.join("\n"));
  Object.defineProperty(error, "stack", { value, configurable: true, writable: true });
}

/** The stack of whoever called `entry`: so many frames of it, and no more than errors have. */
export function stackAbove(entry: object, frames = Infinity): CallSite {
  const errors = Error as { stackTraceLimit?: number };
  const limit = errors.stackTraceLimit;
  const callSite: CallSite = {};
  // Not a number where somebody has switched stacks off.
  if (captureStackTrace === undefined || typeof limit !== "number") return callSite;
  errors.stackTraceLimit = Math.min(limit, frames);
  captureStackTrace(callSite, entry);
  errors.stackTraceLimit = limit;
  return callSite;
}

/** Under every promise's handler in Node. */
const NODES_OWN = /processTicksAndRejections/;

function framesOf(stack = ""): string[] {
  return stack.split("\n").filter((line) => /^\s+at /.test(line));
}

// Its name and file, without line and column.
function functionOf(frame: string): string {
  return frame.replace(/^\s+at (async )?/, "").replace(/:\d+:\d+\)?$/, "");
}
