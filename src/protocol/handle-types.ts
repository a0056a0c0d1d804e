/**
 * The types of a handle: the user's class is their only source.
 */
import type { PlatformSignal } from "./platform-types.ts";
import type { Task } from "./tasks.ts";

declare const target: unique symbol;

/** Marks a type as standing for deployment `T`, so that `bind` can match applications to constructor parameters. */
export interface RefersTo<T> {
  readonly [target]: T;
}

/** The response of a call through a handle: awaited once, or iterated if the method is a generator. */
export interface DeploymentResponse<T> extends PromiseLike<T> {
  /**
   * Waits for the result.
   *
   * @param options `timeoutMs`: how long to wait, in milliseconds. Running out of it does not cancel the call.
   * @throws RequestTimeoutError when `timeoutMs` passes first; whatever the method threw.
   */
  result(options?: { readonly timeoutMs?: number }): Promise<T>;
  /** Stops the call: a waiting one never runs, a running one sees its signal abort. Awaiting it then rejects with `RequestCancelledError`. */
  cancel(): void;
}

/**
 * The items of a generator method. Leaving the loop early stops the generator in the replica.
 *
 * Read once: a second loop has no items. What the generator returns at its end is dropped, as `for await` drops it everywhere:
 * yield it as the last item.
 */
export interface DeploymentResponseGenerator<T> extends AsyncIterable<T> {
  [Symbol.asyncIterator](): AsyncIterator<T, void, undefined>;
  /** Stops the generator in the replica: its `finally` runs. */
  cancel(): void;
}

/** Options of the calls made through a handle. */
export interface HandleOptions {
  /** Sends the call to a replica that has this model, and is what `getMultiplexedModelId()` returns there. */
  readonly multiplexedModelId?: string;
  /**
   * Calls with equal keys go to the same replica, as long as it is there and has room. This is affinity and keeps no state: some
   * keys go to another replica when the number of replicas changes.
   */
  readonly key?: string;
  /** Deadline of the call, in milliseconds from its start, queueing included: above 0, at most 2,147,483,647. */
  readonly timeoutMs?: number;
  /** Cancels the call when it aborts. */
  readonly signal?: PlatformSignal;
  /**
   * The request id of the calls, 1 to 128 letters, digits, `.`, `_` or `-`, as in `x-request-id`. For code that runs in no request of the
   * system: within one, the id of the request holds.
   */
  readonly requestId?: string;
  /** The W3C trace context that the calls continue. For code that runs in no request of the system, as `requestId` is. */
  readonly traceparent?: string;
  /** Of what is enqueued: with the same key the same method gives the same task, for as long as that is kept. At most 1,024 characters. */
  readonly idempotencyKey?: string;
  /** Of what is enqueued: how long it waits at least before it begins, in milliseconds, at most 365 days. */
  readonly delayMs?: number;
}

// What iterates: a generator, or an iterator type that one was annotated with. `never`: whatever `next` takes.
type ItemsOf<Item> = AsyncIterator<Item, unknown, never> | Iterator<Item, unknown, never>;

// A stream stays a stream; everything else becomes one response, whether or not the method was `async`. The tuples
// keep unions whole: a `boolean` is one response, not one of `true` or one of `false`.
type ResponseOf<R> = unknown extends R
  ? DeploymentResponse<R>
  : [R] extends [never]
    ? DeploymentResponse<R>
    : StreamOr<R, DeploymentResponse<R>>;

// What one replica's answer to a broadcast is.
type AnswerOf<R> = unknown extends R ? R : [R] extends [never] ? R : StreamOr<R, R>;

type StreamOr<R, Single> = [R] extends [ItemsOf<infer Item>] ? DeploymentResponseGenerator<Item> : Single;

// Every argument may also be a response that has not arrived yet. Labels and optionality survive the mapping.
type Passable<Args extends readonly unknown[]> = { [I in keyof Args]: Args[I] | DeploymentResponse<Args[I]> };

/** Something that can be called on a replica: a handle itself, or one of its methods. */
export interface RemoteMethod<Args extends readonly unknown[], R> {
  /** Starts the call at once. Arguments may be responses of other calls, not awaited. */
  remote(...args: Passable<Args>): ResponseOf<Awaited<R>>;
  /** Calls every replica; one entry each, in the order of the replicas. */
  broadcast(...args: Passable<Args>): Promise<PromiseSettledResult<AnswerOf<Awaited<R>>>[]>;
}

