/**
 * The one alarm of a Durable Object.
 *
 * The platform tries an alarm whose handler throws six times, for about four minutes, and then never again; and one that has
 * fired is gone. So what must go on:
 *
 *   A1. arms the next alarm before it works: whatever happens then, the object is woken;
 *   A2. never lets an error out of its handler, and is tried again as long as it fails;
 *   A3. asks again for an alarm that could not be stored.
 */

import { sleep } from "../src/context/with-timeout.ts";

/** How long until work that failed is tried again, and an alarm that could not be stored is asked for again: doubled each time. */
const RETRY_MS = 1000;
const MAX_RETRY_MS = 60_000;
/** How often an alarm that cannot be stored is asked for: for about ten minutes, in which the object stays awake. */
const MOST_TRIES = 15;

/** The part of an object's storage that alarms are kept in. */
export interface AlarmStorage {
  setAlarm(timeMs: number): Promise<void>;
  deleteAlarm(): Promise<void>;
}

export class Alarm {
  readonly #storage: AlarmStorage;
  /** What is stored, as far as is known; it is written only when it changes. */
  #atMs: number | undefined;
  #failures = 0;

  constructor(storage: AlarmStorage) {
    this.#storage = storage;
  }

  /** Asks for the alarm at this time; `undefined` takes it back. Never throws. */
  setAt(timeMs: number | undefined): void {
    if (timeMs === this.#atMs) return;
    this.#atMs = timeMs;
    void this.#write(timeMs);
  }

  /** Does what the alarm that has fired is for, which says when the next one is due. Never rejects: what fails is tried again. */
  async fire(work: () => void | Promise<void>): Promise<void> {
    // One that has fired is gone.
    this.#atMs = undefined;
    this.setAt(Date.now() + delayAfter(this.#failures));
    try {
      await work();
      this.#failures = 0;
    } catch (error) {
      console.error(error);
      this.setAt(Date.now() + delayAfter(this.#failures++));
    }
  }

  async #write(timeMs: number | undefined): Promise<void> {
    for (let tries = 0; tries < MOST_TRIES && this.#atMs === timeMs; tries++) {
      try {
        await (timeMs === undefined ? this.#storage.deleteAlarm() : this.#storage.setAlarm(timeMs));
        return;
      } catch (error) {
        console.error(error);
        await sleep(delayAfter(tries));
      }
    }
    // Whoever asks the next time is not taken to have asked already.
    if (this.#atMs === timeMs) this.#atMs = undefined;
  }
}

function delayAfter(failures: number): number {
  return Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** failures);
}
