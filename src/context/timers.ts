/**
 * What the requests of one replica wait for, by timers that they share.
 *
 * A deadline is set with each request and hardly ever comes: the request ends before. In a Durable Object workerd keeps 265 bytes of a
 * timer that was cleared, for as long as the object lives, and next to nothing of one that has fired. So what a replica's
 * requests wait for is kept here, and the platform's timers are only what looks at it.
 *
 * Invariants:
 *   W1. What waits happens once, not before its time, and in the order of the times.
 *   W2. No timer of the platform is ever cleared. One is set only where none comes early enough.
 *   W3. None is set for later than `LOOK_MS` from now, and none while nothing waits: an object that is idle has none
 *       `LOOK_MS` later.
 *   W4. What happens is not in the scope of whichever request set the platform's timer.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { type Due, DueQueue } from "./due-queue.ts";
import type { After } from "./with-timeout.ts";

/** What shared timers need of the platform. */
export interface TimerPorts {
  /** In milliseconds, from any beginning; never goes back. */
  now(): number;
  /** Calls `fire` after `ms`. It may be late, and a moment before `now` shows it. */
  set(ms: number, fire: () => void): void;
}

/** For how long a timer may be set: how long one may go on that nobody needs any more. */
const LOOK_MS = 1000;

interface Wait extends Due {
  readonly happen: () => void;
}

/** The timers that the requests of one replica share. They may: a Durable Object has one I/O context for all of them. */
export class SharedTimers {
  readonly #ports: TimerPorts;
  readonly #waits = new DueQueue<Wait>();
  // When the platform's timers fire, the earliest last: each was set because it fires before those that there were.
  readonly #firesAtMs: number[] = [];
  #number = 0;

  constructor(ports: TimerPorts) {
    this.#ports = ports;
  }

  readonly after: After = (ms, happen) => {
    const nowMs = this.#ports.now();
    const wait: Wait = { atMs: nowMs + ms, number: this.#number++, place: -1, happen };
    this.#waits.add(wait);
    this.#set(nowMs);
    return () => this.#waits.remove(wait);
  };

  #set(nowMs: number): void {
    const { first } = this.#waits;
    if (first === undefined) return;
    const atMs = Math.min(Math.max(first.atMs, nowMs), nowMs + LOOK_MS);
    const next = this.#firesAtMs.at(-1);
    if (next !== undefined && next <= atMs) return;
    this.#firesAtMs.push(atMs);
    this.#ports.set(atMs - nowMs, () => this.#fire(atMs));
  }

  #fire(atMs: number): void {
    this.#firesAtMs.splice(this.#firesAtMs.lastIndexOf(atMs), 1);
    const nowMs = Math.max(this.#ports.now(), atMs);
    const { first } = this.#waits;
    // What is set from here on is for another turn, even if it is due at once.
    if (first !== undefined && first.atMs <= nowMs) this.#happen(nowMs, this.#number);
    this.#set(nowMs);
  }

  #happen(nowMs: number, end: number): void {
    try {
      for (let { first } = this.#waits; first !== undefined && first.atMs <= nowMs && first.number < end; { first } = this.#waits) {
        this.#waits.remove(first);
        first.happen();
      }
    } catch (error) {
      // The others are not to wait for a timer that nobody sets.
      this.#set(nowMs);
      throw error;
    }
  }
}

/** The shared timers of a replica that is being made. */
export function sharedTimers(): SharedTimers {
  // Where the replica is made, which is in no request.
  const outside = AsyncLocalStorage.snapshot();
  return new SharedTimers({ now: () => performance.now(), set: (ms, fire) => void outside(() => setTimeout(fire, ms)) });
}
