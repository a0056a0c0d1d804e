/**
 * When the tasks of a deployment may be sent again after its replicas have refused one.
 *
 * A refusal is about the deployment, not about the task: it waits first in line, unchanged, and so do those behind it. What is
 * known here need not be stored.
 */

/** The wait after the first refusal, doubled for each that follows. */
const PAUSE_MS = 100;
const MAX_PAUSE_MS = 10_000;

interface Gate {
  refusals: number;
  openAt: number;
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
    return this.#gates.has(deployment);
  }

  refused(deployment: string, nowMs: number): void {
    const gate = this.#gates.get(deployment) ?? { refusals: 0, openAt: 0 };
    // Those that were on their way together are refused together.
    if (nowMs < gate.openAt) return;
    const pauseMs = Math.min(MAX_PAUSE_MS, PAUSE_MS * 2 ** gate.refusals) * (0.75 + this.#random() / 2);
    this.#gates.set(deployment, { refusals: gate.refusals + 1, openAt: nowMs + Math.round(pauseMs) });
  }

  /** A replica has run one. */
  accepted(deployment: string): void {
    this.#gates.delete(deployment);
  }
}
