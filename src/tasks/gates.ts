/**
 * When the tasks of a deployment may be sent, how many together, and how many at a time.
 *
 * A refusal is about the deployment, not about the task: it waits first in line, unchanged, and so do those behind it. A refusal costs
 * as much as an attempt. What is known here need not be stored.
 *
 * Invariants:
 *   G1. After a refusal nothing is sent for a while, and then one at a time until a replica has run one.
 *   G2. A long line is sent in waves, so that replicas without room have refused some before all of it has been sent: each shard would do so
 *       whenever the system starts.
 *   G3. While others of the deployment are in flight, a refusal says that there is room for those and no more. That holds for less and less
 *       as time passes without another one, however long the attempts take.
 */

/** How many attempts of one deployment are in flight at most: one that hangs must not stop the others. */
export const MAX_OF_ONE = 48;
/** How many are sent together at most, and how long until the next may be. */
const MAX_TOGETHER = 8;
const APART_MS = 25;
/** The wait after the first refusal, doubled for each that follows. */
const PAUSE_MS = 100;
const MAX_PAUSE_MS = 10_000;
/** How long without a refusal until one more may be in flight. */
const GROWTH_MS = 1000;

interface Gate {
  /** In a row. */
  refusals: number;
  pausedUntil: number;
  nextWaveAt: number;
  /** How many may be in flight, at the time of the last refusal. */
  limit: number;
  limitedAt: number;
}

export class Gates {
  readonly #gates = new Map<string, Gate>();
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /**
   * When the next task may be sent, in milliseconds since the epoch; `undefined` where others must end before that.
   *
   * @param inFlight How many are, of the deployment.
   */
  openAt(deployment: string, inFlight: number): number | undefined {
    if (inFlight >= MAX_OF_ONE) return undefined;
    const gate = this.#gates.get(deployment);
    if (gate === undefined) return 0;
    const roomAt = inFlight < gate.limit ? 0 : gate.limitedAt + (inFlight + 1 - gate.limit) * GROWTH_MS;
    return Math.max(gate.pausedUntil, gate.nextWaveAt, roomAt);
  }

  /** How many may be sent now. */
  room(deployment: string, inFlight: number, nowMs: number): number {
    const openAt = this.openAt(deployment, inFlight);
    if (openAt === undefined || openAt > nowMs) return 0;
    const gate = this.#gates.get(deployment);
    const limit = gate === undefined ? MAX_OF_ONE : gate.limit + Math.max(0, Math.floor((nowMs - gate.limitedAt) / GROWTH_MS));
    return Math.min(MAX_TOGETHER, Math.min(MAX_OF_ONE, limit) - inFlight);
  }

  /** Whether the last one was refused: then one is sent, and the others wait for what becomes of it. */
  isProbing(deployment: string): boolean {
    return (this.#gates.get(deployment)?.refusals ?? 0) > 0;
  }

  /** So many have been sent together. */
  sent(deployment: string, count: number, nowMs: number): void {
    if (count === MAX_TOGETHER) this.#gateOf(deployment).nextWaveAt = nowMs + APART_MS;
  }

  /** @param others How many others of the deployment are in flight. */
  refused(deployment: string, nowMs: number, others: number): void {
    const gate = this.#gateOf(deployment);
    // Where nothing runs, nothing is known of how much could.
    gate.limit = others === 0 ? MAX_OF_ONE : others;
    gate.limitedAt = nowMs;
    // Those that were on their way together are refused together.
    if (nowMs < gate.pausedUntil) return;
    const pauseMs = Math.min(MAX_PAUSE_MS, PAUSE_MS * 2 ** gate.refusals) * (0.75 + this.#random() / 2);
    gate.refusals++;
    gate.pausedUntil = nowMs + Math.round(pauseMs);
  }

  /** A replica has run one. */
  accepted(deployment: string): void {
    const gate = this.#gates.get(deployment);
    if (gate === undefined) return;
    gate.refusals = 0;
    gate.pausedUntil = 0;
  }

  #gateOf(deployment: string): Gate {
    const gate = this.#gates.get(deployment) ?? { refusals: 0, pausedUntil: 0, nextWaveAt: 0, limit: MAX_OF_ONE, limitedAt: 0 };
    this.#gates.set(deployment, gate);
    return gate;
  }
}
