/**
 * When the tasks of a deployment may be sent again after its replicas have refused one, and how many at a time.
 *
 * A refusal is about the deployment, not about the task: it waits first in line, unchanged, and so do those behind it. What is
 * known here need not be stored.
 *
 * Invariants:
 *   G1. After a refusal nothing is sent for a while, and then one at a time until a replica has run one.
 *   G2. Each refusal lowers how many may be in flight by one, so that what is left is about what the replicas have room for. Without
 *       that a long line would be sent again and again, and refused: a refusal costs as much as an attempt.
 *   G3. Each attempt that ends raises it: by one up to half of what it was before the refusals, and from there by one a round.
 */

/** How many attempts of one deployment are in flight at most: one that hangs must not stop the others. */
export const MAX_OF_ONE = 48;
/** The wait after the first refusal, doubled for each that follows. */
const PAUSE_MS = 100;
const MAX_PAUSE_MS = 10_000;

interface Gate {
  /** In a row. */
  refusals: number;
  openAt: number;
  limit: number;
  /** Up to where the limit grows fast. */
  fastUpTo: number;
}

export class Gates {
  readonly #gates = new Map<string, Gate>();
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** When the next task may be sent. In milliseconds since the epoch. */
  openAt(deployment: string): number {
    return this.#gates.get(deployment)?.openAt ?? 0;
  }

  /** Whether the last one was refused: then one is sent, and the others wait for what becomes of it. */
  isProbing(deployment: string): boolean {
    return (this.#gates.get(deployment)?.refusals ?? 0) > 0;
  }

  /** How many may be in flight. */
  limit(deployment: string): number {
    return Math.floor(this.#gates.get(deployment)?.limit ?? MAX_OF_ONE);
  }

  refused(deployment: string, nowMs: number): void {
    const gate = this.#gates.get(deployment) ?? { refusals: 0, openAt: 0, limit: MAX_OF_ONE, fastUpTo: MAX_OF_ONE };
    this.#gates.set(deployment, gate);
    const isFirst = gate.refusals === 0;
    if (isFirst) gate.fastUpTo = gate.limit / 2;
    // Those that were on their way together are refused together. One that was sent alone says nothing of how many there is room for.
    const isOfMany = isFirst || nowMs < gate.openAt;
    if (isOfMany) gate.limit = Math.max(1, gate.limit - 1);
    if (nowMs < gate.openAt) return;
    const pauseMs = Math.min(MAX_PAUSE_MS, PAUSE_MS * 2 ** gate.refusals) * (0.75 + this.#random() / 2);
    gate.refusals++;
    gate.openAt = nowMs + Math.round(pauseMs);
  }

  /** A replica has run one. */
  accepted(deployment: string): void {
    const gate = this.#gates.get(deployment);
    if (gate === undefined) return;
    gate.refusals = 0;
    gate.openAt = 0;
    gate.limit += gate.limit < gate.fastUpTo ? 1 : 1 / gate.limit;
    if (gate.limit >= MAX_OF_ONE) this.#gates.delete(deployment);
  }
}
