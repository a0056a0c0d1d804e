/**
 * Who waits for the load of a model, and for how long nobody has.
 *
 * Invariants:
 *   W1. There is a timer only while a load runs that nobody waits for.
 *   W2. A load that somebody asked for is given up `GIVE_UP_MS` after the last of them has left. One that was only prefetched is
 *       then in the way of others, and is given up when one of them needs its place, or after `PREFETCH_LIMIT_MS`.
 */
import type { After } from "../context/with-timeout.ts";
import { GIVE_UP_MS, SETUP_LIMIT_MS } from "../protocol/limits.ts";

/** How long a load that nobody has asked for may take: as long as a replica may take to set up. */
const PREFETCH_LIMIT_MS = SETUP_LIMIT_MS;

/** What a load is watched by. */
export interface LoadWatcher {
  readonly after: After;
  /** It is to be given up now. */
  giveUp(): void;
  /** Others that need its place may have it. */
  yielded(): void;
}

export class LoadCallers {
  readonly #watcher: LoadWatcher;
  #count = 0;
  #isWanted = false;
  #isYielding = false;
  #isOver = false;
  #stopTimer: (() => void) | undefined;

  constructor(watcher: LoadWatcher) {
    this.#watcher = watcher;
    this.#wait();
  }

  /** Whether it was only prefetched, and whoever waits for room need not wait for it. */
  get isYielding(): boolean {
    return this.#isYielding;
  }

  /** Somebody waits. @param wants Whether for the model itself. @returns What says that it waits no more; idempotent. */
  join(wants: boolean): () => void {
    this.#count++;
    this.#isWanted ||= wants;
    this.#isYielding = false;
    this.#stop();
    let isHere = true;
    return () => {
      if (!isHere) return;
      isHere = false;
      if (--this.#count === 0) this.#wait();
    };
  }

  /** The load is over. */
  end(): void {
    this.#isOver = true;
    this.#stop();
  }

  #wait(): void {
    if (this.#isOver) return;
    const { after, giveUp, yielded } = this.#watcher;
    this.#stopTimer = after(GIVE_UP_MS, () => {
      if (this.#isWanted) return giveUp();
      this.#stopTimer = after(PREFETCH_LIMIT_MS - GIVE_UP_MS, giveUp);
      this.#isYielding = true;
      yielded();
    });
  }

  #stop(): void {
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }
}
