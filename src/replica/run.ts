/**
 * A request while a replica runs it, and all of those.
 *
 * Owns: what a request holds while it runs, and that all of it is given back when it is over.
 * Does not own: user code (replica.ts), who may run (admission.ts), what is measured (replica-meter.ts).
 */
import type { ClientWatch } from "../context/client-watch.ts";
import { type ReplicaScope, RequestScope, type Scope } from "../context/scope.ts";
import { writeLog } from "../context/logger.ts";
import { workHere } from "../context/work-here.ts";
import { RequestCancelledError, RequestTimeoutError } from "../protocol/errors.ts";
import type { RequestMeta } from "../protocol/messages.ts";
import type { Slot } from "./admission.ts";
import type { Running } from "./health.ts";
import type { Failed, ReplicaMeter } from "./replica-meter.ts";

/** The HTTP request that runs, and who listens to its client. */
export interface Source {
  readonly request: { readonly signal: AbortSignal };
  readonly clients: ClientWatch | undefined;
}

/** A request that runs: the scope of its code, and what it holds. One object, because each request makes one. */
export class Run extends RequestScope implements Scope {
  readonly replica: ReplicaScope;
  readonly id: string;
  readonly slot: Slot;
  readonly startedAtMs: number;
  /** When the last of it was sent; 0 until then. */
  endedAtMs = 0;
  /** Whether its method has answered, and the answer is being sent. */
  isAnswered = false;

  constructor(replica: ReplicaScope, meta: RequestMeta, { id, slot, nowMs, source }: Begun) {
    super(meta, source?.request, source?.clients);
    this.replica = replica;
    this.id = id;
    this.slot = slot;
    this.startedAtMs = nowMs;
  }

  get request(): RequestScope {
    return this;
  }

  override get key(): string | undefined {
    return this.replica.context.key ?? this.meta.key;
  }
}

/** How a request began. */
export interface Begun {
  /** Of its delivery. */
  readonly id: string;
  readonly slot: Slot;
  readonly nowMs: number;
  /** Missing for a call. */
  readonly source?: Source;
}

/** How long after its deadline a call is left to its caller, which cancels it. */
const GRACE_MS = 1000;
/** How long after its deadline a request may go on running in the object of a key. */
const STUCK_MS = 30_000;

/** What the requests of a replica need of it. */
interface RunsParts {
  now(): number;
  /** Lets a request come to its end although its client has gone, where the platform would end it otherwise. */
  readonly keepAlive?: ((promise: Promise<unknown>) => void) | undefined;
  /** Told when a request has run for {@link STUCK_MS} beyond its deadline. */
  readonly stuck?: (() => void) | undefined;
}

export class Runs {
  readonly #runs = new Map<string, Run>();
  readonly #replica: ReplicaScope;
  readonly #meter: Pick<ReplicaMeter, "ran">;
  readonly #now: () => number;
  readonly #keepAlive: ((promise: Promise<unknown>) => void) | undefined;
  readonly #stuck: (() => void) | undefined;
  /** When one came to its end last. */
  lastFinishedAtMs = 0;

  constructor(replica: ReplicaScope, meter: Pick<ReplicaMeter, "ran">, { now, keepAlive, stuck }: RunsParts) {
    this.#replica = replica;
    this.#meter = meter;
    this.#now = now;
    this.#keepAlive = keepAlive;
    this.#stuck = stuck;
  }

  /** A request with a slot begins. */
  begin(meta: RequestMeta, id: string, slot: Slot, source?: Source): Run {
    const nowMs = this.#now();
    const run = new Run(this.#replica, meta, source === undefined ? { id, slot, nowMs } : { id, slot, nowMs, source });
    this.#runs.set(id, run);
    if (this.#replica.isUnshared === true) (run.work = workHere(this.#keepAlive)).enter();
    if (meta.deadline !== undefined) {
      if (source === undefined) this.#limit(run, meta.deadline - nowMs);
      if (this.#stuck !== undefined) this.#limitStuck(run, meta.deadline - nowMs, this.#stuck);
    }
    return run;
  }

  // Whoever waits for a call keeps its clock, and may be gone. The client of an HTTP request is the platform's to watch.
  #limit(run: Run, leftMs: number): void {
    const late = () => run.abort(new RequestTimeoutError("The request's deadline has passed, and its caller has gone."));
    run.onEnd(this.#replica.after(Math.max(0, leftMs) + GRACE_MS, late));
  }

  // No other object can take the place of one that does not come to an end.
  #limitStuck(run: Run, leftMs: number, overdue: () => void): void {
    run.onEnd(this.#replica.after(Math.max(0, leftMs) + STUCK_MS, overdue));
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
    run.work?.leave();
    try {
      this.#meter.ran(run, failed);
    } finally {
      run.end();
    }
    return true;
  }

  /**
   * Ends the requests that the platform has ended without a word, and asks those that it may have: called where no slot is free.
   *
   * @returns Whether there were any.
   */
  endLost(): boolean {
    const nowMs = this.#now();
    let hasEnded = false;
    for (const run of this.#runs.values()) {
      if (run.work?.isOver(nowMs) === true) {
        const error = new RequestCancelledError(
          "The platform has ended the request: its client has gone, or it waited for what never comes.",
        );
        writeLog("WARNING", error.message, undefined, run);
        hasEnded = this.finish(run, { error }) || hasEnded;
      } else run.work?.ask(nowMs);
    }
    return hasEnded;
  }

  /** The request with this id sees its signal abort, if it runs. */
  abort(id: string, reason: unknown): void {
    this.#runs.get(id)?.abort(reason);
  }

  /** So do all that run. */
  abortAll(reason: unknown): void {
    for (const run of this.#runs.values()) run.abort(reason);
  }

  /** Those that run now, as far as being stuck is concerned. A client may leave a socket alone that it has been given. */
  running(): Running[] {
    return [...this.#runs.values()].map((run) => ({
      startedAtMs: run.startedAtMs,
      deadline: run.deadline,
      abandonedAtMs: run.isAnswered ? undefined : run.abandonedAtMs,
    }));
  }
}
