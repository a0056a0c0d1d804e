/**
 * `serve.multiplexed`: many models, a few of them loaded at a time in each replica.
 *
 * Owns: what an author may say, and finding the replica that a call is made in.
 * Does not own: the models; each replica has a `ModelCache` of its own, however many of them share an isolate.
 */
import * as v from "valibot";
import { asValibot } from "../api/as-valibot.ts";
import { type Named, option, type OptionsOf, problemsOf, refuse, schemaOf, type TableOf, withDefaults } from "../api/option-table.ts";
import { above, callable, integer } from "../api/option-values.ts";
import { currentScope, type ReplicaScope, type Scope } from "../context/scope.ts";
import { ConfigError } from "../protocol/errors.ts";
import { MAX_BYTES, MAX_MODELS } from "../protocol/limits.ts";
import { show } from "../protocol/wording.ts";
import { ModelCache } from "./model-cache.ts";
import { UnsharedModels } from "./unshared-models.ts";
import { disposalLimitMs, registerModels, type MultiplexedStats, noStats } from "./registry.ts";

/** The models of one replica. */
type Models<Model> = ModelCache<Model> | UnsharedModels<Model>;

const LIMIT = `an integer from 1 to ${MAX_MODELS}, or -1 for no limit`;

/** Every option of `serve.multiplexed`. */
export const MULTIPLEXED_OPTIONS = {
  /**
   * How many models a replica has loaded at once; -1 is no limit.
   *
   * Exceeded only where a load would otherwise wait for ever: by a request that uses more models than this.
   *
   * @accepts an integer from 1 to 1,000, or -1 for no limit
   * @default 3
   */
  maxModelsPerReplica: option(v.union([v.picklist([-1]), asValibot(integer(1, MAX_MODELS, LIMIT))], LIMIT), { default: 3 }),
  /** Size of a model, in bytes. Asked once after each load. */
  sizeOf: option(callable<(model: never) => number>("a function from a model to bytes")),
  /**
   * What a replica's models may take together, by `sizeOf`, in bytes.
   *
   * Before a model has been loaded once its size is not known, so the first load of a model makes room after it.
   *
   * @default no limit
   */
  maxBytes: option(above(0, MAX_BYTES)),
} satisfies TableOf<MultiplexedSettings>;

/** Multiplexing options: how many models a replica holds. */
export interface MultiplexedOptions<Model>
  extends OptionsOf<typeof MULTIPLEXED_OPTIONS, { readonly sizeOf: (model: Model) => number }>, Named {}

/** The options with every default filled in. */
interface MultiplexedSettings {
  readonly maxModelsPerReplica: number;
  readonly sizeOf?: (model: never) => number;
  readonly maxBytes?: number;
}

/** Gives a replica's models, loading what is not loaded. */
export interface Multiplexed<Model> {
  /**
   * The model with this id, in use by the current request until that ends.
   *
   * @throws TypeError or RangeError if `modelId` is no string or empty; what the load threw; Error outside a replica.
   */
  (modelId: string): Promise<Model>;
  /**
   * Loads a model that will be needed, without using it. Does nothing if that would take a wait or a model that is in
   * use. Resolves when the model is loaded or will not be; never rejects, `stats.failures` counts.
   */
  prefetch(modelId: string): Promise<void>;
  /** The ids of the models that this replica has loaded, the least recently used first. */
  readonly loaded: readonly string[];
  /** Costs of this replica's models, as plain data. */
  readonly stats: MultiplexedStats;
}

/**
 * Makes a function that gives models by id, and keeps the last ones loaded. Usually a field of the class:
 *
 * @example
 * class Translate {
 *   #model = serve.multiplexed((id: string) => loadModel(id), { maxModelsPerReplica: 5 });
 *   async call(request: Request) {
 *     const model = await this.#model(serve.getMultiplexedModelId());
 *     return model.translate(await request.text());
 *   }
 * }
 *
 * The least recently used model goes first, never one that a request is using; its `[Symbol.asyncDispose]` or
 * `[Symbol.dispose]` is awaited before the next load. Calls for one id share one load; a load that fails is not kept.
 *
 * @throws ConfigError if an option has a wrong type or range.
 */
