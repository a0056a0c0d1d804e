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
import type { Delivery, Refusal, ReplicaState, RequestMeta, Reservation } from "../protocol/messages.ts";
import type { ReplicaSet } from "../protocol/replica-set.ts";
import type { Admission, Slot } from "./admission.ts";
import type { After } from "../context/with-timeout.ts";
import type { Membership } from "./membership.ts";
import type { ReplicaMeter } from "./replica-meter.ts";

/** What comes of a request at the gate. Rejects with what it was withdrawn for, or when its deadline has passed. */
export type Entry = Slot | Refusal | Promise<Slot | Refusal>;

/** What the gate asks. */
export interface GateParts {
  readonly admission: Admission;
  readonly meter: Pick<ReplicaMeter, "refused">;
  /** A replica without one takes whatever comes. */
  readonly membership: Membership | undefined;
  /** Whether the object is being deleted; only that of a key ever is. */
  isDeleted(): boolean;
  readonly after: After;
  /** What a caller is told that asks for it. */
  state(): ReplicaState;
  warn(message: string): void;
  /** Looks for requests that hold a slot and are no more; `true` if there were any. Missing where that cannot be. */
  readonly endLost?: () => boolean;
}

/** How long a call waits behind a call of its own chain before the log says so. */
const OWN_CHAIN_MS = 5000;

export class Gate {
  readonly #parts: GateParts;

  constructor(parts: GateParts) {
    this.#parts = parts;
  }

  /** Whether the object is being deleted, and takes nothing. */
  get isDeleted(): boolean {
    return this.#parts.isDeleted();
  }

  /** A request is here. */
  enter(meta: RequestMeta, delivery: Delivery): Entry {
    if (delivery.isReserved === true) return this.#entry(this.#parts.admission.arrive(delivery.id), delivery);
    const isOurs = this.#parts.membership?.admits(meta, delivery) ?? !this.isDeleted;
    return isOurs instanceof Promise ? isOurs.then((is) => this.#decided(is, meta, delivery)) : this.#decided(isOurs, meta, delivery);
  }

  /** Keeps a slot for a request that comes next. Rejects as an {@link Entry} does. */
  async reserve(meta: RequestMeta, delivery: Delivery): Promise<Exclude<Reservation, { kind: "error" }>> {
    const { admission, membership } = this.#parts;
    const { id, mode } = delivery;
    const isOurs = (await membership?.admits(meta, delivery)) ?? !this.isDeleted;
    const turn = isOurs && admission.reserve(id, meta.deadline, mode === "queue");
    const isReserved = turn instanceof Promise ? await this.#watched(turn, meta) : turn;
    if (!isReserved) return this.#refusal(delivery);
    return { kind: "reserved", grant: { [Symbol.dispose]: () => void admission.withdraw(id, undefined) } };
  }

  // A call that waits for a slot which a call before it in the same chain holds waits for itself.
  #watched<T>(turn: Promise<T>, { chain }: RequestMeta): Promise<T> {
    const own = chain.at(-1)!;
    if (chain.indexOf(own) === chain.length - 1) return turn;
    const stop = this.#parts.after(OWN_CHAIN_MS, () =>
      this.#parts.warn(
        `A call has waited ${OWN_CHAIN_MS / 1000} s for a slot that a call before it may hold: ${chain.join(" -> ")}. ` +
          `Raise maxOngoingRequests of ${JSON.stringify(own.slice(own.indexOf("/") + 1))}, or set requestTimeoutMs.`,
      ),
    );
    return turn.finally(stop);
  }

  /** The newest replica set, for a caller that has said that it knows an older one. */
  newerSet(epoch: number | undefined): ReplicaSet | undefined {
    return epoch === undefined ? undefined : this.#parts.membership?.newerSet(epoch);
  }

  #decided(isOurs: boolean, meta: RequestMeta, delivery: Delivery): Entry {
    if (!isOurs) return this.#refusal(delivery);
    const { id, mode } = delivery;
    const { admission, endLost } = this.#parts;
    if (mode === "queue") return this.#entry(admission.queue(id, meta.deadline), delivery);
    const slot = admission.claim();
    return this.#entry(slot === undefined && endLost?.() === true ? admission.claim() : slot, delivery);
  }

  #entry(slot: Slot | Promise<Slot> | undefined, delivery: Delivery): Entry {
    return slot ?? this.#refusal(delivery);
  }

  #refusal({ mode, epoch = 0, wantsState }: Delivery): Refusal {
    this.#parts.meter.refused(mode);
    const set = this.newerSet(epoch);
    const { load } = this.#parts.admission;
    const state = wantsState === true ? { state: this.#parts.state() } : {};
    return {
      kind: "refused",
      load,
      ...(set === undefined ? {} : { set }),
      ...state,
      ...(this.isDeleted ? { isDeleted: true } : {}),
    };
  }
}
