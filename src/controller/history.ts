/**
 * The last hour of an application: once a minute while replicas report, what its deployments have counted so far.
 *
 * Owns: when a look is kept, and for how long. Does not own: the counts (`measured-replicas.ts`), what is drawn of them (the dashboard).
 *
 * A look is kept when the first report of a minute comes, before that report is taken in. So what was counted from one look to the next was
 * counted in the minute of the first, however long nothing was reported after it. An idle application keeps nothing and writes nothing.
 */
import type { MetricKey } from "../observe/metric-definitions.ts";
import { summed } from "../observe/series.ts";
import { HISTORY_MINUTES, type Look, type Looked, type ReplicaMetrics } from "../protocol/metrics.ts";
import type { ApplicationDetails } from "../protocol/status.ts";

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

  /** @param look What there is to see now. It costs what a scrape does. */
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

/** How the deployments of an application are. @param replicas Those that are no longer shown too. */
export function looked(details: ApplicationDetails | undefined, replicas: readonly ReplicaMetrics[]): Look["deployments"] {
  const { name: application, deployments = {} } = details ?? {};
  return Object.fromEntries(
    Object.values(deployments).map(({ name, replica_states: { RUNNING: running = 0 } }): [string, Looked] => {
      const own = replicas.filter(({ app = application, deployment }) => app === application && deployment === name);
      const sumOf = (key: MetricKey) => summed(own.flatMap(({ series }) => series[key] ?? []));
      return [name, [running, sumOf("queued")[0]!, sumOf("requests")[0]!, sumOf("errors")[0]!, ...sumOf("latency")]];
    }),
  );
}
