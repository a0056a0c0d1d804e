/**
 * A generator that runs ahead of its consumer, who takes whatever is ready.
 *
 * One item per message is slow, and waiting for more delays the first item. So the generator goes on while the consumer
 * works on what it has.
 *
 * Invariants:
 *   I1. Items arrive once and in order; an error comes after the items before it.
 *   I2. A consumer waits for the first item only, never for more to come.
 *   I3. The generator pauses while `highWater` items or `maxSize` of them wait.
 *   I4. After `cancel` the generator's `finally` has run or will, and no more items are made.
 */
import { encodeError } from "../protocol/error-codec.ts";
import type { ItemBatch, ItemPuller } from "../protocol/messages.ts";
import { toSendable } from "../protocol/sendable.ts";

/** What can be asked for one item after the other. */
export type AnyIterator = AsyncIterator<unknown, unknown, undefined> | Iterator<unknown, unknown, undefined>;

/** What becomes of a generator's items, and who hears of its end. */
export interface RunAheadSettings<T> {
  /** Called once for each item, as soon as it is there. What it throws ends the generator as its own error would. */
  convert(item: unknown): T;
  /** How much of `maxSize` an item takes; nothing when left out. */
  sizeOf?(item: T): number;
  readonly maxSize?: number;
  /** Called once, when no more items come, with what the generator threw, if it did. */
  ended(failure?: { readonly error: unknown }): void;
}

/** What is ready, and whether there is more. */
export interface Ready<T> {
  readonly items: T[];
  readonly isDone: boolean;
  /** Why the generator ended early; comes after `items`. */
  readonly failure?: { readonly error: unknown };
}

/** How many items may wait for the consumer. A batch of this size costs about as much as a single item. */
const HIGH_WATER = 256;

export class RunAhead<T> {
  readonly #iterator: AnyIterator;
  readonly #settings: RunAheadSettings<T>;
  #ready: T[] = [];
  #size = 0;
  #failure: { readonly error: unknown } | undefined;
  #isDone = false;
  #stopped: Promise<void> | undefined;
  // Each is set while its side waits for the other.
  #wakeConsumer: (() => void) | undefined;
  #wakeProducer: (() => void) | undefined;

  /** Starts the generator at once, in the scope of the caller. */
  constructor(iterator: AnyIterator, settings: RunAheadSettings<T>) {
    this.#iterator = iterator;
    this.#settings = settings;
    void this.#produce();
  }

  /** Whether the generator has ended or was cancelled. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Resolves with at least one item, unless there are no more. */
  async take(): Promise<Ready<T>> {
    if (this.#ready.length === 0 && !this.#isDone) await new Promise<void>((wake) => (this.#wakeConsumer = wake));
    const items = this.#ready;
    this.#ready = [];
    this.#size = 0;
    this.#wakeProducer?.();
    const failure = this.#isDone ? this.#failure : undefined;
    return { items, isDone: this.#isDone, ...(failure === undefined ? {} : { failure }) };
  }

  /** Ends the generator. Resolves when its `finally` has run. */
  cancel(): Promise<void> {
    return (this.#stopped ??= this.#stop());
  }

  async #stop(): Promise<void> {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#ready = [];
    this.#wakeConsumer?.();
    this.#wakeProducer?.();
    // Until its body and its `finally` are done, the generator uses what its request was given.
    try {
      await this.#iterator.return?.();
    } finally {
      this.#settings.ended();
    }
  }

  async #produce(): Promise<void> {
    const { convert, sizeOf, maxSize = Infinity } = this.#settings;
    try {
      while (!this.#isDone) {
        const next = await this.#iterator.next();
        if (this.#isDone) return;
        if (next.done === true) break;
        const item = convert(next.value);
        this.#size += sizeOf?.(item) ?? 0;
        this.#ready.push(item);
        this.#wakeConsumer?.();
        if (this.#ready.length >= HIGH_WATER || this.#size >= maxSize) await this.#pause();
      }
    } catch (error) {
      this.#failure = { error };
      // After an item that cannot be converted the generator is still suspended, and its `finally` has to run. What that
      // throws has nobody to go to: the stream has failed already.
      void (async () => this.#iterator.return?.())().catch(() => {});
    }
    if (!this.#isDone) this.#end();
  }

  async #pause(): Promise<void> {
    await new Promise<void>((wake) => (this.#wakeProducer = wake));
    this.#wakeProducer = undefined;
  }

  #end(): void {
    this.#isDone = true;
    this.#wakeConsumer?.();
    this.#settings.ended(this.#failure);
  }
}

/** Who hears of the end of a stream. */
export interface ItemListeners {
  /** Called once, when no more items come, with what the generator threw, if it did. */
  ended(failure?: { readonly error: unknown }): void;
  /** Called before the generator is stopped, when its consumer wants no more items. */
  cancelled?(): void;
}

export class ItemSource implements ItemPuller {
  readonly #items: RunAhead<unknown>;
  readonly #cancelled: (() => void) | undefined;

  /**
   * Starts the generator at once, in the scope of the caller.
   *
   * @param subject What an item is, for errors: `An item of "Model.generate"`.
   */
  constructor(iterator: AnyIterator, subject: string, { ended, cancelled }: ItemListeners) {
    this.#items = new RunAhead(iterator, { convert: (item) => toSendable(item, subject), ended });
    this.#cancelled = cancelled;
  }

  async pull(): Promise<ItemBatch> {
    const { items, isDone: done, failure } = await this.#items.take();
    return failure === undefined ? { items, done } : { items, done, error: encodeError(failure.error) };
  }

  cancel(): Promise<void> {
    if (!this.#items.isDone) this.#cancelled?.();
    return this.#items.cancel();
  }
}

/** Whether a method's result is to be streamed item by item. */
export function isGenerator(value: unknown): value is AsyncGenerator | Generator {
  if (typeof value !== "object" || value === null) return false;
  const tag = (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag];
  return tag === "AsyncGenerator" || tag === "Generator";
}
