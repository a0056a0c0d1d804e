/**
 * What is known of a request: what it was, what its client saw, and what of it ran. Types only.
 */
import type { Act, Passed } from "./app/steps.ts";
import type { App, Part } from "./project.ts";

/** How a request ended, as its client saw it. */
export type Outcome =
  // Answered as it should be, to the last byte.
  | "ok"
  // The handler's own error.
  | "failed"
  // It had begun, and was lost.
  | "lost"
  // It never began: a client may repeat it.
  | "refused"
  // Its deadline has passed, or it was cancelled, by the framework's own word.
  | "late"
  // The client itself has gone.
  | "left"
  // The connection ended before the answer did.
  | "broken"
  // Nobody listened.
  | "unreachable"
  // Answered as by success, and the answer is not right.
  | "wrong"
  // No end at all.
  | "stuck";

/** What a client saw. */
export interface Seen {
  readonly outcome: Outcome;
  /** For the reader of a failure. */
  readonly detail: string;
  /** What became of the steps that it was passed on as, where the answer says so. */
  readonly passed?: readonly Passed[];
}

/** A request, its client's side. */
export interface Request {
  readonly id: string;
  readonly route: string;
  readonly app: App;
  /** What was asked to go wrong in it. */
  readonly act?: Act;
  /** How many steps it is passed on as, where it is. */
  readonly count: number;
  /** How often each of them may run. */
  readonly runs: number;
  readonly sentAtMs: number;
  settledAtMs?: number;
  seen?: Seen;
}

/** Something that was done to the system, and how long it may show. */
export interface Disturbance {
  readonly n: number;
  readonly kind: string;
  readonly detail: string;
  /** Whose requests may be lost by it; none by most. */
  readonly loses: readonly Part[];
  readonly fromMs: number;
  untilMs?: number;
}
