/**
 * The models of one replica that one `serve.multiplexed` has loaded.
 *
 * Owns: which models are loaded, who uses them, whose turn it is to load.
 * Does not own: what has to go and who waits for whom (eviction.ts), which replica is asked for a model (router/).
 *
 * Invariants, besides those of eviction.ts:
 *   L1. A model is used by every request that got it, or waits for it, until that request ends.
 *   L2. A model is loaded once however many ask for it; a load that fails is not kept.
 *   L3. What goes has been disposed of before the next load begins, or its disposal has failed, which is logged and stops nobody.
 *   L4. Loads that wait for room begin in the order in which they were asked for; a prefetch never waits, so it delays none.
 *   L5. A load that hangs holds its place no longer than load-callers.ts says. What it gives after that is disposed of.
 */
import { writeLog } from "../context/logger.ts";
import { type RequestScope, runInScope } from "../context/scope.ts";
import { type After, within } from "../context/with-timeout.ts";
import type { Measurements } from "../observe/sources.ts";
import { ReplicaUnavailableError, RequestCancelledError } from "../protocol/errors.ts";
import { GIVE_UP_MS } from "../protocol/limits.ts";
import { blockedRequests, findExcess, findRoom, type Occupant, type RoomLimits, KnownSizes } from "./eviction.ts";
import { type DisposalPorts, Disposals } from "./dispose.ts";
import { LoadCallers } from "./load-callers.ts";
import { loaderFor } from "./loader.ts";
import { ModelCounts } from "./model-counts.ts";
import type { MultiplexedStats } from "./registry.ts";
import { untilAborted } from "./until-aborted.ts";

/** What a cache is made of. */
export interface ModelCachePorts<Model> extends RoomLimits, DisposalPorts {
  load(modelId: string): Model | PromiseLike<Model>;
  readonly sizeOf: ((model: Model) => number) | undefined;
  readonly after: After;
}

interface Entry<Model> extends Occupant {
  readonly id: string;
  readonly users: Set<RequestScope>;
  readonly callers: LoadCallers;
  loader: RequestScope | undefined;
  isLoaded: boolean;
  sizeBytes: number;
  readonly model: Promise<Model>;
  /** Ends the wait for it, when the load is given up. */
  readonly abandon: (reason: Error) => void;
}

/** Somebody who waits for room. */
interface Demand<Model> {
  readonly id: string;
  readonly request: RequestScope | undefined;
  readonly resolve: (model: Promise<Model>) => void;
  readonly reject: (reason: unknown) => void;
}

export class ModelCache<Model> {
  readonly #ports: ModelCachePorts<Model>;
  // The least recently used first.
  readonly #entries = new Map<string, Entry<Model>>();
  #waiting: Demand<Model>[] = [];
  // In use, and to go next: whoever else wants one of these waits in line, or a busy model would never go.
  #draining: readonly Entry<Model>[] = [];
  readonly #disposals: Disposals;
  readonly #sizes: KnownSizes<Model>;
  readonly #counts = new ModelCounts();
  #isClosed = false;

  constructor(ports: ModelCachePorts<Model>) {
    this.#ports = ports;
    this.#disposals = new Disposals(ports, this.#counts.disposalsMs);
    this.#sizes = new KnownSizes(ports.sizeOf);
  }

