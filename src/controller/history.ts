/**
 * The last hour of an application: once a minute while replicas report, what its deployments have counted so far.
 *
 * Owns: when a look is kept, and for how long. Does not own: the counts (`measured-replicas.ts`), what is drawn of them (the dashboard).
 *
 * A look is kept when the first report of a minute comes, before that report is taken in. So what was counted from one look to the next was
 * counted in the minute of the first, however long nothing was reported after it. An idle application keeps nothing and writes nothing.
 */
import { HISTORY_MINUTES, type Look } from "../protocol/metrics.ts";

/** Storage of looks; a slot is written over after an hour. */
export interface HistoryStore {
  get(slot: number): Look | undefined;
  set(slot: number, look: Look): unknown;
}

export class History {
  readonly #store: HistoryStore;
  readonly #look: () => Look["deployments"];
  /** The minute of the latest look that is kept, as far as this object has seen. */
  #minute = -1;

  /** @param look What there is to see now. */
  constructor(store: HistoryStore, look: () => Look["deployments"]) {
    this.#store = store;
    this.#look = look;
  }

  /** Something is about to be counted. */
  keep(nowMs: number): void {
    const minute = minuteOf(nowMs);
    if (minute === this.#minute) return;
    const slot = minute % HISTORY_MINUTES;
    if (this.#store.get(slot)?.minute !== minute) this.#store.set(slot, { minute, deployments: this.#look() });
    this.#minute = minute;
  }

  /** The looks of the last hour, the oldest first; the last one is of now. */
  all(nowMs: number): Look[] {
    const now = minuteOf(nowMs);
    const looks: Look[] = [];
    for (let minute = now - HISTORY_MINUTES + 1; minute <= now; minute++) {
      const look = this.#store.get(minute % HISTORY_MINUTES);
      if (look?.minute === minute) looks.push(look);
    }
    return [...looks, { minute: now, deployments: this.#look() }];
  }
}

function minuteOf(timeMs: number): number {
  return Math.floor(timeMs / 60_000);
}