export function multiplexed<Model>(
  load: (modelId: string) => Model | PromiseLike<Model>,
  options: MultiplexedOptions<NoInfer<Model>> = {},
): Multiplexed<Model> {
  const limits = checked(load, options);
  const caches = new WeakMap<ReplicaScope, Models<Model>>();
  const cacheIn = ({ replica }: Scope): Models<Model> => {
    let cache = caches.get(replica);
    // A start that failed disposed of what it had loaded; the next start begins anew.
    if (cache === undefined || cache.isClosed) {
      const disposeTimeoutMs = () => disposalLimitMs(replica);
      const ports = { ...limits, replica, load, sizeOf: options.sizeOf, now: Date.now, after: replica.after, disposeTimeoutMs };
      cache = replica.isUnshared === true ? new UnsharedModels(ports) : new ModelCache(ports);
      caches.set(replica, cache);
      registerModels(replica, cache);
    }
    return cache;
  };
  const cacheHere = () => {
    const scope = currentScope();
    return scope === undefined ? undefined : caches.get(scope.replica);
  };
  const get = async (modelId: string): Promise<Model> => {
    const scope = scopeFor(modelId);
    return cacheIn(scope).get(modelId, scope.request);
  };
  const prefetch = async (modelId: string): Promise<void> => {
    const scope = scopeFor(modelId);
    return cacheIn(scope).prefetch(modelId, scope.request);
  };
  return Object.defineProperties(get, {
    prefetch: { value: prefetch },
    loaded: { get: () => cacheHere()?.loaded ?? [] },
    stats: { get: () => cacheHere()?.stats ?? noStats() },
  }) as Multiplexed<Model>;
}

/**
 * The model id that the current request was sent with: by `handle.options({ multiplexedModelId })`, or over HTTP by the
 * header `serve-multiplexed-model-id`. As in Ray Serve `""` if there is none, outside a request too.
 *
 * @example
 * const model = await this.#model(serve.getMultiplexedModelId());
 */
export function getMultiplexedModelId(): string {
  return currentScope()?.request?.multiplexedModelId ?? "";
}

function scopeFor(modelId: unknown): Scope {
  if (typeof modelId !== "string") throw new TypeError("The model ID must be a string.");
  if (modelId === "") throw new RangeError("The model ID cannot be empty.");
  const scope = currentScope();
  if (scope === undefined) {
    throw new Error(
      "A function made by serve.multiplexed() works only inside a replica: in a deployment's constructor, methods, and what they call. " +
        "In a test, run the application with runLocal().",
    );
  }
  return scope;
}

const SCHEMA = schemaOf(MULTIPLEXED_OPTIONS);
const SUBJECT = "serve.multiplexed";

function checked(load: unknown, options: unknown): { maxModels: number; maxBytes: number } {
  if (typeof load !== "function") {
    throw new ConfigError(`${SUBJECT}: the first argument must be a function that loads a model by its id, got ${show(load)}.`);
  }
  refuse(SUBJECT, problemsOf(MULTIPLEXED_OPTIONS, SCHEMA, options));
  const { maxModelsPerReplica, sizeOf, maxBytes } = withDefaults<MultiplexedSettings>(MULTIPLEXED_OPTIONS, options as object);
  if (maxBytes !== undefined && sizeOf === undefined) {
    throw new ConfigError(`${SUBJECT}: maxBytes needs sizeOf, which says how large a model is. Give both, or neither.`);
  }
  return { maxModels: maxModelsPerReplica === -1 ? Infinity : maxModelsPerReplica, maxBytes: maxBytes ?? Infinity };
}
