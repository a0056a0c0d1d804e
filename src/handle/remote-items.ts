/**
 * The consumer's end of a stream of items.
 *
 * Invariants:
 *   S1. Items come out once and in order; an error comes after the items before it.
 *   S2. Leaving the loop early cancels the generator in the replica.
 *   S3. A stream that ends early for a reason ends its loop with that reason, also one that waits for an item.
 *   S4. While the consumer works on one batch, the next is under way; never more than one.
 *   S5. A stream is read once: a second loop has no items, as a second loop over a generator has none.
 */
import { decodeError } from "../protocol/error-codec.ts";
import type { ItemBatch, ItemPuller } from "../protocol/messages.ts";
import { ITEMS_BRAND } from "../protocol/sendable.ts";
import type { CallSite } from "./call-site.ts";

export class RemoteItems implements AsyncIterable<unknown> {
  readonly #puller: ItemPuller;
  readonly #callSite: CallSite;
  readonly #failed: (thrown: unknown) => void;
  readonly #listeners: (() => void)[] = [];
  #isCancelled = false;
  #failure: { readonly reason: unknown } | undefined;
  // Ends the wait for the next batch.
  #fail: ((reason: unknown) => void) | undefined;
  #isOver = false;
  #isTaken = false;

  get [ITEMS_BRAND](): true {
    return true;
  }

  /** @param failed Is told what the generator has thrown. */
  constructor(puller: ItemPuller, callSite: CallSite = {}, failed: (thrown: unknown) => void = () => {}) {
    this.#puller = puller;
    this.#callSite = callSite;
    this.#failed = failed;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown, void, undefined> {
    // As a generator that has been iterated has no items left.
    if (this.#isTaken) return;
    this.#isTaken = true;
    let isOver = false;
    try {
      let next = this.#pull();
      while (!isOver) {
        const batch = await this.#arrival(next);
        isOver = batch.done;
        if (!isOver) next = this.#pull();
        yield* batch.items;
        if (batch.error !== undefined) {
          const thrown = decodeError(batch.error, this.#callSite.stack);
          this.#failed(thrown);
          throw thrown;
        }
      }
    } finally {
      if (!isOver) this.cancel();
      this.#end();
      this.#dispose();
    }
  }

  /** Stops the generator in the replica. The loop ends after what has arrived, or throws the reason of `failure`. */
  cancel(failure?: { readonly reason: unknown }): void {
    if (this.#isCancelled) return;
    this.#isCancelled = true;
    this.#failure = failure;
    if (failure !== undefined) this.#fail?.(failure.reason);
    this.#end();
    // The replica may be gone, which stops its generators as well.
    Promise.resolve(this.#puller.cancel()).catch(() => {});
  }

  /** Calls `listener` when the stream has been consumed or stopped, at once if it has. */
  whenOver(listener: () => void): void {
    if (this.#isOver) listener();
    else this.#listeners.push(listener);
  }

  #end(): void {
    this.#isOver = true;
    for (const listener of this.#listeners.splice(0)) listener();
  }

  #pull(): Promise<ItemBatch> {
    const batch = this.#puller.pull();
    // It may fail while the consumer is elsewhere; the loop awaits it next.
    batch.catch(() => {});
    return batch;
  }

  #arrival(next: Promise<ItemBatch>): Promise<ItemBatch> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) return reject(this.#failure.reason);
      this.#fail = reject;
      next.then(resolve, reject);
    });
  }

  // Over RPC the puller is a stub, and the replica keeps its end until the stub is disposed of.
  #dispose(): void {
    (this.#puller as Partial<Disposable>)[Symbol.dispose]?.();
  }
}
