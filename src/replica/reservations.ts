/**
 * Slots that are kept for requests which can be sent only once: first the slot, then the request.
 */
import type { Slot } from "./admission.ts";

/** How long a slot waits for its request, which is under way. */
const RESERVATION_MS = 5000;

export class Reservations {
  readonly #slots = new Map<string, Slot>();

  /** Keeps a slot for the request with this id. */
  keep(id: string, slot: Slot): void {
    this.#slots.set(id, slot);
    setTimeout(() => this.release(id), RESERVATION_MS);
  }

  /** The slot that was kept for this request, which has come; `undefined` when it came too late. */
  take(id: string): Slot | undefined {
    const slot = this.#slots.get(id);
    this.#slots.delete(id);
    return slot;
  }

  /** The request does not come. */
  release(id: string): void {
    this.take(id)?.release();
  }
}
