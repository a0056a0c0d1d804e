/**
 * What an application's replicas have counted together, kept up as they report: nobody goes through all of them for it.
 *
 * Owns: the sums. Does not own: the rows that they are of (`measured-replicas.ts`), when they are looked at (`history.ts`).
 *
 * Invariants:
 *   S1. The sums are those of the rows: what a row gains or loses, they gain or lose.
 *   S2. A change of one row takes time that does not grow with the number of rows.
 */
import { addTo } from "../observe/series.ts";
import { LEASE_MS } from "../protocol/control.ts";
import { type Looked, type Measured, type SeriesByKey, splitKey } from "../protocol/metrics.ts";

/** Sums by application and deployment, and where the numbers of each metric begin in them. */
interface Sums {
  readonly places: ReadonlyMap<string, number>;
  readonly of: Map<string, number[]>;
}

const COUNTS: Sums["places"] = new Map([
  ["requests", 2],
  ["errors", 3],
  ["latency", 4],
]);
const QUEUED: Sums["places"] = new Map([["queued", 1]]);

export class RunningSums {
  readonly #counted: Sums = { places: COUNTS, of: new Map() };
  /** The rows of replicas that have requests waiting: few, as a rule. */
  readonly #waiting = new Map<string, readonly [own: string, Measured]>();

  /**
   * A row has changed.
   *
   * @param own The application and deployment whose row it is. What has run inline in a replica says its own.
   * @param before What it was; `undefined` if it is new.
   * @param after What it is; `undefined` if it is no more.
   */
  replace(row: string, own: string, before: Measured | undefined, after: Measured | undefined): void {
    // What was counted in earlier lives seldom changes.
    const isSameLife = before?.earlier === after?.earlier;
    for (const [measured, sign] of [[before, -1] as const, [after, 1] as const]) {
      add(this.#counted, own, measured?.latest.series, sign);
      if (!isSameLife) add(this.#counted, own, measured?.earlier, sign);
    }
    if (after !== undefined && after.goneAtMs === undefined && isWaiting(after.latest.series)) this.#waiting.set(row, [own, after]);
    else this.#waiting.delete(row);
  }

  /**
   * How deployments are now, by application and deployment. What waits for a replica counts until that should have been heard of again.
   */
  look(nowMs: number): (running: number, own: string) => Looked {
    const waiting: Sums = { places: QUEUED, of: new Map() };
    for (const [own, { atMs, latest }] of this.#waiting.values()) {
      if (nowMs - atMs <= LEASE_MS) add(waiting, own, latest.series, 1);
    }
    return (running, own) => {
      const [, , requests = 0, errors = 0, ...latency] = this.#counted.of.get(own) ?? [];
      return [running, waiting.of.get(own)?.[1] ?? 0, requests, errors, ...latency];
    };
  }
}

function add({ places, of }: Sums, own: string, series: SeriesByKey = {}, sign: 1 | -1): void {
  for (const key of Object.keys(series)) {
    const { metric, deployment = own } = splitKey(key);
    const place = places.get(metric);
    if (place === undefined) continue;
    let sum = of.get(deployment);
    if (sum === undefined) of.set(deployment, (sum = [0, 0, 0, 0]));
    for (const [, numbers] of series[key]!) addTo(sum, numbers, sign, place);
  }
}

function isWaiting(series: SeriesByKey): boolean {
  return Object.keys(series).some((key) => QUEUED.has(splitKey(key).metric) && series[key]!.some(([, [requests]]) => requests! > 0));
}
