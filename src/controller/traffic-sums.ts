/**
 * What the replicas of an application have counted of a canary together, and that it is told.
 *
 * Owns: a row for each replica that has counted, one for the sums, when the sums are told.
 * Does not own: adding up (traffic/window-sums.ts), what follows (traffic-keeper.ts).
 *
 * Invariants:
 *   S1. A replica's word and the sums with it are stored together, so nothing is counted twice.
 *   S2. A report costs the same however many replicas there are, and the sums are told once for all that come within `TELL_MS`.
 *   S3. Sums that were not heard are told again a few times; with the next report they are told anyway.
 */
import type { CountedWindows, WindowCount } from "../protocol/traffic.ts";
import { summed } from "../traffic/window-sums.ts";

/** Storage. */
export interface TrafficSumsStore {
  get(replica: string): CountedWindows | undefined;
  set(replica: string, word: CountedWindows): unknown;
  delete(replica: string): unknown;
  getSums(): readonly WindowCount[] | undefined;
  setSums(sums: readonly WindowCount[]): unknown;
}

/** What the sums are told with. */
export interface TrafficSumsPorts {
  readonly store: TrafficSumsStore;
  /** Rejects if nobody heard it. */
  tell(counts: readonly WindowCount[]): Promise<void>;
  keepAlive(promise: Promise<unknown>): void;
  failed(error: unknown): void;
  sleep(ms: number): Promise<void>;
}

const TELL_MS = 1000;
/** How often sums that were not heard are told again. */
const MOST_TRIES = 5;

export class TrafficSums {
  readonly #ports: TrafficSumsPorts;
  #hasNews = false;
  #isTelling = false;

  constructor(ports: TrafficSumsPorts) {
    this.#ports = ports;
  }

  /** A replica tells what it has counted. */
  take(replica: string, word: CountedWindows): void {
    const { store, keepAlive } = this.#ports;
    const before = store.getSums() ?? [];
    const { sums, last } = summed(before, store.get(replica), word);
    store.set(replica, last);
    if (sums === before) return;
    store.setSums(sums);
    this.#hasNews = true;
    if (!this.#isTelling) keepAlive(this.#tell());
  }

  /** Replicas have left: what they have counted stays in the sums. */
  gone(replicas: readonly string[]): void {
    for (const replica of replicas) this.#ports.store.delete(replica);
  }

  async #tell(): Promise<void> {
    const { store, tell, failed, sleep } = this.#ports;
    this.#isTelling = true;
    try {
      for (let failures = 0; this.#hasNews && failures < MOST_TRIES; await sleep(TELL_MS)) {
        this.#hasNews = false;
        try {
          await tell(store.getSums() ?? []);
          failures = 0;
        } catch (error) {
          this.#hasNews = true;
          if (++failures === MOST_TRIES) failed(error);
        }
      }
    } finally {
      this.#isTelling = false;
    }
  }
}
