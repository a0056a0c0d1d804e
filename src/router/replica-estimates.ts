/**
 * What a caller knows of a deployment's replicas: what it has sent, and what refusals have told it.
 *
 * Plain data, kept in the isolate across requests. A Worker's request can end without a trace, so nothing here
 * relies on being told: whatever is known goes stale by itself.
 *
 * Invariants:
 *   K1. A load that was heard of more than `FRESH_MS` ago counts as none.
 *   K2. A replica that was lost is avoided for a while, and then tried again.
 *   K3. While nobody refuses, refusals of the past tell no replica from another.
 *   K4. Of a replica that has left the set nothing is kept beyond the next set.
 */
import type { Load } from "../protocol/messages.ts";

/** How long a load that a replica reported is worth something. Refusals under load come more often than this. */
const FRESH_MS = 1000;
/** How long a lost replica is avoided at first, and at most. Doubles while it stays lost. */
const AVOID_MS = 250;
const MAX_AVOID_MS = 10_000;
/**
 * How much one claim moves the estimate of how often a replica refuses, how fast that is forgotten, and below what it is
 * none. An isolate asks one of many replicas only every few seconds, so to forget faster is to know nothing.
 */
const REFUSAL_WEIGHT = 0.3;
const REFUSAL_HALF_LIFE_MS = 10_000;
const LEAST_REFUSALS = 0.05;
/** For how long after a refusal by any replica the estimates count. */
const CONTENDED_MS = 5000;
/** How much one claim moves the estimate of how often it meets a long queue: three such refusals in a row are enough. */
const SATURATION_WEIGHT = 0.5;
/** The estimate above which claims are not worth sending. It fades from 1 to there in four seconds. */
const SATURATED = 0.75;
const SATURATION_HALF_LIFE_MS = 10_000;

/** How long a replica that was told of a caller's set is not told again. It answers with a newer one if it knows one. */
const TOLD_MS = 1000;

interface Known {
  inFlight: number;
  load: Load | undefined;
  seenAtMs: number;
  avoidUntilMs: number;
  failures: number;
  /** How often it refuses claims, from 0 to 1, and when that was known. */
  refusals: number;
  refusalsAtMs: number;
  /** The epoch that the replica was told last, and when. */
  toldEpoch: number;
  toldAtMs: number;
}

