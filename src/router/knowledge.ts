/**
 * What a caller knows of a deployment's replicas: what it has sent, and what refusals have told it.
 *
 * Plain data, kept in the isolate across requests. A Worker's request can end without a trace, so nothing here
 * relies on being told: whatever is known goes stale by itself.
 *
 * Invariants:
 *   K1. Knowledge older than `FRESH_MS` counts as none.
 *   K2. A replica that was lost is avoided for a while, and then tried again.
 */
import type { Load } from "../protocol/messages.ts";

/** How long a load that a replica reported is worth something. Refusals under load come more often than this. */
const FRESH_MS = 1000;
/** How long a lost replica is avoided at first, and at most. Doubles while it stays lost. */
const AVOID_MS = 250;
const MAX_AVOID_MS = 10_000;
/** How much one claim moves the estimate of how often claims are refused. */
const REFUSAL_WEIGHT = 0.1;
/** The estimate above which claims are not worth sending, and how fast it is forgotten. */
const SATURATED = 0.75;
const REFUSAL_HALF_LIFE_MS = 200;

interface Known {
  inFlight: number;
  load: Load | undefined;
  seenAtMs: number;
  avoidUntilMs: number;
  failures: number;
}

export class Knowledge {
  readonly #now: () => number;
  readonly #replicas = new Map<string, Known>();
  #refusals = 0;
  #refusalsAtMs = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** How loaded a replica seems; 0 when nothing is known. */
  loadOf(name: string): number {
    const known = this.#replicas.get(name);
    if (known === undefined || this.#now() - known.seenAtMs > FRESH_MS) return 0;
    return Math.max(known.inFlight, known.load === undefined ? 0 : known.load.ongoing + known.load.queued);
  }

  /** Whether a replica was lost lately. */
  isAvoided(name: string): boolean {
    return (this.#replicas.get(name)?.avoidUntilMs ?? 0) > this.#now();
  }

  /** Whether claims are refused so often that asking costs more than it finds. */
  get isSaturated(): boolean {
    return this.#currentRefusals() > SATURATED;
  }

  sent(name: string): void {
    const known = this.#known(name);
    if (this.#now() - known.seenAtMs > FRESH_MS) known.inFlight = 0;
    known.inFlight++;
    known.seenAtMs = this.#now();
  }

  answered(name: string): void {
    const known = this.#known(name);
    known.inFlight = Math.max(0, known.inFlight - 1);
    known.load = undefined;
    known.failures = 0;
    known.avoidUntilMs = 0;
  }

  claimed(isRefused: boolean): void {
    this.#refusals = this.#currentRefusals() * (1 - REFUSAL_WEIGHT) + (isRefused ? REFUSAL_WEIGHT : 0);
    this.#refusalsAtMs = this.#now();
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
    known.avoidUntilMs = this.#now() + Math.min(MAX_AVOID_MS, AVOID_MS * 2 ** known.failures++);
  }

  #currentRefusals(): number {
    return this.#refusals * 0.5 ** ((this.#now() - this.#refusalsAtMs) / REFUSAL_HALF_LIFE_MS);
  }

  #known(name: string): Known {
    let known = this.#replicas.get(name);
    if (known === undefined) {
      known = { inFlight: 0, load: undefined, seenAtMs: 0, avoidUntilMs: 0, failures: 0 };
      this.#replicas.set(name, known);
    }
    return known;
  }
}
