/**
 * What a caller and a replica say to each other.
 *
 * Callers and replicas may run different versions of the code for a while after a deploy, so messages only
 * grow: a field may be added, never renamed, re-typed or made required.
 */
import type { WireError } from "./error-codec.ts";
import type { KeyedConfig } from "./keys.ts";
import { MAX_HOPS } from "./limits.ts";
import type { ReplicaSet } from "./replica-set.ts";

/** What travels with every request, whichever way it enters a replica. */
export interface RequestMeta {
  readonly requestId: string;
  /** The deployments the request went through, this one last: `app/deployment`. */
  readonly chain: readonly string[];
  /** How many handle calls led here; the HTTP request that began it is not one. */
  readonly hops: number;
  readonly routePrefix?: string | undefined;
  /** The client's path was the prefix and a slash. What the application sees is the same without one. */
  readonly hasSlash?: true | undefined;
  readonly multiplexedModelId?: string | undefined;
  readonly key?: string | undefined;
  /** When nobody waits for the answer any more, in milliseconds since the epoch. */
  readonly deadline?: number | undefined;
  /** The W3C trace context of whoever sent it, if it had one: trace.ts says what is so without. */
  readonly traceparent?: string | undefined;
  /** What came with that. */
  readonly tracestate?: string | undefined;
  /** Which attempt of which task it is. */
  readonly task?: { readonly id: string; readonly attempt: number } | undefined;
  /**
   * The prefix is one of several applications, and this one was chosen for the request. Above 0 it is the window of a canary, which
   * the answer is counted under.
   */
  readonly traffic?: number | undefined;
  /** Nobody waits for the answer: another application has given the client its own. */
  readonly shadow?: true | undefined;
  /** Whether somebody looks at its spans: asked once, where it begins, and true in all replicas that it reaches. */
  readonly isTraced?: boolean | undefined;
  /** Its key is not what a replica would read in its headers, and has to be said. Never crosses itself. */
  readonly hasOtherKey?: boolean;
}

/**
 * How a request asks for a slot: a claim is refused when none is free, a request in the queue's mode waits for one.
 *
 * A router claims with the request itself, and reserves to wait: see `reserve`.
 */
export type AdmissionMode = "claim" | "queue";

/** What a replica has on its hands. */
export interface Load {
  /** Requests that it runs. */
  readonly ongoing: number;
  /** Requests that wait beyond those. */
  readonly queued: number;
}

/** What a replica has, as it tells callers that ask. */
export interface ReplicaState extends Load {
  /** Ids of models that it has or loads, the one used last first. */
  readonly models: readonly string[];
}

/** What the router adds to a request on its way to one replica. */
export interface Delivery {
  /** Unique for each attempt; {@link CallRequest} and `cancel` name it. */
  readonly id: string;
  readonly mode: AdmissionMode;
  /** Of the newest replica set that the caller knows; left out where it has said so lately. */
  readonly epoch?: number | undefined;
  /** Whether the replica is none of the caller's set, and is to be started because those of the set are full. */
  readonly isSpill?: true | undefined;
  /** Whether the request has a slot already, by `reserve`. */
  readonly isReserved?: true | undefined;
  /** What the object of a key is to run with, where it may not have been told. */
  readonly keyed?: KeyedConfig | undefined;
  /** Whether the caller wants to know what the replica has, because a router of the application's own asks. */
  readonly wantsState?: true | undefined;
}

/** A call through a handle. */
export interface CallRequest {
  readonly meta: RequestMeta;
  readonly delivery?: Delivery;
  /** `undefined` is the default method: `call`, or the function of a function deployment. */
  readonly method: string | undefined;
  readonly args: readonly unknown[];
  /** Which of `args` are {@link HandleRef}s that stand for handles. */
  readonly handleArgs?: readonly number[];
  /** Whether an argument is a stream or a body, which can be sent only once. */
  readonly isOnce?: true;
}

/** A handle on its way to another replica. */
export interface HandleRef {
  readonly app: string;
  readonly deployment: string;
  readonly options: HandleOptionsRef;
  /** It stands for all the objects of a keyed deployment, */
  readonly isKeyed?: true;
  /** or for that of one key. */
  readonly objectKey?: string;
}

/** The part of a handle's options that can cross. */
export interface HandleOptionsRef {
  readonly multiplexedModelId?: string;
  readonly key?: string;
  readonly timeoutMs?: number;
  readonly requestId?: string;
  readonly traceparent?: string;
  readonly idempotencyKey?: string;
  readonly delayMs?: number;
}

/** What a replica answers to a {@link CallRequest}. Failures are values: a thrown one would be logged as a crash. */
export type Reply =
  | ({ readonly kind: "value"; readonly value: unknown; readonly source?: StreamSource } & News)
  | ({ readonly kind: "stream"; readonly items: ItemPuller } & News)
  | ({
      readonly kind: "error";
      readonly error: WireError;
      /** The deployment has no such method: not what a call inside of it says. */
      readonly isMissing?: true;
      /** The method has returned, and this is about what: not what a call inside of it says. */
      readonly isUnsendable?: true;
    } & News)
  | Refusal;

/** Where the stream in a result comes from. Over RPC it is a stub: a stream itself says only that it has broken off. */
export interface StreamSource {
  /** Why the stream broke off; `undefined` if it did not. Resolves once it is over. */
  reason(): Promise<WireError | undefined>;
}

/** What comes with an answer, beside it. */
export interface News {
  /** The newest replica set, when the caller knows an older one. */
  readonly set?: ReplicaSet;
  /** When the caller has asked for it. */
  readonly state?: ReplicaState;
}

/** What a replica that took the request says. */
export type Answer = Exclude<Reply, Refusal>;

/** The answer to `reserve`: a slot is kept for the request, which may be sent now and has not begun. */
export type Reservation =
  | {
      readonly kind: "reserved";
      /**
       * Disposed of by the caller once the request has been answered, and by the platform when the caller is gone: a slot
       * that is still kept then is given back. Over RPC it is a stub. Missing from older code.
       */
      readonly grant?: Disposable;
    }
  | { readonly kind: "error"; readonly error: WireError }
  | Refusal;

/**
 * The replica has not begun the request, and will not: it has no slot, no place in its queue, takes no requests, or its
 * instance did not start.
 */
export interface Refusal extends News {
  readonly kind: "refused";
  readonly load: Load;
  /** Why the instance did not start. */
  readonly failedStart?: WireError;
  /** The object of a key is being deleted: the request is for the next one. */
  readonly isDeleted?: true;
}

/** The items that were ready when the consumer asked, and whether there are more. */
export interface ItemBatch {
  readonly items: readonly unknown[];
  readonly done: boolean;
  /** Why the stream ended early; comes after `items`. */
  readonly error?: WireError;
}

/** A stream of items, pulled in batches by its one consumer. Over RPC it is a stub. */
export interface ItemPuller {
  /** Resolves with at least one item, unless the stream is over. */
  pull(): Promise<ItemBatch>;
  /** Ends the generator: its `finally` runs. */
  cancel(): Promise<void> | void;
}

/** The reason to refuse a call that would be nested too deep: it says through which deployments it went. */
export function tooDeep({ hops, chain }: Pick<RequestMeta, "hops" | "chain">): string | undefined {
  return hops <= MAX_HOPS
    ? undefined
    : `Calls nest at most ${MAX_HOPS} deep, and this one would be number ${hops}: ${chain.join(" -> ")}. ` +
        "Return values instead of calling on, or start the rest of the work with a new request.";
}
