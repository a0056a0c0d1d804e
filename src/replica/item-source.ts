/**
 * The items of a generator, handed out in batches.
 *
 * One item per message is slow, and waiting to fill a batch delays the first item. So the generator runs ahead
 * while the consumer works on what it has, and a pull takes whatever is ready.
 *
 * Invariants:
 *   I1. Items arrive once and in order; an error comes after the items before it.
 *   I2. A pull waits for the first item only, never for a batch to fill.
 *   I3. At most `HIGH_WATER` items wait; then the generator pauses.
 *   I4. After `cancel` the generator's `finally` has run or will, and no more items are made.
 */
import { encodeError, type WireError } from "../protocol/error-codec.ts";
import type { ItemBatch, ItemPuller } from "../protocol/messages.ts";
import { toSendable } from "../protocol/sendable.ts";

type AnyIterator = AsyncIterator<unknown, unknown, undefined> | Iterator<unknown, unknown, undefined>;

/** How many items may wait for the consumer. A batch of this size costs about as much as a single item. */
const HIGH_WATER = 256;

export class ItemSource implements ItemPuller {
  readonly #iterator: AnyIterator;
  readonly #subject: string;
  readonly #ended: () => void;
  #ready: unknown[] = [];
  #error: WireError | undefined;
  #isDone = false;
  // Each is set while its side waits for the other.
  #wakeConsumer: (() => void) | undefined;
  #wakeProducer: (() => void) | undefined;

  /**
   * Starts the generator at once, in the scope of the caller.
   *
   * @param subject What an item is, for errors: `An item of "Model.generate"`.
   * @param ended Called once, when no more items come.
   */
  constructor(iterator: AnyIterator, subject: string, ended: () => void) {
    this.#iterator = iterator;
    this.#subject = subject;
    this.#ended = ended;
    void this.#produce();
  }

  async pull(): Promise<ItemBatch> {
    if (this.#ready.length === 0 && !this.#isDone) await new Promise<void>((wake) => (this.#wakeConsumer = wake));
    const items = this.#ready;
    this.#ready = [];
    this.#wakeProducer?.();
    return { items, done: this.#isDone, ...(this.#isDone && this.#error !== undefined ? { error: this.#error } : {}) };
  }

  async cancel(): Promise<void> {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#ready = [];
    this.#wakeConsumer?.();
    this.#wakeProducer?.();
    // Until its body and its `finally` are done, the generator uses what its request was given.
    try {
      await this.#iterator.return?.();
    } finally {
      this.#ended();
    }
  }

  async #produce(): Promise<void> {
    try {
      while (!this.#isDone) {
        const next = await this.#iterator.next();
        if (this.#isDone) return;
        if (next.done === true) break;
        this.#ready.push(toSendable(next.value, this.#subject));
        this.#wakeConsumer?.();
        if (this.#ready.length >= HIGH_WATER) {
          await new Promise<void>((wake) => (this.#wakeProducer = wake));
          this.#wakeProducer = undefined;
        }
      }
    } catch (error) {
      this.#error = encodeError(error);
      // After an item that cannot cross the generator is still suspended, and its `finally` has to run. What that throws
      // has nobody to go to: the stream has failed already.
      void (async () => this.#iterator.return?.())().catch(() => {});
    }
    if (!this.#isDone) this.#end();
  }

  #end(): void {
    this.#isDone = true;
    this.#wakeConsumer?.();
    this.#ended();
  }
}

/** Whether a method's result is to be streamed item by item. */
export function isGenerator(value: unknown): value is AsyncGenerator | Generator {
  if (typeof value !== "object" || value === null) return false;
  const tag = (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag];
  return tag === "AsyncGenerator" || tag === "Generator";
}
