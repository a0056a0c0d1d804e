/**
 * Something done again and again while there is work, and not at all without: an idle replica has no timer.
 */

/** What a pulse is made of. */
export interface PulseParts {
  intervalMs(): number;
  /** `false` ends it until the next `start`, and so does whatever it rejects with. */
  beat(): Promise<boolean>;
  sleep(ms: number): Promise<void>;
}

export class Pulse {
  readonly #parts: PulseParts;
  #isBeating = false;
  /** There was work while it beat, which the beat may not have seen. */
  #hasStarted = false;

  constructor(parts: PulseParts) {
    this.#parts = parts;
  }

  /** There is work. Costs next to nothing while it beats already. */
  start(): void {
    this.#hasStarted = true;
    if (this.#isBeating) return;
    this.#isBeating = true;
    void this.#run();
  }

  async #run(): Promise<void> {
    const { intervalMs, beat, sleep } = this.#parts;
    do {
      await sleep(intervalMs());
      this.#hasStarted = false;
    } while ((await beat().catch(() => false)) || this.#hasStarted);
    this.#isBeating = false;
  }
}
