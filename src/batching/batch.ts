/**
 * `serve.batch`: a function over arrays becomes one over items.
 *
 * Owns: what the author writes and what callers get. Does not own: the queue (queue.ts).
 *
 * Invariants:
 *   F1. Each replica has a queue of its own, also when the function is a constant of a module that replicas share. Where its requests
 *       share nothing, each of them has one: a batch holds the work of one request.
 *   F2. A call is queued at once, before its promise or stream is looked at.
 */
import { currentScope, type ReplicaScope } from "../context/scope.ts";
import { after, type After } from "../context/with-timeout.ts";
import { addSource } from "../observe/sources.ts";
import { ConfigError, RequestCancelledError } from "../protocol/errors.ts";
import { show } from "../protocol/wording.ts";
import { END, Item } from "./item.ts";
import { type BatchLimits, type BatchOptions, checkLimit, resolveBatchOptions } from "./options.ts";
import { CallerPromise, CallerStream, promiseOrStream } from "./batch-results.ts";
import { UnsharedQueues, type UnsharedParts } from "./unshared-queues.ts";
import { BatchQueue, type QueuePorts, type RunBatch } from "./queue.ts";
import { type BatchFunction, runBatch } from "./run-batch.ts";
import type { BatchStats } from "./stats.ts";

/** Controls of a batched function. Inside a replica they are that replica's. */
export interface BatchControls {
  /** Changes `maxBatchSize`, from the next batch on. */
  setMaxBatchSize(maxBatchSize: number): void;
  /** Changes `batchWaitTimeoutMs`, from the next batch on. */
  setBatchWaitTimeoutMs(batchWaitTimeoutMs: number): void;
  /** Numbers of the queue, past and present: a new snapshot at each reading. */
  readonly stats: BatchStats;
}

/** A function over items whose calls are run in batches. */
export interface Batched<Args extends readonly unknown[], R> extends BatchControls {
  (...args: Args): Promise<R>;
}

/** A function over items whose calls are run in batches, and whose results come bit by bit. */
export interface BatchedStream<Args extends readonly unknown[], R> extends BatchControls {
  (...args: Args): AsyncGenerator<R, void, undefined>;
}

// Labels and optionality survive the mapping.
type ItemsOf<Columns extends readonly unknown[]> = { [I in keyof Columns]: Columns[I] extends readonly (infer Item)[] ? Item : never };

// An Error among the results is thrown, never returned. By `stack`, because plain data may well have a name and a message.
type ResultOf<R> = R extends typeof END ? never : R extends Error ? ("stack" extends keyof R ? never : R) : R;

/** {@link batch} as it is called, and what belongs to it. */
export interface BatchDecorator {
  <Columns extends readonly (readonly unknown[])[], R>(
    fn: (...columns: Columns) => AsyncGenerator<readonly R[], unknown, undefined>,
    options?: BatchOptions<Columns>,
  ): BatchedStream<ItemsOf<Columns>, ResultOf<R>>;
  <Columns extends readonly (readonly unknown[])[], R>(
    fn: (...columns: Columns) => readonly R[] | PromiseLike<readonly R[]>,
    options?: BatchOptions<Columns>,
  ): Batched<ItemsOf<Columns>, ResultOf<R>>;
  /** Yielded in an item's place it ends that caller's stream, while the others go on. */
  readonly end: typeof END;
}

/**
 * Runs calls in batches: `fn` gets an array of items and returns an array of results, callers give one item and get one result.
 *
 * Each parameter of `fn` becomes an array, in the order of the calls. An `Error` in the place of a result rejects that
 * caller alone. An async generator that yields arrays gives each caller a stream.
 *
 * @param options See {@link BatchOptions}; everything has a default.
 * @throws ConfigError if `fn` is no function, or an option is not accepted.
 * @example
 * class Model {
 *   predict = serve.batch(async (texts: string[]) => this.#model.run(texts), { maxBatchSize: 32 });
 * }
 */
export const batch: BatchDecorator = /* @__PURE__ */ Object.assign(
  (fn: BatchFunction, options: unknown = {}): unknown => {
    if (typeof fn !== "function") throw new ConfigError(`serve.batch() takes a function over arrays, got ${show(fn)}.`);
    return new BatchedFunction(fn, options).facade();
  },
  { end: END },
) as BatchDecorator;

const CLOCKS: Omit<QueuePorts, "after"> = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
};

/** What a call gives: known for generator functions and async ones, and after the first batch for all others. */
type Kind = "promise" | "stream" | "either";

