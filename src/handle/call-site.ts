/**
 * Where a call was made and who awaits it, for the stack of an error that comes back.
 *
 * Split by what can be had when. The function that called `remote` is gone when the call fails, so its frame is kept for
 * every call, and only that: each more costs a call most of a microsecond. Those that await the call are still there
 * when it fails, however late they began to; V8 finds them then.
 */

/** What is kept of a call: its stack, formatted when somebody reads it. */
export interface CallSite {
  readonly stack?: string;
}

/** How many of the caller's frames an error shows, and how many of them are kept for every call. */
const CALLER_FRAMES = 4;
const KEPT_FRAMES = 1;

// V8's own, which the platform's types leave out.
const { captureStackTrace } = Error as { captureStackTrace?: (target: object, above: object) => void };

/** The frame of whoever called `entry`. */
export function callSiteOf(entry: object): CallSite {
  return stackAbove(entry, KEPT_FRAMES);
}

/**
 * Puts those who await the call below the frame of its call site in the stack of `error`, which shows that site.
 *
 * @param handler The rejection handler of a promise that calls this: V8 follows that promise to whoever awaits it.
 */
export function addAwaiters(error: Error, { stack: kept }: CallSite, handler: object): void {
  const [site] = framesOf(kept);
  const { stack } = error;
  if (site === undefined || stack === undefined) return;
  const awaiters = framesOf(stackAbove(handler, CALLER_FRAMES + 1).stack).filter((frame) => !NODES_OWN.test(frame));
  // Who called and who awaits is mostly the same function, at two places of one line.
  if (awaiters[0] !== undefined && functionOf(awaiters[0]) === functionOf(site)) awaiters.shift();
  const frames = [site, ...awaiters].slice(0, CALLER_FRAMES);
  Object.defineProperty(error, "stack", { value: stack.replace(site, () => frames.join("\n")), configurable: true, writable: true });
}

function stackAbove(entry: object, frames: number): CallSite {
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
