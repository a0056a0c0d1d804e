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
  #limits: AdmissionLimits;
  readonly #now: () => number;
  readonly #changed: ((load: number) => void) | undefined;
  #idle: (() => void)[] = [];
  // By call, in the order of arrival.
  readonly #waiting = new Map<string, Waiter>();
  #ongoing = 0;

  /** @param changed Told how many requests there are, running and waiting, whenever that changes. */
  constructor(limits: AdmissionLimits, now: () => number, changed?: (load: number) => void) {
    this.#limits = limits;
    this.#now = now;
    this.#changed = changed;
  }

  /** Takes on more or less from now on; what runs goes on. */
  setLimits(limits: AdmissionLimits): void {
    this.#limits = limits;
    this.#admitNext();
  }

  /** Resolves when nothing runs and nothing waits. */
  whenIdle(): Promise<void> {
    return this.#ongoing + this.#waiting.size === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
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
    const turn = new Promise<Slot>((resolve, reject) => this.#waiting.set(id, { deadline, resolve, reject }));
    this.#note();
    return turn;
  }

  /** Takes a waiting request out of the queue; `false` if it does not wait. */
  withdraw(id: string, reason: unknown): boolean {
    const waiter = this.#waiting.get(id);
    if (waiter === undefined) return false;
    this.#waiting.delete(id);
    waiter.reject(reason);
    this.#note();
    return true;
  }

  #take(): Slot {
    this.#ongoing++;
    this.#note();
    return new Slot(() => {
      this.#ongoing--;
      this.#admitNext();
      this.#note();
    });
  }

  #admitNext(): void {
    for (const [id, { deadline, resolve, reject }] of this.#waiting) {
      if (this.#ongoing >= this.#limits.maxOngoingRequests) return;
      this.#waiting.delete(id);
      if (deadline === undefined || deadline > this.#now()) resolve(this.#take());
      else reject(new RequestTimeoutError("The request's deadline passed while it waited for a replica."));
    }
  }

  #note(): void {
    const load = this.#ongoing + this.#waiting.size;
    this.#changed?.(load);
    if (load === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}
