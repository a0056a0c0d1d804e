/**
 * The requests that a replica runs.
 *
 * Owns: what a request holds while it runs, and that all of it is given back when it is over.
 * Does not own: user code (replica.ts), who may run (admission.ts), what is measured (replica-meter.ts).
 */
import type { RequestScope } from "../context/scope.ts";
import type { Slot } from "./admission.ts";
import type { Running } from "./health.ts";
import type { Failed, ReplicaMeter } from "./replica-meter.ts";

/** A request that runs, and what it holds. */
export interface Run {
  readonly id: string;
  readonly slot: Slot;
  readonly scope: RequestScope;
  readonly startedAtMs: number;
  /** When the last of it was sent; 0 until then. */
  endedAtMs: number;
  /** Whether its method has answered, and the answer is being sent. */
  isAnswered: boolean;
}

export class Runs {
  readonly #runs = new Map<string, Run>();
  readonly #meter: Pick<ReplicaMeter, "ran">;
  readonly #now: () => number;
  /** When one came to its end last. */
  lastFinishedAtMs = 0;

  constructor(meter: Pick<ReplicaMeter, "ran">, now: () => number) {
    this.#meter = meter;
    this.#now = now;
  }

  /** A request with a slot begins. */
  begin(id: string, slot: Slot, scope: RequestScope): Run {
    const run: Run = { id, slot, scope, startedAtMs: this.#now(), endedAtMs: 0, isAnswered: false };
    this.#runs.set(id, run);
    return run;
  }

  /**
   * A request is over. What it held of the replica is free when its listeners hear of it, and whatever they do.
   *
   * @returns `false` if it was over already.
   */
  finish(run: Run, failed?: Failed): boolean {
    if (run.endedAtMs !== 0) return false;
    run.endedAtMs = this.lastFinishedAtMs = this.#now();
    this.#runs.delete(run.id);
    run.slot.release();
    try {
      this.#meter.ran(run, failed);
    } finally {
      run.scope.end();
    }
    return true;
  }

  /** The request with this id sees its signal abort, if it runs. */
  abort(id: string, reason: unknown): void {
    this.#runs.get(id)?.scope.abort(reason);
  }

  /** So do all that run. */
  abortAll(reason: unknown): void {
    for (const { scope } of this.#runs.values()) scope.abort(reason);
  }

  /** Those that run now, as far as being stuck is concerned. A client may leave a socket alone that it has been given. */
  running(): Running[] {
    return [...this.#runs.values()].map(({ startedAtMs, scope, isAnswered }) => ({
      startedAtMs,
      deadline: scope.deadline,
      abandonedAtMs: isAnswered ? undefined : scope.abandonedAtMs,
    }));
  }
}
