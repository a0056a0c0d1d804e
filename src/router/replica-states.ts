/**
 * What replicas have said that they have, for a request router of the application's own. Plain data, kept in the isolate across requests.
 *
 * Invariants:
 *   S1. A load that was heard of more than `FRESH_LOAD_MS` ago counts as none, and models as unknown after `FRESH_MODELS_MS`.
 *   S2. Of a replica that has left the set nothing is kept beyond the next set.
 */
import type { ReplicaState } from "../protocol/messages.ts";

const FRESH_LOAD_MS = 1000;
/** A model that is asked for less often than this has probably gone. */
const FRESH_MODELS_MS = 30_000;
const NONE: readonly string[] = Object.freeze([]);

export class ReplicaStates {
  readonly #now: () => number;
  readonly #heard = new Map<string, { readonly state: ReplicaState; readonly atMs: number }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** A replica has said what it has. */
  heard(name: string, state: ReplicaState): void {
    // Every request's router is given the same list.
    this.#heard.set(name, { state: { ...state, models: Object.freeze([...state.models]) }, atMs: this.#now() });
  }

  /**
   * What a replica has.
   *
   * @param inFlight Requests that this caller has there: it has at least those.
   * @param maxOngoing How many requests it runs at most.
   */
  of(name: string, inFlight: number, maxOngoing: number): ReplicaState {
    const known = this.#heard.get(name);
    const ageMs = known === undefined ? Infinity : this.#now() - known.atMs;
    const { ongoing, queued } = ageMs > FRESH_LOAD_MS ? { ongoing: 0, queued: 0 } : known!.state;
    return {
      ongoing: Math.max(ongoing, Math.min(inFlight, maxOngoing)),
      queued: Math.max(queued, inFlight - maxOngoing),
      models: ageMs > FRESH_MODELS_MS ? NONE : known!.state.models,
    };
  }

  /** There are no other replicas any more. */
  keep(names: ReadonlySet<string>): void {
    for (const name of this.#heard.keys()) if (!names.has(name)) this.#heard.delete(name);
  }

  /** The replica is gone, and what it had with it. */
  lost(name: string): void {
    this.#heard.delete(name);
  }
}
