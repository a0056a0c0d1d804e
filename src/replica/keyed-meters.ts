/**
 * What the objects of a keyed deployment in one isolate have counted, told to the controller together: keys are many, and it hears of none.
 *
 * Owns: which objects have something to tell, when it is told. Does not own: what they count (replica-meter.ts), the way there (a port).
 *
 * Invariants:
 *   M1. No request waits for it, and an isolate tells at most once in `EVERY_MS`, however many objects it has. Without requests it tells
 *       nothing but what the last one has counted.
 *   M2. What an object has counted is told, also when the object is gone: it is kept here until it has been.
 *   M3. What did not arrive is told the next time.
 */
import { countedBy, countsIn, grown, isSetByApplication } from "../observe/counted.ts";
import { merged } from "../observe/series.ts";
import { type Descriptions, type MetricsSnapshot, type Series, type SeriesByKey, splitKey } from "../protocol/metrics.ts";

/** What it is made of. */
export interface KeyedMetersParts {
  /**
   * Tells what has been counted since it was told last. Rejects if that has not arrived.
   *
   * @param guest `<application>/<deployment>` of what ran inline in the objects; `undefined` for their own deployment.
   */
  tell(counted: MetricsSnapshot, guest: string | undefined): Promise<unknown>;
  /** Lets something go on although nobody waits for it. */
  keepAlive(promise: Promise<unknown>): void;
  now(): number;
  sleep(ms: number): Promise<void>;
}

/** How soon after the first count something is told. */
const FIRST_MS = 500;
/** How often, at most. */
const EVERY_MS = 5000;

/** What is asked of an object. */
export interface Measuring {
  /** What it has measured: all that is counted for it, and of the application's own metrics what has changed since `heard`. */
  measured(): MetricsSnapshot;
  /** What it had measured has been told. */
  heard(snapshot: MetricsSnapshot): void;
}

/** An object that counts. */
interface Counting extends Measuring {
  /** What is known of it where it is told. */
  told: SeriesByKey;
  /** Somebody in the object sees to it that it is told. */
  isKept: boolean;
}

export class KeyedMeters {
  readonly #parts: KeyedMetersParts;
  readonly #untold = new Set<Counting>();
  #lastAtMs = -Infinity;

  constructor(parts: KeyedMetersParts) {
    this.#parts = parts;
  }

  /** For an object. What is returned is called there, whenever it has counted something. */
  of({ measured, heard }: Measuring): () => void {
    const one: Counting = { measured, heard, told: {}, isKept: false };
    return () => {
      // In the order of what they did last: what one of them has set last holds.
      this.#untold.delete(one);
      this.#untold.add(one);
      if (one.isKept) return;
      one.isKept = true;
      this.#parts.keepAlive(this.#keep(() => this.#untold.has(one)).finally(() => (one.isKept = false)));
    };
  }

  /** An object of the deployment has gone: what it has not told is told from here. */
  gone(): void {
    if (this.#untold.size > 0) this.#parts.keepAlive(this.#keep(() => this.#untold.size > 0));
  }

  // Each object waits by itself: what waits in one that is ended comes to no end. The first whose time has come tells for all.
  async #keep(isUntold: () => boolean): Promise<void> {
    const { now, sleep } = this.#parts;
    while (isUntold()) {
      await sleep(Math.max(FIRST_MS, this.#lastAtMs + EVERY_MS - now()));
      if (!isUntold() || now() < this.#lastAtMs + EVERY_MS) continue;
      this.#lastAtMs = now();
      await this.#tell();
    }
  }

  async #tell(): Promise<void> {
    const all = [...this.#untold].map((one) => {
      const snapshot = one.measured();
      const now = countsIn(snapshot.series);
      return { one, snapshot, now, about: snapshot.about, more: grown(one.told, now) };
    });
    this.#untold.clear();
    let isAllTold = true;
    const about: Descriptions = Object.assign({}, ...all.map((each) => each.about));
    for (const [guest, counted] of byGuest(all.map(({ more }) => more))) {
      try {
        await this.#parts.tell({ startedAtMs: 0, series: counted, about }, guest);
        for (const { one, now } of all) one.told = countedBy(one.told, of(now, guest));
      } catch {
        isAllTold = false;
        for (const { one, more } of all) if (Object.keys(of(more, guest)).length > 0) this.#untold.add(one);
      }
    }
    if (isAllTold) for (const { one, snapshot } of all) one.heard(snapshot);
  }
}

/** Those of the series that are of what runs inline in the objects, or of the objects themselves. */
function of(series: SeriesByKey, guest: string | undefined): SeriesByKey {
  return Object.fromEntries(Object.entries(series).filter(([key]) => splitKey(key).deployment === guest));
}

function latest(series: readonly Series[]): Series[] {
  return [...new Map(series.map((one) => [JSON.stringify(one[0]), one])).values()];
}

// Each deployment's counts have one row of all isolates, wherever it runs.
function byGuest(counted: readonly SeriesByKey[]): ReadonlyMap<string | undefined, SeriesByKey> {
  const parts = new Map<string | undefined, Record<string, SeriesByKey[string]>>();
  const sums: Record<string, SeriesByKey[string]> = { ...merged(...counted) };
  // What was set last holds.
  for (const key of Object.keys(sums)) if (isSetByApplication(key)) sums[key] = latest(counted.flatMap((each) => each[key] ?? []));
  for (const [key, list] of Object.entries(sums)) {
    const { metric, deployment } = splitKey(key);
    const part = parts.get(deployment) ?? {};
    parts.set(deployment, part);
    part[metric] = list;
  }
  return parts;
}
