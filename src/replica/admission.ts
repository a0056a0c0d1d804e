/**
 * Which requests a replica runs, which wait, and which it refuses.
 *
 * A request that has to wait asks for a slot first and is sent when it has one, so that its caller knows whether it has
 * begun. That costs the way back and forth, during which a slot would stand idle. So a request is sent ahead of its slot where
 * one is about to become free: as many as runs are expected to end meanwhile, by what the replica has seen.
 *
 * Owns: the slots, the queue, and the slots that are kept for requests on their way.
 * Does not own: what a request does, or whether another replica would take it.
 *
 * Invariants:
 *   A1. Never more than `maxOngoingRequests` hold a slot; one that is kept for a request on its way is held.
 *   A2. Waiting requests get slots in the order in which they came.
 *   A3. Never more than `maxQueuedRequests` wait; -1 is no limit.
 *   A4. A claim never overtakes: while one request waits, claims are refused.
 *   A5. A request that was withdrawn, or whose deadline passed while it waited, never gets a slot.
 *   A6. Every slot is given back once.
 *   A7. A slot is kept for `GRANT_MS` at most. Without a request that waits or is on its way there is no timer.
 */
import type { After } from "../context/with-timeout.ts";
import { RequestTimeoutError } from "../protocol/errors.ts";
import type { Load } from "../protocol/messages.ts";
import { LoadMeter } from "./load-meter.ts";

/** How much a replica takes on. */
export interface AdmissionLimits {
  readonly maxOngoingRequests: number;
  readonly maxQueuedRequests: number;
}

/** The time, for whoever has to wait. */
export interface AdmissionClock {
  now(): number;
  readonly after: After;
}

/** A request that has no slot yet. */
interface Place {
  deadline: number | undefined;
  /** Tells its caller to send it; missing once that is done, or when it is here. */
  send: (() => void) | undefined;
  /** Gives it a slot; missing while it is not here. */
  run: ((slot: Slot) => void) | undefined;
  /** Tells it why it gets none. */
  fail: (reason: unknown) => void;
  /** When its caller was told to send it. */
  sentAtMs: number;
}

/** A slot for a request on its way. */
interface Kept {
  readonly slot: Slot;
  readonly sentAtMs: number;
}

