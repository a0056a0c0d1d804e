/**
 * The queues of a batched function where requests share nothing: in a Worker a request cannot wait for what another one does. So each
 * request has a queue of its own, for all that is called for it, and they are counted together.
 *
 * Invariants:
 *   U1. Nothing that is bound to a request outlives it here: a queue goes with the request.
 */
import { currentScope } from "../context/scope.ts";
import type { BatchLimits, BatchSettings } from "./options.ts";
import type { BatchQueue } from "./queue.ts";
import { BatchCounters } from "./stats.ts";

/** What the queues have in common. */
export interface UnsharedParts {
  readonly settings: BatchSettings;
  readonly counters: BatchCounters;
}

/** Those of one instance. */
export class UnsharedQueues implements UnsharedParts {
  readonly counters = new BatchCounters();
  settings: BatchSettings;
  // By what the calls of one request have in common.
  readonly #queues = new WeakMap<object, BatchQueue>();

  constructor(settings: BatchSettings) {
    this.settings = settings;
  }

  /** Changes limits, for all batches from now on. */
  configure(change: Partial<BatchLimits>): void {
    this.settings = { ...this.settings, ...change };
  }

  /** The queue of the request that is being handled. What runs in none, as `setup()`, has one for each call. */
  queueHere(make: (parts: UnsharedParts) => BatchQueue): BatchQueue {
    const work = currentScope()?.request?.work;
    if (work === undefined) return make(this);
    let queue = this.#queues.get(work);
    if (queue === undefined) this.#queues.set(work, (queue = make(this)));
    return queue;
  }
}
