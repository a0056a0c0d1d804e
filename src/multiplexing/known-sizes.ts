/**
 * How large models are: measured once they are loaded, and remembered for the next time, so that room is made before a
 * load and not after it, when the isolate's memory would have held both.
 */

/** How many sizes are remembered; more ids than a replica is asked for in a while. */
const REMEMBERED = 1000;

export class KnownSizes<Model> {
  readonly #sizeOf: ((model: Model) => number) | undefined;
  // The first one is the one that was measured longest ago.
  readonly #known = new Map<string, number>();

  constructor(sizeOf: ((model: Model) => number) | undefined) {
    this.#sizeOf = sizeOf;
  }

  /** What the model took last time, in bytes; 0 when nothing is known. */
  expected(id: string): number {
    return this.#known.get(id) ?? 0;
  }

  /** @throws TypeError if `sizeOf` gives no size. */
  measure(id: string, model: Model): number {
    if (this.#sizeOf === undefined) return 0;
    const sizeBytes: unknown = this.#sizeOf(model);
    // A size is asked for, and not waited for.
    if (sizeBytes instanceof Promise) sizeBytes.catch(() => {});
    if (typeof sizeBytes !== "number" || !Number.isFinite(sizeBytes) || sizeBytes < 0) {
      throw new TypeError(`sizeOf must return a number of bytes, got ${String(sizeBytes)} for the model ${JSON.stringify(id)}.`);
    }
    this.#known.delete(id);
    this.#known.set(id, sizeBytes);
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size > REMEMBERED) this.#known.delete(oldest);
    return sizeBytes;
  }
}