class BatchedFunction {
  readonly #fn: BatchFunction;
  #kind: Kind;
  // Where it was made: a class field belongs to its replica, whoever asks.
  readonly #home = currentScope()?.replica;
  readonly #queues = new WeakMap<ReplicaScope, BatchQueue>();
  readonly #unshared = new WeakMap<ReplicaScope, UnsharedQueues>();
  #outside: BatchQueue | undefined;
  #settings;

  constructor(fn: BatchFunction, options: unknown) {
    this.#fn = fn;
    this.#kind = kindOf(fn);
    this.#settings = resolveBatchOptions(options);
  }

  facade(): object {
    const call = (self: unknown, args: unknown[]) => this.#call(self, args);
    const queue = () => this.#queue();
    const set = (setter: string, change: Partial<BatchLimits>) => this.#configure(setter, change);
    // A method, so that it has a `this` to hand on and does not look like a class.
    const { batched } = {
      batched(this: unknown, ...args: unknown[]) {
        return call(this, args);
      },
    };
    return Object.defineProperties(batched, {
      name: { value: this.#fn.name, configurable: true },
      setMaxBatchSize: { value: (maxBatchSize: number) => set("setMaxBatchSize", { maxBatchSize }) },
      setBatchWaitTimeoutMs: { value: (batchWaitTimeoutMs: number) => set("setBatchWaitTimeoutMs", { batchWaitTimeoutMs }) },
      stats: { get: () => queue().stats },
    });
  }

  #call(self: unknown, args: unknown[]): unknown {
    const queue = this.#queue();
    const call = { self, args, scope: currentScope() };
    const leave = () => item.leave(new RequestCancelledError("The caller left its stream."));
    const newStream = () => {
      const stream = new CallerStream();
      stream.onReturn = leave;
      stream.onRead = () => item.onRead?.();
      return stream;
    };
    const outlet = this.#kind === "stream" ? newStream() : new CallerPromise(newStream);
    const item: Item = new Item(call, outlet, queue.now());
    queue.add(item);
    if (outlet instanceof CallerStream) return outlet;
    return this.#kind === "promise" ? outlet.promise : promiseOrStream(outlet, leave);
  }

  #queue(): BatchQueue {
    const replica = this.#home ?? currentScope()?.replica;
    if (replica === undefined) return (this.#outside ??= this.#newQueue(after));
    if (replica.isUnshared === true) return this.#unsharedIn(replica).queueHere((parts) => this.#newQueue(replica.after, parts));
    let queue = this.#queues.get(replica);
    if (queue === undefined) {
      const made = (queue = this.#newQueue(replica.after));
      this.#queues.set(replica, made);
      addSource(replica, () => made.measurements(this.#fn.name));
    }
    return queue;
  }

  #unsharedIn(replica: ReplicaScope): UnsharedQueues {
    let queues = this.#unshared.get(replica);
    if (queues === undefined) {
      const made = (queues = new UnsharedQueues(this.#settings));
      this.#unshared.set(replica, made);
      addSource(replica, () => made.counters.measurements(this.#fn.name, 0));
    }
    return queues;
  }

  #newQueue(later: After, parts: Partial<UnsharedParts> = {}): BatchQueue {
    const fn = this.#fn;
    const showed = (kind: Kind) => {
      if (this.#kind === "either") this.#kind = kind;
    };
    const run: RunBatch = (items, answered) => runBatch(fn, items, { answered, showed, after: later });
    return new BatchQueue({ settings: this.#settings, ...parts, parameters: fn.length, run }, { ...CLOCKS, after: later });
  }

  #configure(setter: string, change: Partial<BatchLimits>): void {
    for (const [option, value] of Object.entries(change)) checkLimit(setter, option as keyof BatchLimits, value);
    // Outside of replicas it is said for all those that are still to come.
    if (this.#home === undefined && currentScope() === undefined) this.#settings = { ...this.#settings, ...change };
    const replica = this.#home ?? currentScope()?.replica;
    if (replica?.isUnshared === true) this.#unsharedIn(replica).configure(change);
    this.#queue().configure(change);
  }
}

// What `async` and `*` make of a function; a bound one has it from the function that was bound.
const asyncFunction: unknown = Object.getPrototypeOf(async () => {});
const asyncGeneratorFunction: unknown = Object.getPrototypeOf(async function* () {});

function kindOf(fn: BatchFunction): Kind {
  const kind: unknown = Object.getPrototypeOf(fn);
  if (kind === asyncGeneratorFunction) return "stream";
  return kind === asyncFunction ? "promise" : "either";
}