  /** The model, in use by `request` until that ends. */
  get(id: string, request: RequestScope | undefined): Promise<Model> {
    if (this.#isClosed) return Promise.reject(this.#closed());
    const entry = this.#entries.get(id);
    const isFree = entry !== undefined && (!this.#draining.includes(entry) || (request !== undefined && entry.users.has(request)));
    if (entry?.isLoaded === true && isFree) {
      this.#counts.stats.hits++;
      return this.#use(entry, request);
    }
    this.#counts.stats.misses++;
    if (isFree) return this.#waitFor(entry, request);
    const { promise, resolve, reject } = Promise.withResolvers<Model>();
    const demand: Demand<Model> = { id, request, resolve, reject };
    this.#waiting.push(demand);
    this.#admit();
    return untilAborted(promise, request, () => this.#withdraw(demand));
  }

  /** Loads a model that nobody uses yet, if there is room for it without waiting. Never rejects. */
  async prefetch(id: string, request: RequestScope | undefined): Promise<void> {
    if (this.#isClosed || this.#waiting.length > 0) return;
    let entry = this.#entries.get(id);
    if (entry === undefined) {
      const room = this.#findRoom(id);
      if (room.when === "later") return;
      this.#counts.stats.prefetches++;
      entry = this.#begin(id, request, room.evict);
    }
    const leave = entry.callers.join(false);
    if (request === undefined) leave();
    request?.onEnd(leave);
    await untilAborted(entry.model, request).catch(() => {});
    leave();
  }

  /** Models that are loaded, the least recently used first. */
  get loaded(): readonly string[] {
    return [...this.#entries.values()].filter(({ isLoaded }) => isLoaded).map(({ id }) => id);
  }

  /** Models that are loaded or load. */
  get present(): readonly string[] {
    return [...this.#entries.keys()];
  }

  get stats(): MultiplexedStats {
    return this.#counts.statsWith(this.#entries.values());
  }

  /** What is counted, for Prometheus. */
  get measurements(): Measurements {
    return this.#counts.measurementsWith(this.loaded.length);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Disposes of every model, in use or not, and loads no more. Never rejects: errors are logged. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#closed());
    const limit = { timeoutMs: this.#ports.disposeTimeoutMs(), after: this.#ports.after };
    await Promise.all(
      [...this.#entries.values()].map(async (entry) => {
        await within<unknown>(entry.model, limit, () => undefined).catch(() => {});
        if (!this.#isPresent(entry)) return;
        if (entry.isLoaded) this.#evict(entry);
        else this.#giveUp(entry, "when the replica stops");
      }),
    );
    await this.#disposals.settled();
  }

  // The most recently used is the last.
  #use(entry: Entry<Model>, request: RequestScope | undefined): Promise<Model> {
    this.#entries.delete(entry.id);
    this.#entries.set(entry.id, entry);
    if (request !== undefined && !entry.users.has(request)) {
      entry.users.add(request);
      request.onEnd(() => {
        entry.users.delete(request);
        if (entry.users.size === 0) this.#settle();
      });
    }
    return entry.model;
  }

  /** The model once it is loaded; until then the request is one that its load is for. */
  #waitFor(entry: Entry<Model>, request: RequestScope | undefined): Promise<Model> {
    const model = this.#use(entry, request);
    if (entry.isLoaded) return model;
    const leave = entry.callers.join(true);
    // It may end without having waited to the end.
    request?.onEnd(leave);
    model.then(leave, leave);
    return untilAborted(model, request, leave);
  }

  /** Gives those who wait what they wait for, in turn, as far as there is room. */
  #admit(): void {
    this.#draining = [];
    for (let demand = this.#waiting[0]; demand !== undefined; demand = this.#waiting[0]) {
      const { id, request } = demand;
      let entry = this.#entries.get(id);
      if (entry === undefined) {
        const room = this.#findRoom(id);
        if (room.when === "later") {
          const yielding = [...this.#entries.values()].find(({ callers }) => callers.isYielding);
          if (yielding === undefined) {
            this.#draining = room.drain;
            return;
          }
          this.#drop(yielding, "and its place is needed");
          continue;
        }
        entry = this.#begin(id, request, room.evict);
      }
      this.#join(entry);
    }
  }

  // All that wait for one model: those behind the first one take no room from those before them.
  #join(entry: Entry<Model>): void {
    const joining = this.#waiting.filter(({ id }) => id === entry.id);
    this.#waiting = this.#waiting.filter(({ id }) => id !== entry.id);
    for (const { request, resolve } of joining) resolve(this.#waitFor(entry, request));
  }

  #findRoom(id: string): ReturnType<typeof findRoom<Entry<Model>>> {
    const occupants = [...this.#entries.values()];
    const waiting = this.#waiting.flatMap(({ request }) => request ?? []);
    const expectedBytes = this.#sizes.expected(id);
    return findRoom({ occupants, limits: this.#ports, expectedBytes, blocked: blockedRequests(waiting, occupants) });
  }

  #begin(id: string, request: RequestScope | undefined, evict: readonly Entry<Model>[]): Entry<Model> {
    if (this.#entries.size - evict.length >= this.#ports.maxModels) this.#counts.stats.exceeded++;
    for (const entry of evict) this.#evict(entry);
    const loader = loaderFor(this.#ports.replica, request);
    const sizeBytes = this.#sizes.expected(id);
    const { promise: model, resolve, reject: abandon } = Promise.withResolvers<Model>();
    const callers = new LoadCallers({
      after: this.#ports.after,
      giveUp: () => this.#giveUp(entry, `${GIVE_UP_MS} ms after its last caller has left`),
      yielded: () => this.#admit(),
    });
    const entry: Entry<Model> = { id, users: new Set([loader]), callers, loader, isLoaded: false, sizeBytes, model, abandon };
    this.#entries.set(id, entry);
    // Whoever asked may be gone, and a prefetch has nobody to tell.
    model.catch(() => {});
    void this.#load(entry, loader).then(resolve, abandon);
    return entry;
  }

  async #load(entry: Entry<Model>, loader: RequestScope): Promise<Model> {
    try {
      await this.#disposals.settled();
      const startedAtMs = this.#ports.now();
      const model = await runInScope({ replica: this.#ports.replica, request: loader }, () => this.#loaded(entry));
      entry.isLoaded = true;
      this.#counts.loaded(this.#ports.now() - startedAtMs);
      return model;
    } catch (error) {
      if (this.#isPresent(entry)) {
        this.#counts.stats.failures++;
        this.#entries.delete(entry.id);
      }
      throw error;
    } finally {
      this.#free(entry, loader);
    }
  }

  /** Loads a model that is kept; any other is disposed of, and this rejects. */
  async #loaded(entry: Entry<Model>): Promise<Model> {
    if (!this.#isPresent(entry)) throw this.#closed();
    const model = await this.#ports.load(entry.id);
    try {
      if (!this.#isPresent(entry)) throw this.#closed();
      entry.sizeBytes = this.#sizes.measure(entry.id, model);
      return model;
    } catch (error) {
      this.#disposals.begin(entry.id, model);
      throw error;
    }
  }

  #isPresent(entry: Entry<Model>): boolean {
    return this.#entries.get(entry.id) === entry;
  }

  /** Lets a load go that hangs, and others into its place. */
  #giveUp(entry: Entry<Model>, when: string): void {
    if (!this.#isPresent(entry) || entry.isLoaded) return;
    this.#drop(entry, when);
    this.#settle();
  }

  #drop(entry: Entry<Model>, when: string): void {
    const { id, loader, abandon } = entry;
    const { deployment } = this.#ports.replica.context;
    const message = `The load of the model ${JSON.stringify(id)} of deployment ${JSON.stringify(deployment)} still runs ${when}. It is given up.`;
    this.#entries.delete(id);
    this.#counts.stats.failures++;
    writeLog("WARNING", message, undefined, { replica: this.#ports.replica, request: undefined });
    const reason = new RequestCancelledError(message);
    abandon(reason);
    loader?.abort(reason);
    if (loader !== undefined) this.#free(entry, loader, false);
  }

  /** The load is over, and uses nothing any more. */
  #free(entry: Entry<Model>, loader: RequestScope, settles = true): void {
    if (entry.loader === undefined) return;
    entry.loader = undefined;
    entry.callers.end();
    entry.users.delete(loader);
    loader.end();
    if (settles) this.#settle();
  }

  // Somebody is done: first those who wait, then what is too much.
  #settle(): void {
    this.#admit();
    for (const entry of findExcess([...this.#entries.values()], this.#ports)) this.#evict(entry);
  }

  #evict(entry: Entry<Model>): void {
    this.#entries.delete(entry.id);
    this.#counts.stats.evictions++;
    this.#disposals.begin(entry.id, entry.model);
  }

  #withdraw(demand: Demand<Model>): void {
    if (!this.#waiting.includes(demand)) return;
    this.#waiting = this.#waiting.filter((other) => other !== demand);
    this.#admit();
  }

  #closed(): ReplicaUnavailableError {
    return new ReplicaUnavailableError(
      `A replica of ${JSON.stringify(this.#ports.replica.context.deployment)} stops, and loads no more models.`,
    );
  }
}