export class ReplicaEstimates {
  readonly #now: () => number;
  readonly #replicas = new Map<string, Known>();
  #contendedAtMs = Number.NEGATIVE_INFINITY;
  /** Until when some replica is avoided, or was. */
  #avoidsUntilMs = 0;
  #saturation = 0;
  #saturationAtMs = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** How loaded a replica seems; 0 when nothing is known. */
  loadOf(name: string): number {
    const known = this.#replicas.get(name);
    if (known === undefined || this.#now() - known.seenAtMs > FRESH_MS) return 0;
    return Math.max(known.inFlight, known.load === undefined ? 0 : known.load.ongoing + known.load.queued);
  }

  /** Requests that this caller has sent there and has no answer to, as far as is known. */
  inFlightAt(name: string): number {
    const known = this.#replicas.get(name);
    return known === undefined || this.#now() - known.seenAtMs > FRESH_MS ? 0 : known.inFlight;
  }

  /** Whether any replica may be avoided: otherwise none need be asked about. */
  get avoidsSome(): boolean {
    return this.#avoidsUntilMs > 0 && this.#avoidsUntilMs > this.#now();
  }

  /** Whether a replica was lost lately. */
  isAvoided(name: string): boolean {
    return (this.#replicas.get(name)?.avoidUntilMs ?? 0) > this.#now();
  }

  /**
   * How often a replica refuses claims, from 0 to 1, which tells the slow ones from others with as many requests.
   * 0 when nothing is known, or nobody has refused for a while: what is idle shares evenly.
   */
  refusalsOf(name: string): number {
    const now = this.#now();
    const known = now - this.#contendedAtMs > CONTENDED_MS ? undefined : this.#replicas.get(name);
    const refusals = known === undefined ? 0 : faded(known.refusals, now - known.refusalsAtMs, REFUSAL_HALF_LIFE_MS);
    return refusals < LEAST_REFUSALS ? 0 : refusals;
  }

  /** Whether whoever is asked has a long queue, so that asking costs more than it finds. */
  get isSaturated(): boolean {
    // Mostly there is none, and the platform's clock is not free.
    return this.#saturation > 0 && faded(this.#saturation, this.#now() - this.#saturationAtMs, SATURATION_HALF_LIFE_MS) > SATURATED;
  }

  sent(name: string): void {
    const now = this.#now();
    const known = this.#known(name);
    if (now - known.seenAtMs > FRESH_MS) known.inFlight = 0;
    known.inFlight++;
    known.seenAtMs = now;
  }

  /** A replica has heard which set this caller knows. */
  told(name: string, epoch: number): void {
    const known = this.#known(name);
    known.toldEpoch = epoch;
    known.toldAtMs = this.#now();
  }

  /** Whether a replica has heard of this set lately. */
  isTold(name: string, epoch: number): boolean {
    const known = this.#replicas.get(name);
    return known !== undefined && known.toldEpoch === epoch && this.#now() - known.toldAtMs < TOLD_MS;
  }

  answered(name: string): void {
    const known = this.#known(name);
    known.inFlight = Math.max(0, known.inFlight - 1);
    known.load = undefined;
    known.failures = 0;
    known.avoidUntilMs = 0;
  }

  /** What came of a claim. */
  claimed(name: string, outcome: "taken" | "refused" | "refused, with a long queue"): void {
    const known = this.#known(name);
    const isRefused = outcome !== "taken";
    // Nothing to move.
    if (!isRefused && known.refusals === 0 && this.#saturation === 0) return;
    const now = this.#now();
    known.refusals = moved(faded(known.refusals, now - known.refusalsAtMs, REFUSAL_HALF_LIFE_MS), isRefused, REFUSAL_WEIGHT);
    known.refusalsAtMs = now;
    if (isRefused) this.#contendedAtMs = now;
    const saturation = faded(this.#saturation, now - this.#saturationAtMs, SATURATION_HALF_LIFE_MS);
    this.#saturation = moved(saturation, outcome === "refused, with a long queue", SATURATION_WEIGHT);
    this.#saturationAtMs = now;
  }

  refused(name: string, load: Load): void {
    const known = this.#known(name);
    known.inFlight = Math.max(0, known.inFlight - 1);
    known.load = load;
    known.seenAtMs = this.#now();
  }

  lost(name: string): void {
    const known = this.#known(name);
    known.inFlight = Math.max(0, known.inFlight - 1);
    known.toldAtMs = 0;
    known.avoidUntilMs = this.#now() + Math.min(MAX_AVOID_MS, AVOID_MS * 2 ** known.failures++);
    this.#avoidsUntilMs = Math.max(this.#avoidsUntilMs, known.avoidUntilMs);
  }

  /** There are no other replicas any more. */
  keep(names: ReadonlySet<string>): void {
    for (const name of this.#replicas.keys()) if (!names.has(name)) this.#replicas.delete(name);
  }

  #known(name: string): Known {
    let known = this.#replicas.get(name);
    if (known === undefined) {
      known = {
        inFlight: 0,
        load: undefined,
        seenAtMs: 0,
        avoidUntilMs: 0,
        failures: 0,
        refusals: 0,
        refusalsAtMs: 0,
        toldEpoch: 0,
        toldAtMs: 0,
      };
      this.#replicas.set(name, known);
    }
    return known;
  }
}

function faded(share: number, ageMs: number, halfLifeMs: number): number {
  return share === 0 ? 0 : share * 0.5 ** (ageMs / halfLifeMs);
}

function moved(share: number, isSo: boolean, weight: number): number {
  return share * (1 - weight) + (isSo ? weight : 0);
}
