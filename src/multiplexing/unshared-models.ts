/**
 * The models of an instance whose requests share nothing: one that runs inline in a Worker, where a request cannot wait for what
 * another one does.
 *
 * Owns: which models are loaded, and that each request loads for itself what is not.
 * Does not own: what has to go (eviction.ts).
 *
 * Invariants:
 *   N1. A load holds the work of one request: calls of one request for one id share it, and those of others load for themselves. The
 *       model that is there first is kept, and the others are disposed of.
 *   N2. No request waits for room. Models that are in use may be more than the limits allow, until their requests end.
 *   N3. A model is used by every request that got it until that request ends, and does not go before.
 */
import { type RequestScope, runInScope } from "../context/scope.ts";
import type { Measurements } from "../observe/sources.ts";
import { Disposals } from "./dispose.ts";
import { findExcess, findRoom, KnownSizes, type Occupant } from "./eviction.ts";
import { loaderFor } from "./loader.ts";
import type { ModelCachePorts } from "./model-cache.ts";
import { ModelCounts } from "./model-counts.ts";
import type { MultiplexedStats } from "./registry.ts";
import { untilAborted } from "./until-aborted.ts";

interface Entry<Model> extends Occupant {
  readonly id: string;
  readonly model: Model;
  readonly users: Set<RequestScope>;
}

export class UnsharedModels<Model> {
  readonly #ports: ModelCachePorts<Model>;
  // The least recently used first.
  readonly #entries = new Map<string, Entry<Model>>();
  // By what the calls of one request have in common.
  readonly #loading = new WeakMap<object, Map<string, Promise<Model>>>();
  readonly #sizes: KnownSizes<Model>;
  readonly #counts = new ModelCounts();
  #isClosed = false;

  constructor(ports: ModelCachePorts<Model>) {
    this.#ports = ports;
    this.#sizes = new KnownSizes(ports.sizeOf);
  }

  /** The model, in use by `request` until that ends. */
  async get(id: string, request: RequestScope | undefined): Promise<Model> {
    const entry = this.#entries.get(id);
    if (entry !== undefined) {
      this.#counts.stats.hits++;
      return this.#use(entry, request);
    }
    this.#counts.stats.misses++;
    return untilAborted(this.#loadOnce(id, request), request);
  }

  /** Loads a model that nobody uses yet. Never rejects. */
  async prefetch(id: string, request: RequestScope | undefined): Promise<void> {
    if (this.#entries.has(id)) return;
    this.#counts.stats.prefetches++;
    await untilAborted(this.#loadOnce(id, request), request).catch(() => {});
  }

  get loaded(): readonly string[] {
    return [...this.#entries.keys()];
  }

  get present(): readonly string[] {
    return this.loaded;
  }

  get stats(): MultiplexedStats {
    return this.#counts.statsWith(this.#entries.values());
  }

  get measurements(): Measurements {
    return this.#counts.measurementsWith(this.#entries.size);
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Disposes of every model, in use or not. Never rejects. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#evict([...this.#entries.values()]);
  }

  // The most recently used is the last.
  #use(entry: Entry<Model>, request: RequestScope | undefined): Model {
    const { id, model, users } = entry;
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    if (request !== undefined && !users.has(request)) {
      users.add(request);
      request.onEnd(() => {
        users.delete(request);
        void this.#evict(findExcess([...this.#entries.values()], this.#ports));
      });
    }
    return model;
  }

  #loadOnce(id: string, request: RequestScope | undefined): Promise<Model> {
    const work = request?.work;
    if (work === undefined) return this.#load(id, request);
    let loads = this.#loading.get(work);
    if (loads === undefined) this.#loading.set(work, (loads = new Map()));
    const underway = loads.get(id);
    if (underway !== undefined) return underway.then((model) => this.#used(id, model, request));
    const load = this.#load(id, request).finally(() => loads.delete(id));
    loads.set(id, load);
    return load;
  }

  async #load(id: string, request: RequestScope | undefined): Promise<Model> {
    const { replica, load, now } = this.#ports;
    const occupants = [...this.#entries.values()];
    const room = findRoom({ occupants, limits: this.#ports, expectedBytes: this.#sizes.expected(id), blocked: new Set() });
    if (room.when === "now") await this.#evict(room.evict);
    else this.#counts.stats.exceeded++;
    const loader = loaderFor(replica, request);
    const startedAtMs = now();
    try {
      const model = await runInScope({ replica, request: loader }, async () => load(id));
      this.#counts.loaded(now() - startedAtMs);
      return await this.#keep(id, model, request);
    } catch (error) {
      this.#counts.stats.failures++;
      throw error;
    } finally {
      loader.end();
    }
  }

  async #keep(id: string, model: Model, request: RequestScope | undefined): Promise<Model> {
    const known = this.#entries.get(id);
    if (known !== undefined) {
      await this.#dispose(id, model);
      return this.#use(known, request);
    }
    const entry: Entry<Model> = {
      id,
      model,
      users: new Set(),
      isLoaded: true,
      loader: undefined,
      sizeBytes: this.#sizes.measure(id, model),
    };
    this.#entries.set(id, entry);
    this.#use(entry, request);
    await this.#evict(findExcess([...this.#entries.values()], this.#ports));
    return model;
  }

  // Another call of the same request has loaded it.
  #used(id: string, model: Model, request: RequestScope | undefined): Model {
    const entry = this.#entries.get(id);
    return entry === undefined ? model : this.#use(entry, request);
  }

  async #evict(entries: readonly Entry<Model>[]): Promise<void> {
    for (const { id } of entries) this.#entries.delete(id);
    this.#counts.stats.evictions += entries.length;
    await Promise.all(entries.map(({ id, model }) => this.#dispose(id, model)));
  }

  #dispose(id: string, model: Model): Promise<void> {
    // Of this request alone: nobody waits for another's.
    const disposals = new Disposals(this.#ports, this.#counts.disposalsMs);
    disposals.begin(id, model);
    return disposals.settled();
  }
}
