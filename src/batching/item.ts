/**
 * One call of a batched function: what it was called with, and who waits for it.
 *
 * Invariants:
 *   B1. A caller is told one end: a result, the end of its stream, an error, or why it was dropped. What comes later is ignored.
 *   B2. Whoever holds the item (the queue, then the batch) learns once that its caller has left, and once that it was told its end.
 */
import type { Scope } from "../context/scope.ts";

/** Where an item's results go. */
export interface Outlet {
  give(value: unknown): void;
  end(): void;
  fail(reason: unknown): void;
  /** Turns the outlet into one that takes many values. */
  stream(): void;
  /** How many values wait to be read; only a stream's do. */
  readonly unread: number;
}

/** What a caller gave. */
export interface BatchCall {
  readonly args: readonly unknown[];
  /** `this` of the call. */
  readonly self: unknown;
  readonly scope: Scope | undefined;
}

export class Item {
  readonly call: BatchCall;
  readonly enqueuedAtMs: number;
  readonly #outlet: Outlet;
  /** Whoever holds the item is told that its caller has left. */
  onLeave: (() => void) | undefined;
  /** Whoever runs the item is told that nobody waits for it any more, whatever the reason. */
  onClose: ((item: Item) => void) | undefined;
  /** Whoever fills the item's stream is told that the caller has read from it. */
  onRead: (() => void) | undefined;
  #isOpen = true;
  #stopListening: (() => void) | undefined;

  constructor(call: BatchCall, outlet: Outlet, enqueuedAtMs: number) {
    this.call = call;
    this.#outlet = outlet;
    this.enqueuedAtMs = enqueuedAtMs;
  }

  /** The model that the call is for: a batch has one. */
  get model(): string | undefined {
    return this.call.scope?.request?.multiplexedModelId;
  }

  /** Whether the caller still waits for something. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  get unread(): number {
    return this.#outlet.unread;
  }

  /** Follows the caller's request: when it is aborted, the caller has left. */
  followRequest(): void {
    this.#stopListening = this.call.scope?.request?.onAbort((reason) => this.leave(reason));
    // An aborted request tells at once, when there was nothing to take off yet.
    if (!this.#isOpen) this.#stopListening?.();
  }

  give(value: unknown): void {
    if (this.#isOpen) this.#outlet.give(value);
    // Nobody will ever look at it.
    else if (value instanceof Promise) value.catch(() => {});
  }

  stream(): void {
    if (this.#isOpen) this.#outlet.stream();
  }

  end(): void {
    if (this.#close()) this.#outlet.end();
  }

  fail(reason: unknown): void {
    if (this.#close()) this.#outlet.fail(reason);
  }

  /** The caller has gone. */
  leave(reason: unknown): void {
    if (!this.#close()) return;
    this.#outlet.fail(reason);
    this.onLeave?.();
  }

  #close(): boolean {
    if (!this.#isOpen) return false;
    this.#isOpen = false;
    this.#stopListening?.();
    this.onClose?.(this);
    return true;
  }
}

/** Stands for the end of one caller's stream; `serve.batch.end` to users. The same in every copy of the package. */
export const END: unique symbol = Symbol.for("edge-serve.batch.end");
