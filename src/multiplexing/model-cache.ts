/**
 * The models of one replica that one `serve.multiplexed` has loaded.
 *
 * Owns: which models are loaded, who uses them, whose turn it is to load.
 * Does not own: what has to go (room.ts), who waits for whom (blocked.ts), which replica is asked for a model (router/).
 *
 * Invariants, besides those of room.ts:
 *   L1. A model is used by every request that got it, or waits for it, until that request ends.
 *   L2. A model is loaded once however many ask for it; a load that fails is not kept.
 *   L3. What goes has been disposed of before the next load begins.
 *   L4. Loads that wait for room begin in the order in which they were asked for; a prefetch never waits, so it delays none.
 */
import { writeLog } from "../context/logger.ts";
import { type ReplicaScope, RequestScope, runInScope } from "../context/scope.ts";
import { LATENCY_MS } from "../observe/catalogue.ts";
import { observe } from "../observe/series.ts";
import type { Measurements } from "../observe/sources.ts";
import { ReplicaUnavailableError } from "../protocol/errors.ts";
import { blockedRequests } from "./blocked.ts";
import { disposeModel } from "./dispose.ts";
import { findExcess, findRoom, type Occupant, type RoomLimits } from "./room.ts";
import { KnownSizes } from "./known-sizes.ts";
import { type MultiplexedStats, noStats } from "./stats.ts";
import { untilAborted } from "./until-aborted.ts";

/** What a cache is made of. */
export interface ModelCachePorts<Model> extends RoomLimits {
  readonly replica: ReplicaScope;
  load(modelId: string): Model | PromiseLike<Model>;
  readonly sizeOf: ((model: Model) => number) | undefined;
  now(): number;
}

interface Entry<Model> extends Occupant {
  readonly id: string;
  readonly users: Set<RequestScope>;
  loader: RequestScope | undefined;
  isLoaded: boolean;
  sizeBytes: number;
  model: Promise<Model>;
}

/** Somebody who waits for room. */
interface Demand<Model> {
  readonly id: string;
  readonly request: RequestScope | undefined;
  readonly resolve: (model: Promise<Model>) => void;
  readonly reject: (reason: unknown) => void;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

export class ModelCache<Model> {
  readonly #ports: ModelCachePorts<Model>;
  // The least recently used first.
  readonly #entries = new Map<string, Entry<Model>>();
  #waiting: Demand<Model>[] = [];
  // In use, and to go next: whoever else wants one of these waits in line, or a busy model would never go.
  #draining: readonly Entry<Model>[] = [];
  readonly #disposing = new Set<Promise<void>>();
  readonly #sizes: KnownSizes<Model>;
  readonly #stats: Writable<MultiplexedStats> = noStats();
  readonly #loadMs = [0];
  readonly #unloadMs = [0];
  #isClosed = false;

  constructor(ports: ModelCachePorts<Model>) {
    this.#ports = ports;
    this.#sizes = new KnownSizes(ports.sizeOf);
  }

