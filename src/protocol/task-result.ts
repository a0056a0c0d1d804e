/**
 * From what has become of a task to what its caller gets: the value, or the error.
 */
import { decodeError, type WireError } from "./error-codec.ts";
import { RequestCancelledError, RequestTimeoutError } from "./errors.ts";
import type { ResultWait, TaskOutcome } from "./tasks.ts";
import { decodeText } from "./text-codec.ts";

/** How long one question waits for an outcome, in milliseconds. */
const POLL_MS = 20_000;

/**
 * What a task has returned, as soon as it has.
 *
 * @param outcome Asks for its outcome, and waits at most so long for it.
 * @throws The method's own error after the last attempt; RequestCancelledError; RequestTimeoutError after `timeoutMs`, and the task
 * goes on; what `outcome` throws.
 */
export async function resultOf(
  id: string,
  outcome: (waitMs: number) => Promise<TaskOutcome>,
  { timeoutMs, callerStack }: ResultWait,
  now: () => number,
): Promise<unknown> {
  const untilMs = timeoutMs === undefined ? Infinity : now() + timeoutMs;
  for (;;) {
    const { state, result = "[]" } = await outcome(Math.max(0, Math.min(POLL_MS, untilMs - now())));
    if (state === "SUCCEEDED") return decodeText(result);
    if (state === "FAILED") throw decodeError(decodeText(result) as WireError, callerStack);
    if (state === "CANCELLED") throw new RequestCancelledError(`Task ${id} was cancelled.`);
    if (now() >= untilMs) throw new RequestTimeoutError(`Task ${id} has not finished within ${timeoutMs} ms. It goes on.`);
  }
}
