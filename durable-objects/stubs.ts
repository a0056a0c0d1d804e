/**
 * What of an answer is still to come, as stubs that the caller asks.
 */
import { RpcTarget } from "cloudflare:workers";
import type { WireError } from "../src/protocol/error-codec.ts";
import type { ItemBatch, ItemPuller, StreamSource } from "../src/protocol/messages.ts";

/** Where a result's stream comes from, as a stub that the caller asks. */
export class SourceStub extends RpcTarget implements StreamSource {
  readonly #source: StreamSource;

  constructor(source: StreamSource) {
    super();
    this.#source = source;
  }

  reason(): Promise<WireError | undefined> {
    return this.#source.reason();
  }
}

/** A stream of items as a stub that the caller pulls from. */
export class ItemStub extends RpcTarget implements ItemPuller {
  readonly #items: ItemPuller;

  constructor(items: ItemPuller) {
    super();
    this.#items = items;
  }

  pull(): Promise<ItemBatch> {
    return this.#items.pull();
  }

  cancel(): Promise<void> | void {
    return this.#items.cancel();
  }

  // The caller has gone, whether it said so or not.
  [Symbol.dispose](): void {
    void this.#items.cancel();
  }
}
