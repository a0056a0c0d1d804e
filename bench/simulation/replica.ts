/**
 * A replica under virtual time: the real admission, and service that takes the time that the job says.
 *
 * Owns: the way to the replica and back, slots, being lost. Does not own: which job comes here.
 */
import type { Delivery, Load, Reply } from "../../src/protocol/messages.ts";
import type { ReplicaSet } from "../../src/protocol/replica-set.ts";
import { Admission, type AdmissionLimits } from "../../src/replica/admission.ts";
import type { VirtualClock } from "./clock.ts";

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
  newsFor(epoch: number): ReplicaSet | undefined;
}

/** What a call of a lost replica throws, as the platform words it. */
const LOST = "Network connection lost.";
const UNREACHABLE = "Cannot resolve Durable Object due to transient issue on remote node";

type Settle = { readonly resolve: (reply: Reply) => void; readonly reject: (reason: unknown) => void };

export class SimulatedReplica {
  readonly traits: ReplicaTraits;
  readonly #clock: VirtualClock;
  readonly #told: Told | undefined;
  readonly #here = new Set<Settle>();
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
    this.#admission = new Admission(this.traits.limits, this.#clock.now);
  }

  /** Loses what runs and waits here, and cannot be reached until it comes back. */
  go(): void {
    this.#admission = undefined;
    for (const { reject } of this.#here) this.#after(() => reject(new Error(LOST)));
    this.#here.clear();
  }

  /** Sends a job here; the reply's value is the load that the job left behind. */
  call(job: Job, delivery: Delivery): Promise<Reply> {
    job.hops++;
    return new Promise((resolve, reject) => {
      this.#after(() => void this.#receive(job, delivery, { resolve, reject }));
    });
  }

  async #receive(job: Job, { id, mode, started, epoch }: Delivery, settle: Settle): Promise<void> {
    const admission = this.#admission;
    if (admission === undefined) return this.#after(() => settle.reject(new Error(UNREACHABLE)));
    const refuse = () => this.#answer(settle, { kind: "refused", load: admission.load, ...this.#newsFor(0) });
    if (this.#told?.isServing === false) return refuse();
    const slot = mode === "claim" ? admission.claim() : admission.queue(id, undefined);
    if (slot === undefined) return refuse();
    this.#here.add(settle);
    const held = slot instanceof Promise ? await slot : slot;
    if (this.#admission !== admission) return;
    job.startedAtMs = this.#clock.now();
    if (slot instanceof Promise) started?.();
    await this.#clock.sleep(job.serviceMs * this.traits.slowness);
    if (this.#admission !== admission) return;
    held.release();
    this.#here.delete(settle);
    this.#answer(settle, { kind: "value", value: admission.load satisfies Load, ...this.#newsFor(epoch ?? 0) });
  }

  #newsFor(epoch: number): { readonly set?: ReplicaSet } {
    const set = this.#told?.newsFor(epoch);
    return set === undefined ? {} : { set };
  }

  #answer(settle: Settle, reply: Reply): void {
    this.#after(() => settle.resolve(reply));
  }

  #after(happen: () => void): void {
    this.#clock.at(this.#clock.now() + this.traits.oneWayMs, happen);
  }
}
