/**
 * Lets a request in, has it wait, or refuses it: the one question of a replica to what it knows.
 *
 * Owns: what a refusal says, and what a caller is told of the deployment's replicas.
 * Does not own: who is in the set (membership.ts), the slots (admission.ts).
 *
 * Invariants:
 *   G1. A request that is refused has not begun, and leaves nothing behind.
 *   G2. A replica that has left the set, or whose application has moved, takes no request; nor does it refuse one before it
 *       has asked its controller, because whoever sent it may know something newer.
 */
import type { Delivery, Refusal, RequestMeta, Reservation } from "../protocol/messages.ts";
import type { ReplicaSet } from "../protocol/replica-set.ts";
import type { Admission, Slot } from "./admission.ts";
import type { Membership } from "./membership.ts";
import type { ReplicaMeter } from "./replica-meter.ts";

/** What comes of a request at the gate. Rejects with what it was withdrawn for, or when its deadline has passed. */
export type Entry = Slot | Refusal | Promise<Slot | Refusal>;

export class Gate {
  readonly #admission: Admission;
  readonly #meter: Pick<ReplicaMeter, "refused">;
  readonly #membership: Membership | undefined;

  /** @param membership A replica without one takes whatever comes. */
  constructor(admission: Admission, meter: Pick<ReplicaMeter, "refused">, membership: Membership | undefined) {
    this.#admission = admission;
    this.#meter = meter;
    this.#membership = membership;
  }

  /** A request is here. */
  enter(meta: RequestMeta, delivery: Delivery): Entry {
    if (delivery.isReserved === true) return this.#entry(this.#admission.arrive(delivery.id), delivery);
    const isOurs = this.#membership?.admits(meta, delivery) ?? true;
    return isOurs instanceof Promise ? isOurs.then((is) => this.#decided(is, meta, delivery)) : this.#decided(isOurs, meta, delivery);
  }

  /** Keeps a slot for a request that comes next. @param watch Is given a wait, to follow it. */
  async reserve(
    meta: RequestMeta,
    delivery: Delivery,
    watch: (turn: Promise<true>) => Promise<true>,
  ): Promise<Exclude<Reservation, { kind: "error" }>> {
    const { id, mode } = delivery;
    const isOurs = (await this.#membership?.admits(meta, delivery)) ?? true;
    const turn = isOurs && this.#admission.reserve(id, meta.deadline, mode === "queue");
    const isReserved = turn instanceof Promise ? await watch(turn) : turn;
    if (!isReserved) return this.#refusal(delivery);
    return { kind: "reserved", grant: { [Symbol.dispose]: () => void this.#admission.withdraw(id, undefined) } };
  }

  /** The newest replica set, for a caller that has said that it knows an older one. */
  newsFor(epoch: number | undefined): ReplicaSet | undefined {
    return epoch === undefined ? undefined : this.#membership?.newsFor(epoch);
  }

  #decided(isOurs: boolean, meta: RequestMeta, delivery: Delivery): Entry {
    if (!isOurs) return this.#refusal(delivery);
    const { id, mode } = delivery;
    return this.#entry(mode === "claim" ? this.#admission.claim() : this.#admission.queue(id, meta.deadline), delivery);
  }

  #entry(slot: Slot | Promise<Slot> | undefined, delivery: Delivery): Entry {
    return slot ?? this.#refusal(delivery);
  }

  #refusal({ mode, epoch = 0 }: Delivery): Refusal {
    this.#meter.refused(mode);
    const set = this.newsFor(epoch);
    return { kind: "refused", load: this.#admission.load, ...(set === undefined ? {} : { set }) };
  }
}