/** How long a slot is kept for a request on its way. */
const GRANT_MS = 2000;
/** How many requests have to have waited before any is sent ahead of its slot: until then nothing is known of them. */
const EXPERIENCE = 32;
/** How much one measurement moves the estimates of how long requests run, and how long they are on their way. */
const WEIGHT = 0.1;

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
  readonly #clock: AdmissionClock;
  /** How many requests there are, running and waiting. */
  readonly meter: LoadMeter;
  #idle: (() => void)[] = [];
  // By request, in the order of arrival.
  readonly #line = new Map<string, Place>();
  readonly #kept = new Map<string, Kept>();
  #stopTimer: (() => void) | undefined;
  #ongoing = 0;
  #arrivals = 0;
  #meanWayMs = 0;
  #meanRunMs = 0;

  constructor(limits: AdmissionLimits, clock: AdmissionClock) {
    this.#limits = limits;
    this.#clock = clock;
    this.meter = new LoadMeter(() => clock.now());
  }

  /** Takes on more or less from now on; what runs goes on. */
  setLimits(limits: AdmissionLimits): void {
    this.#limits = limits;
    this.#admitNext();
  }

  /** Resolves when nothing runs and nothing waits. */
  whenIdle(): Promise<void> {
    return this.#total === 0 ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  get load(): Load {
    return { ongoing: this.#ongoing, queued: this.#line.size };
  }

  /** A slot if one is free and nobody waits for it; `undefined` otherwise. */
  claim(): Slot | undefined {
    return this.#ongoing < this.#limits.maxOngoingRequests && this.#line.size === 0 ? this.#take() : undefined;
  }

  /**
   * A slot for a request that is here, at once or in turn; `undefined` if the queue is full.
   *
   * @param id By which {@link withdraw} finds the request.
   * @returns A promise that rejects with what the request was withdrawn for, or when its deadline has passed.
   */
  queue(id: string, deadline: number | undefined): Slot | Promise<Slot> | undefined {
    const slot = this.claim();
    if (slot !== undefined || this.#isFull) return slot;
    return new Promise((run, fail) => this.#wait(id, { deadline, send: undefined, run, fail, sentAtMs: 0 }));
  }

  /** A slot in turn, however many wait: for what cannot be refused. Rejects as the promise of {@link queue} does. */
  turn(id: string): Slot | Promise<Slot> {
    return this.claim() ?? new Promise((run, fail) => this.#wait(id, { deadline: undefined, send: undefined, run, fail, sentAtMs: 0 }));
  }

  /**
   * Keeps a slot for a request that is to be sent: at once or in turn. {@link arrive} takes it.
   *
   * @param mayWait Whether the request takes a place in the queue if no slot is free.
   * @returns `false` if there is no slot, or no place in the queue; otherwise `true`, or a promise that resolves when the
   *   request is to be sent, and rejects as that of {@link queue}.
   */
  reserve(id: string, deadline: number | undefined, mayWait: boolean): boolean | Promise<true> {
    const slot = this.claim();
    if (slot !== undefined) {
      this.#keep(id, slot, this.#clock.now());
      return true;
    }
    if (!mayWait || this.#isFull) return false;
    return new Promise((resolve, fail) => this.#wait(id, { deadline, send: () => resolve(true), run: undefined, fail, sentAtMs: 0 }));
  }

  /**
   * The request for which {@link reserve} was called has come.
   *
   * @returns Its slot, or a promise of it where it was sent ahead, which rejects as that of {@link queue}; `undefined` if it
   *   came too late, or was withdrawn.
   */
  arrive(id: string): Slot | Promise<Slot> | undefined {
    const kept = this.#kept.get(id);
    const place = this.#line.get(id);
    const sentAtMs = (kept ?? place)?.sentAtMs;
    if (sentAtMs === undefined || place?.run !== undefined) return undefined;
    this.#arrivals++;
    this.#meanWayMs = moved(this.#meanWayMs, this.#clock.now() - sentAtMs);
    if (kept !== undefined) {
      this.#forget(id);
      return kept.slot;
    }
    return new Promise((run, fail) => Object.assign(place!, { run, fail }));
  }

  /** Takes a request out of the queue, or gives back the slot that was kept for it; `false` if it has neither. */
  withdraw(id: string, reason: unknown): boolean {
    const place = this.#line.get(id);
    if (place === undefined) return this.#giveBack(id);
    this.#line.delete(id);
    place.fail(reason);
    this.#sendAhead();
    this.#note();
    return true;
  }

  /** Takes all requests out of the queue. */
  withdrawAll(reason: unknown): void {
    for (const id of this.#line.keys()) this.withdraw(id, reason);
  }

  get #total(): number {
    return this.#ongoing + this.#line.size;
  }

  get #isFull(): boolean {
    const { maxQueuedRequests } = this.#limits;
    return maxQueuedRequests !== -1 && this.#line.size >= maxQueuedRequests;
  }

  #wait(id: string, place: Place): void {
    this.#line.set(id, place);
    this.#sendAhead();
    this.#note();
  }

  #take(): Slot {
    this.#ongoing++;
    this.#note();
    const sinceMs = this.#clock.now();
    return new Slot(() => {
      this.#ongoing--;
      this.#meanRunMs = moved(this.#meanRunMs, this.#clock.now() - sinceMs);
      this.#admitNext();
      this.#note();
    });
  }

  #admitNext(): void {
    for (const [id, place] of this.#line) {
      if (this.#ongoing >= this.#limits.maxOngoingRequests) break;
      this.#line.delete(id);
      const { deadline, run, send, fail, sentAtMs } = place;
      const nowMs = this.#clock.now();
      if (deadline !== undefined && deadline <= nowMs) {
        fail(new RequestTimeoutError("The request's deadline passed while it waited for a replica."));
      } else if (run !== undefined) run(this.#take());
      else {
        this.#keep(id, this.#take(), send === undefined ? sentAtMs : nowMs);
        send?.();
      }
    }
    this.#sendAhead();
  }

  // What is sent has begun for its caller, so no more is sent ahead than is likely to save a wait: as many as runs end while
  // a request is on its way, and twice the deviation of that number besides.
  #sendAhead(): void {
    if (this.#line.size === 0 || this.#arrivals < EXPERIENCE) return;
    const mean = (this.#ongoing * this.#meanWayMs) / Math.max(this.#meanRunMs, this.#meanWayMs, 1);
    const ending = Math.min(Math.round(mean + 2 * Math.sqrt(mean)), this.#limits.maxOngoingRequests);
    if (ending === 0) return;
    let ahead = 0;
    for (const place of this.#line.values()) {
      if (ahead++ >= ending) return;
      const { send } = place;
      if (send === undefined) continue;
      place.send = undefined;
      place.sentAtMs = this.#clock.now();
      this.#startTimer(GRANT_MS);
      send();
    }
  }

  #keep(id: string, slot: Slot, sentAtMs: number): void {
    this.#kept.set(id, { slot, sentAtMs });
    this.#startTimer(GRANT_MS);
  }

  #giveBack(id: string): boolean {
    const kept = this.#kept.get(id);
    if (kept === undefined) return false;
    this.#forget(id);
    kept.slot.release();
    return true;
  }

  #forget(id: string): void {
    this.#kept.delete(id);
    if (this.#kept.size > 0 || this.#line.size > 0) return;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  #startTimer(ms: number): void {
    this.#stopTimer ??= this.#clock.after(ms, () => {
      this.#stopTimer = undefined;
      this.#expire();
    });
  }

  // Gives back what is kept, or promised, for requests that do not come.
  #expire(): void {
    const nowMs = this.#clock.now();
    const onTheirWay = [...this.#line].filter(([, { send, run }]) => send === undefined && run === undefined);
    const all = [...this.#kept, ...onTheirWay].map(([id, { sentAtMs }]) => ({ id, leftMs: sentAtMs + GRANT_MS - nowMs }));
    for (const { id, leftMs } of all) if (leftMs <= 0) this.withdraw(id, undefined);
    const next = Math.min(...all.map(({ leftMs }) => leftMs).filter((leftMs) => leftMs > 0));
    if (next !== Infinity) this.#startTimer(next);
  }

  #note(): void {
    const load = this.#total;
    this.meter.set(load);
    if (load === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }
}

function moved(mean: number, measured: number): number {
  return mean === 0 ? measured : mean + WEIGHT * (measured - mean);
}