  /** The model, in use by `request` until that ends. */
  get(id: string, request: RequestScope | undefined): Promise<Model> {
    if (this.#isClosed) return Promise.reject(this.#closed());
    const entry = this.#entries.get(id);
    const isFree = entry !== undefined && (!this.#draining.includes(entry) || (request !== undefined && entry.users.has(request)));
    if (entry?.isLoaded === true && isFree) {
      this.#stats.hits++;
      return this.#use(entry, request);
    }
    this.#stats.misses++;
    if (isFree) return untilAborted(this.#use(entry, request), request);
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
      this.#stats.prefetches++;
      entry = this.#begin(id, request, room.evict);
    }
    await entry.model.catch(() => {});
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
    return { ...this.#stats, sizeBytes: [...this.#entries.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
  }

  /** What is counted, for Prometheus. */
  get measurements(): Measurements {
    const { hits, misses } = this.#stats;
    return {
      modelGets: [[[], [hits + misses]]],
      modelHits: [[[], [hits]]],
      modelLoad: [[[], this.#loadMs]],
      modelUnload: [[[], this.#unloadMs]],
      models: [[[], [this.loaded.length]]],
    };
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Disposes of every model, in use or not, and loads no more. Never rejects: errors are logged. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { reject } of this.#waiting.splice(0)) reject(this.#closed());
    await Promise.all(
      [...this.#entries.values()].map(async (entry) => {
        await entry.model.catch(() => {});
        if (this.#entries.get(entry.id) === entry) this.#evictUnasked(entry);
      }),
    );
    await Promise.allSettled(this.#disposing);
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

  /** Gives those who wait what they wait for, in turn, as far as there is room. */
  #admit(): void {
    this.#draining = [];
    for (let demand = this.#waiting[0]; demand !== undefined; demand = this.#waiting[0]) {
      const { id, request } = demand;
      let entry = this.#entries.get(id);
      if (entry === undefined) {
        const room = this.#findRoom(id);
        if (room.when === "later") {
          this.#draining = room.drain;
          return;
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
    for (const { request, resolve } of joining) resolve(this.#use(entry, request));
  }

  #findRoom(id: string): ReturnType<typeof findRoom<Entry<Model>>> {
    const occupants = [...this.#entries.values()];
    const waiting = this.#waiting.flatMap(({ request }) => request ?? []);
    const expectedBytes = this.#sizes.expected(id);
    return findRoom({ occupants, limits: this.#ports, expectedBytes, blocked: blockedRequests(waiting, occupants) });
  }

  #begin(id: string, request: RequestScope | undefined, evict: readonly Entry<Model>[]): Entry<Model> {
    if (this.#entries.size - evict.length >= this.#ports.maxModels) this.#stats.exceeded++;
    const going = evict.map((entry) => this.#evict(entry));
    const loader = this.#loaderFor(request);
    const sizeBytes = this.#sizes.expected(id);
    const users = new Set([loader]);
    const { promise, resolve } = Promise.withResolvers<Model>();
    const entry: Entry<Model> = { id, users, loader, isLoaded: false, sizeBytes, model: promise };
    this.#entries.set(id, entry);
    resolve(this.#load(entry, loader, going));
    // Whoever asked may be gone, and a prefetch has nobody to tell.
    promise.catch(() => {});
    return entry;
  }

  async #load(entry: Entry<Model>, loader: RequestScope, going: readonly Promise<void>[]): Promise<Model> {
    try {
      await Promise.allSettled(this.#disposing);
      await Promise.all(going);
      const startedAtMs = this.#ports.now();
      const model = await runInScope({ replica: this.#ports.replica, request: loader }, () => this.#ports.load(entry.id));
      entry.sizeBytes = this.#sizes.measure(entry.id, model);
      entry.isLoaded = true;
      this.#stats.loads++;
      const loadMs = this.#ports.now() - startedAtMs;
      this.#stats.loadMs += loadMs;
      observe(this.#loadMs, LATENCY_MS, loadMs);
      return model;
    } catch (error) {
      this.#stats.failures++;
      this.#entries.delete(entry.id);
      throw error;
    } finally {
      entry.loader = undefined;
      entry.users.delete(loader);
      loader.end();
      this.#settle();
    }
  }

  // Somebody is done: first those who wait, then what is too much.
  #settle(): void {
    this.#admit();
    for (const entry of findExcess([...this.#entries.values()], this.#ports)) this.#evictUnasked(entry);
  }

  #evict(entry: Entry<Model>): Promise<void> {
    this.#entries.delete(entry.id);
    this.#stats.evictions++;
    const startedAtMs = this.#ports.now();
    const gone = runInScope({ replica: this.#ports.replica, request: undefined }, async () => disposeModel(await entry.model));
    this.#disposing.add(gone);
    const forget = () => {
      this.#disposing.delete(gone);
      observe(this.#unloadMs, LATENCY_MS, this.#ports.now() - startedAtMs);
    };
    gone.then(forget, forget);
    return gone;
  }

  // Nobody's load made it go, so what its disposal throws goes to the log.
  #evictUnasked(entry: Entry<Model>): void {
    const scope = { replica: this.#ports.replica, request: undefined };
    this.#evict(entry).catch((error: unknown) => {
      writeLog("ERROR", `Disposing of the model ${JSON.stringify(entry.id)} failed.`, { error }, scope);
    });
  }

  #withdraw(demand: Demand<Model>): void {
    if (!this.#waiting.includes(demand)) return;
    this.#waiting = this.#waiting.filter((other) => other !== demand);
    this.#admit();
  }

  // Many wait for one load, so it runs as a request of its own, of the same id and trace: no caller's cancellation
  // or deadline ends it for the others.
  #loaderFor(request: RequestScope | undefined): RequestScope {
    const { appName, deployment } = this.#ports.replica.context;
    const { deadline: _, ...meta } = request?.meta ?? { requestId: crypto.randomUUID(), chain: [`${appName}/${deployment}`], hops: 0 };
    return new RequestScope(meta);
  }

  #closed(): ReplicaUnavailableError {
    return new ReplicaUnavailableError(
      `A replica of ${JSON.stringify(this.#ports.replica.context.deployment)} stops, and loads no more models.`,
    );
  }
}
