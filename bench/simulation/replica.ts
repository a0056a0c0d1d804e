/**
 * A replica under virtual time: the real admission, and service that takes the time that the job says.
 *
 * Owns: the way to the replica and back, slots, being lost. Does not own: which job comes here.
 */
import { encodeError } from "../../src/protocol/error-codec.ts";
import { DeploymentUnavailableError } from "../../src/protocol/errors.ts";
import type { Delivery, Load, Refusal, Reply, Reservation } from "../../src/protocol/messages.ts";
import type { ReplicaSet } from "../../src/protocol/replica-set.ts";
import { Admission, type AdmissionLimits } from "../../src/replica/admission.ts";
import type { VirtualClock } from "./clock.ts";
import { reserve, slotFor } from "./slots.ts";

/** One request, and what became of it. */
export interface Job {
  readonly serviceMs: number;
  /** How many messages to replicas it took. */
  hops: number;
  startedAtMs: number;
}

/** How a replica differs from the others, and how far away it is. */
export interface ReplicaTraits {
  readonly limits: AdmissionLimits;
  /** How many times longer than said a job takes here. */
  readonly slowness: number;
  readonly oneWayMs: number;
}

/** What a replica has been told of its deployment. */
export interface Told {
  /** Whether it takes requests: it is in the set. */
  readonly isServing: boolean;
  /** The newest set, for a caller that knows an older one. */
  newerSet(epoch: number): ReplicaSet | undefined;
}

/** What a call of a lost replica throws, as the platform words it. */
const LOST = "Network connection lost.";
/** What a replica says that cannot start yet. */
const NO_START = encodeError(new DeploymentUnavailableError("The replica cannot start."));

type Settle<T> = { readonly resolve: (reply: T) => void; readonly reject: (reason: unknown) => void };

export class SimulatedReplica {
  readonly traits: ReplicaTraits;
  readonly #clock: VirtualClock;
  readonly #told: Told | undefined;
  readonly #here = new Set<Settle<never>>();
  // Undefined while the replica is gone; another one when it is back.
  #admission: Admission | undefined;

  /** @param told Left out where nothing is ever told. */
  constructor(clock: VirtualClock, traits: ReplicaTraits, told?: Told) {
    this.traits = traits;
    this.#clock = clock;
    this.#told = told;
    this.come();
  }

  come(): void {
    this.#admission = new Admission(this.traits.limits, this.#clock);
  }

  /** Loses what runs and waits here, and cannot start until it comes back. */
  go(): void {
    this.#admission = undefined;
    for (const { reject } of this.#here) this.#after(() => reject(new Error(LOST)));
    this.#here.clear();
  }

  /** Sends a job here; the reply's value is the load that the job left behind. */
  call(job: Job, delivery: Delivery): Promise<Reply> {
    job.hops++;
    return this.#over((settle: Settle<Reply>) => this.#receive(job, delivery, settle));
  }

  /** Asks for a slot for a job here. */
  reserve(job: Job, delivery: Delivery): Promise<Reservation> {
    job.hops++;
    return this.#over((settle: Settle<Reservation>) => this.#reserve(delivery, settle));
  }

  #over<T>(receive: (settle: Settle<T>) => Promise<void>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#after(() => void receive({ resolve, reject }));
    });
  }

  async #receive(job: Job, delivery: Delivery, settle: Settle<Reply>): Promise<void> {
    const admission = this.#admission;
    if (admission === undefined || this.#isLeft) return this.#refuse(settle);
    const slot = slotFor(admission, delivery);
    if (slot === undefined) return this.#refuse(settle);
    this.#here.add(settle);
    const held = slot instanceof Promise ? await slot : slot;
    if (this.#admission !== admission) return;
    job.startedAtMs = this.#clock.now();
    await this.#clock.sleep(job.serviceMs * this.traits.slowness);
    if (this.#admission !== admission) return;
    held.release();
    this.#here.delete(settle);
    this.#answer(settle, { kind: "value", value: admission.load satisfies Load, ...this.#newerSet(delivery.epoch ?? 0) });
  }

  async #reserve(delivery: Delivery, settle: Settle<Reservation>): Promise<void> {
    const admission = this.#admission;
    if (admission === undefined || this.#isLeft) return this.#refuse(settle);
    this.#here.add(settle);
    const reservation = await reserve(admission, delivery);
    this.#here.delete(settle);
    if (this.#admission === admission) this.#answer(settle, reservation);
  }

  get #isLeft(): boolean {
    return this.#told?.isServing === false;
  }

  #refuse(settle: Settle<Refusal>): void {
    const admission = this.#admission;
    const load = admission?.load ?? { ongoing: 0, queued: 0 };
    this.#answer(settle, { kind: "refused", load, ...(admission === undefined ? { failedStart: NO_START } : this.#newerSet(0)) });
  }

  #newerSet(epoch: number): { readonly set?: ReplicaSet } {
    const set = this.#told?.newerSet(epoch);
    return set === undefined ? {} : { set };
  }

  #answer<T>(settle: Settle<T>, reply: T): void {
    this.#after(() => settle.resolve(reply));
  }

  #after(happen: () => void): void {
    this.#clock.at(this.#clock.now() + this.traits.oneWayMs, happen);
  }
}
