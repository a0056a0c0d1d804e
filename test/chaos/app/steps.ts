/**
 * What a request asks of the application, and what the application answers. Shared by both sides; types only.
 */

/** What user code does wrong, and when. */
export type Act =
  // The object ends: with the row of the run not yet written, when it is written, and in the middle of the work.
  | "abort at once"
  | "abort after write"
  | "abort working"
  | "abort streaming"
  | "abort in batch"
  | "abort loading"
  // The run never ends: one heeds its signal, the other does not.
  | "hang"
  | "hang deaf"
  | `throw ${Thrown}`
  | `answer ${Answered}`
  // The object's next health checks fail, or never end; so does its end, when it comes.
  | "fall ill"
  | "hang in check"
  | "hang in dispose";

export type Thrown = "error" | "cycle" | "huge" | "text" | "nothing" | "bare object" | "getter" | "class";
export type Answered = "function" | "symbol" | "used response" | "error response" | "nested handle";

/** One piece of work for one deployment. */
export interface Step {
  /** No other step has it, in any run of this system. */
  readonly id: string;
  /** Milliseconds that it works. */
  readonly ms: number;
  readonly act?: Act;
  /** Of a stream: how many it gives. */
  readonly items?: number;
  /** Passed on so many times at once, and what is to go wrong goes wrong in the middle one. */
  readonly count?: number;
  readonly model?: string;
  readonly key?: string;
}

/** How a front passes a step on. */
export type Way = "call" | "keyed" | "object" | "eager" | "batch" | "model" | "elastic" | "broadcast" | "items" | "task";

/** What became of a step that was passed on, as the caller's code saw it. */
export interface Passed {
  readonly id: string;
  /** Whether it was answered; then `value` is what it said. */
  readonly isAnswered: boolean;
  readonly value?: unknown;
  readonly error?: SeenError;
}

/** An error, as far as it says what became of the request. */
export interface SeenError {
  readonly name?: string;
  readonly code?: string;
  readonly message: string;
  readonly status?: number;
  readonly retryAfterMs?: number;
}

/** What a front answers when it has passed a step on. */
export interface FrontAnswer {
  readonly id: string;
  readonly passed: readonly Passed[];
}

/** Something that ran in an object, as the object itself wrote it down. */
export interface Happened {
  readonly kind: "object" | "constructor" | "alarm" | "timer" | "run" | "item" | "load" | "begun" | "ended" | "counted" | "outcome";
  /** Of a run or an item: the step. Of an outcome that was stored: the task. Of what was counted: the step and the count, as `step#count`. Of an attempt that has begun or ended: the step, its number and the task, as `step#number#task`. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /** The object's name. */
  readonly who: string;
}