/** A method that gives one value can also be enqueued, where the deployment has the option `tasks`. */
export interface EnqueueableMethod<Args extends readonly unknown[], R> extends RemoteMethod<Args, R> {
  /**
   * Stores the call. It begins when a replica has room, runs at least once, and is tried again when it fails.
   *
   * @returns The task, once it is durable: from then on it is not lost.
   * @throws ConfigError if the deployment has no option `tasks`; SerializationError for an argument that cannot be stored.
   */
  enqueue(...args: Passable<Args>): Promise<Task<Awaited<R>>>;
}

// A generator has no one result that could be stored.
type MethodOf<Args extends readonly unknown[], R> =
  unknown extends Awaited<R>
    ? EnqueueableMethod<Args, R>
    : [Awaited<R>] extends [never]
      ? EnqueueableMethod<Args, R>
      : [Awaited<R>] extends [ItemsOf<unknown>]
        ? RemoteMethod<Args, R>
        : EnqueueableMethod<Args, R>;

type RemoteMethodOf<F> = F extends (...args: infer Args) => infer R ? MethodOf<Args, R> : never;

/** Methods that the runtime or the platform calls, never a handle. */
type LifecycleName =
  | "constructor"
  | "setup"
  | "reconfigure"
  | "checkHealth"
  | "recordAutoscalingStats"
  | "alarm"
  | "webSocketMessage"
  | "webSocketClose"
  | "webSocketError";

/** What no handle has, because JavaScript asks every object for it; and what every object has. */
type Uncallable = "then" | "toJSON" | keyof typeof Object.prototype;

type CallableName<T> = {
  [K in keyof T]-?: K extends string
    ? K extends LifecycleName | Uncallable | `_${string}`
      ? never
      : T[K] extends (...args: never[]) => unknown
        ? K
        : never
    : never;
}[keyof T];

type Methods<T> = { readonly [K in CallableName<T>]: RemoteMethodOf<T[K]> };

// `call` is what a class answers to by default; a function deployment answers as itself.
type DefaultMethod<T> = T extends (...args: infer Args) => infer R
  ? MethodOf<Args, R>
  : T extends { call: infer F }
    ? RemoteMethodOf<F>
    : unknown;

interface HandleControls<T> extends RefersTo<T> {
  /**
   * A handle to the same deployment with these options set; options that are not named stay.
   *
   * @throws ConfigError naming the deployment, the option, its value and what is accepted.
   */
  options(options: HandleOptions): DeploymentHandle<T>;
}

interface ObjectControls<T> extends RefersTo<T> {
  /**
   * A handle to the same object with these options set; options that are not named stay. The object has its key, so there is no
   * option `key`.
   *
   * @throws ConfigError naming the deployment, the option, its value and what is accepted.
   */
  options(options: Omit<HandleOptions, "key">): ObjectHandle<T>;
}

/** Calls the object of one key. A {@link DeploymentHandle} to that object alone: `broadcast` reaches that one. */
export type ObjectHandle<T> = ObjectControls<T> & CallsOf<T>;

declare const keyedTarget: unique symbol;

/** Marks a type as standing for the keyed deployment `T`. */
export interface RefersToKeyed<T> {
  readonly [keyedTarget]: T;
}

/** The objects of a keyed deployment: one for each key, the same one from everywhere, with storage of its own. */
export interface KeyedHandle<T> extends RefersToKeyed<T> {
  /**
   * The object of a key. Asks nothing by itself: the object is made by its first call.
   *
   * @param key 1 to 256 bytes in UTF-8, any characters of well-formed Unicode. Keys that differ in any byte are different objects.
   * @throws KeyError for anything else.
   */
  get(key: string): ObjectHandle<T>;
  /**
   * Deletes the object of a key: closes its sockets with code 1001, erases its storage and its alarm, and ends it. Calls that run there
   * fail with `ReplicaUnavailableError`; those that wait run on the new object.
   *
   * @throws KeyError for what is no key.
   */
  delete(key: string): Promise<void>;
}

/**
 * Calls the replicas of a deployment.
 *
 * `handle.remote(...)` calls the default method, `handle.predict.remote(...)` the method `predict`. `T` is the
 * deployment's class, or the type of its function.
 */
export type DeploymentHandle<T> = HandleControls<T> & CallsOf<T>;

type CallsOf<T> = DefaultMethod<T> & (T extends (...args: never[]) => unknown ? unknown : Methods<T>);

/** A handle to a deployment, keyed or not. */
export type AnyHandle = DeploymentHandle<unknown> | KeyedHandle<unknown>;
