/**
 * What a caller and a replica say to each other.
 *
 * Callers and replicas may run different versions of the code for a while after a deploy, so messages only
 * grow: a field may be added, never renamed, re-typed or made required. Field names are short because they
 * travel with every request.
 */
import type { WireError } from "./error-codec.ts";
import { MAX_HOPS } from "./limits.ts";

/** What travels with every request, whichever way it enters a replica. */
export interface RequestMeta {
  readonly requestId: string;
  /** The deployments the request went through, this one last: `app/deployment`. */
  readonly chain: readonly string[];
  /** How many handle calls led here; the HTTP request that began it is not one. */
  readonly hops: number;
  readonly routePrefix?: string;
  readonly multiplexedModelId?: string;
  readonly key?: string;
  /** When nobody waits for the answer any more, in milliseconds since the epoch. */
  readonly deadline?: number;
  readonly traceparent?: string;
}

/** A call through a handle. */
export interface CallRequest {
  readonly meta: RequestMeta;
  /** `undefined` is the default method: `call`, or the function of a function deployment. */
  readonly method: string | undefined;
  readonly args: readonly unknown[];
  /** Which of `args` are {@link HandleRef}s that stand for handles. */
  readonly handleArgs?: readonly number[];
}

/** A handle on its way to another replica. */
export interface HandleRef {
  readonly app: string;
  readonly deployment: string;
  readonly options: HandleOptionsRef;
}

/** The part of a handle's options that can cross. */
export interface HandleOptionsRef {
  readonly multiplexedModelId?: string;
  readonly key?: string;
  readonly timeoutMs?: number;
}

/** What a replica answers to a {@link CallRequest}. Failures are values: a thrown one would be logged as a crash. */
export type Reply =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "stream"; readonly items: ItemPuller }
  | { readonly kind: "error"; readonly error: WireError };

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
