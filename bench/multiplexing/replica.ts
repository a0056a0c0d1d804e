/**
 * A replica with models under virtual time: the real admission and the real `ModelCache`; loads and service take the time
 * that they are told to.
 */
import { type ReplicaScope, RequestScope } from "../../src/context/scope.ts";
import { ModelCache } from "../../src/multiplexing/model-cache.ts";
import type { MultiplexedStats } from "../../src/multiplexing/registry.ts";
import type { Delivery, Reply, RequestMeta, Reservation } from "../../src/protocol/messages.ts";
import { Admission, type Slot } from "../../src/replica/admission.ts";
import type { VirtualClock } from "../simulation/clock.ts";
import { reserve, slotFor } from "../simulation/slots.ts";

/** One request for one model. */
export interface Job {
  readonly modelId: string;
  readonly serviceMs: number;
  hops: number;
  /** When it had its model, and its service began. */
  startedAtMs: number;
  replica: string;
}

/** How large a replica is, and how long things take. */
export interface ReplicaTraits {
  readonly name: string;
  readonly slots: number;
  readonly maxModels: number;
  readonly loadMs: number;
  readonly oneWayMs: number;
}

/** What an answer says about models, besides that the one asked for is there. */
export interface Reported {
  readonly models: readonly string[];
}

export class ModelReplica {
  readonly traits: ReplicaTraits;
  readonly #clock: VirtualClock;
  readonly #admission: Admission;
  readonly #cache: ModelCache<string>;

  constructor(clock: VirtualClock, traits: ReplicaTraits) {
    this.traits = traits;
    this.#clock = clock;
    this.#admission = new Admission({ maxOngoingRequests: traits.slots, maxQueuedRequests: -1 }, clock);
    this.#cache = new ModelCache({
      replica: scopeOf(traits.name),
      maxModels: traits.maxModels,
      maxBytes: Infinity,
      sizeOf: undefined,
      // Every load of the simulation ends, and every disposal.
      after: () => () => {},
      disposeTimeoutMs: () => 30_000,
      now: clock.now,
      load: async (id) => {
        await clock.sleep(traits.loadMs);
        return id;
      },
    });
  }

  get models(): readonly string[] {
    return this.#cache.present;
  }

  get stats(): MultiplexedStats {
    return this.#cache.stats;
  }

  /** Requests that run or wait here. */
  get load(): number {
    const { ongoing, queued } = this.#admission.load;
    return ongoing + queued;
  }

  /** Asks for a slot for a job here. */
  async reserve(job: Job, delivery: Delivery): Promise<Reservation> {
    job.hops++;
    await this.#clock.sleep(this.traits.oneWayMs);
    const reservation = await reserve(this.#admission, delivery);
    await this.#clock.sleep(this.traits.oneWayMs);
    return reservation;
  }

  async call(job: Job, meta: RequestMeta, delivery: Delivery): Promise<Reply & Reported> {
    job.hops++;
    await this.#clock.sleep(this.traits.oneWayMs);
    const slot = slotFor(this.#admission, delivery);
    if (slot === undefined) return this.#answer({ kind: "refused", load: this.#admission.load });
    const held = slot instanceof Promise ? await slot : slot;
    await this.#serve(job, meta, held);
    return this.#answer({ kind: "value", value: undefined });
  }

  async #serve(job: Job, meta: RequestMeta, slot: Slot): Promise<void> {
    const request = new RequestScope(meta);
    await this.#cache.get(job.modelId, request);
    job.startedAtMs = this.#clock.now();
    job.replica = this.traits.name;
    await this.#clock.sleep(job.serviceMs);
    slot.release();
    request.end();
  }

  async #answer(reply: Reply): Promise<Reply & Reported> {
    const { models } = this;
    await this.#clock.sleep(this.traits.oneWayMs);
    return { ...reply, models };
  }
}

function scopeOf(replicaId: string): ReplicaScope {
  const absent = (): never => {
    throw new Error("The simulation has no platform.");
  };
  return {
    context: {
      appName: "bench",
      deployment: "Model",
      replicaId,
      ordinal: 0,
      version: "simulated",
      env: {},
      get state(): DurableObjectState {
        return absent();
      },
    },
    logging: { level: "ERROR", accessLog: false },
    after: () => () => {},
    handleTo: absent,
  };
}
