/**
 * Whether a replica is well: its own `checkHealth`, and whether its requests still come to an end.
 *
 * Pure but for the check itself, which is handed in. Ray Serve's numbers: three failures in a row, and one success
 * starts over.
 */

/** What is wrong; `undefined` when nothing is. */
export type Complaint = string | undefined;

const FAILURES = 3;

/** Counts failures of `checkHealth` in a row. */
export class HealthCount {
  #failures = 0;

  /** @param failure What the check threw, or that it took too long; `undefined` for a success. */
  note(failure: string | undefined): Complaint {
    this.#failures = failure === undefined ? 0 : this.#failures + 1;
    if (this.#failures < FAILURES) return undefined;
    return `checkHealth failed ${this.#failures} times in a row. The last time: ${failure}`;
  }
}

/** A request that runs, as far as being stuck is concerned. */
export interface Running {
  readonly startedAtMs: number;
  /** In milliseconds since the epoch. */
  readonly deadline: number | undefined;
  /** Since when its caller has gone while its method runs. In milliseconds since the epoch. */
  readonly abandonedAtMs?: number | undefined;
}

/**
 * Finds a replica that is half alive: its health check passes, and its requests hang (Ray's issue #63261).
 *
 * The evidence is requests that are still running although nobody waits for them any more: three of them, or as many as
 * the replica runs at once, and nothing has come to an end since the first of those began. A deadline is what a request may take.
 * A caller who leaves has set none, and its request has `graceMs` to end.
 */
export function findStuck(
  running: Iterable<Running>,
  {
    nowMs,
    lastFinishedAtMs,
    maxOngoingRequests,
    graceMs,
  }: { readonly nowMs: number; readonly lastFinishedAtMs: number; readonly maxOngoingRequests: number; readonly graceMs: number },
): Complaint {
  const overdue = [...running].filter(({ deadline = Infinity, abandonedAtMs = Infinity, startedAtMs }) => {
    return startedAtMs > lastFinishedAtMs && Math.min(deadline, abandonedAtMs + graceMs) < nowMs;
  });
  if (overdue.length < Math.min(FAILURES, maxOngoingRequests)) return undefined;
  return `${overdue.length} requests still run after their deadline, or long after their caller has left, and none has finished since the first of them began.`;
}
