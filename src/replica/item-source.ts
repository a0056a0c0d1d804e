/**
 * The items of a generator, handed out to a handle's caller in batches.
 */
import { encodeError } from "../protocol/error-codec.ts";
import type { ItemBatch, ItemPuller } from "../protocol/messages.ts";
import { toSendable } from "../protocol/sendable.ts";
import { type AnyIterator, RunAhead } from "./run-ahead.ts";

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
