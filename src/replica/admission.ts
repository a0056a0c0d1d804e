/**
 * Which requests a replica runs, which wait, and which it refuses.
 *
 * Owns: the slots and the queue. Does not own: what a request does, or whether another replica would take it.
 *
 * Invariants:
 *   A1. Never more than `maxOngoingRequests` hold a slot.
 *   A2. Waiting requests get slots in the order in which they came.
 *   A3. Never more than `maxQueuedRequests` wait; -1 is no limit.
 *   A4. A claim never overtakes: while one request waits, claims are refused.
 *   A5. A request that was withdrawn, or whose deadline passed while it waited, never gets a slot.
 *   A6. Every slot is given back once.
 */
import { RequestTimeoutError } from "../protocol/errors.ts";
import type { Load } from "../protocol/messages.ts";

/** How much a replica takes on. */
export interface AdmissionLimits {
  readonly maxOngoingRequests: number;
  readonly maxQueuedRequests: number;
}

interface Waiter {
  readonly deadline: number | undefined;
  readonly resolve: (slot: Slot) => void;
  readonly reject: (reason: unknown) => void;
}

/** The right to run one request. */
export class Slot {
  readonly #release: () => void;
  #isHeld = true;

  constructor(release: () => void) {
    this.#release = release;
  }

  /** Gives the slot back; a second time does nothing. */
  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#release();
  }
}

export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #now: () => number;
  // By call, in the order of arrival.
  readonly #waiting = new Map<string, Waiter>();
  #ongoing = 0;

  constructor(limits: AdmissionLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  get load(): Load {
    return { ongoing: this.#ongoing, queued: this.#waiting.size };
  }

  /** A slot if one is free and nobody waits for it; `undefined` otherwise. */
  claim(): Slot | undefined {
    return this.#ongoing < this.#limits.maxOngoingRequests && this.#waiting.size === 0 ? this.#take() : undefined;
  }

  /**
   * A slot, at once or in turn; `undefined` if the queue is full.
   *
   * @param id By which {@link withdraw} finds the request.
   * @returns A promise that rejects with what the request was withdrawn for, or when its deadline has passed.
   */
  queue(id: string, deadline: number | undefined): Slot | Promise<Slot> | undefined {
    const slot = this.claim();
    if (slot !== undefined) return slot;
    const { maxQueuedRequests } = this.#limits;
    if (maxQueuedRequests !== -1 && this.#waiting.size >= maxQueuedRequests) return undefined;
    return new Promise((resolve, reject) => this.#waiting.set(id, { deadline, resolve, reject }));
  }

  /** Takes a waiting request out of the queue; `false` if it does not wait. */
  withdraw(id: string, reason: unknown): boolean {
    const waiter = this.#waiting.get(id);
    if (waiter === undefined) return false;
    this.#waiting.delete(id);
    waiter.reject(reason);
    return true;
  }

  #take(): Slot {
    this.#ongoing++;
    return new Slot(() => {
      this.#ongoing--;
      this.#admitNext();
    });
  }

  #admitNext(): void {
    for (const [id, { deadline, resolve, reject }] of this.#waiting) {
      this.#waiting.delete(id);
      if (deadline === undefined || deadline > this.#now()) return resolve(this.#take());
      reject(new RequestTimeoutError("The request's deadline passed while it waited for a replica."));
    }
  }
}
