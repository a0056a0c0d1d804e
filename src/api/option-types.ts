/**
 * The functions that an author may give as options, and what they are given.
 */

import type { KeyOf } from "../protocol/keys.ts";

/** A keyed deployment that HTTP requests reach. */
export interface KeyedByRequest {
  /**
   * The key of a request that has come in over HTTP, where the deployment is its application's ingress deployment. Takes 10 s at most.
   * `undefined`, and what is no key, is answered with 400; a `Response` that it throws is the answer.
   */
  readonly key: KeyOf;
}

/** A replica, as a custom request router sees it. */
export interface RouterCandidate {
  readonly replicaId: string;
  readonly ordinal: number;
  readonly location: string;
  /** Requests that this caller has in flight there, or that the replica said it had when it was heard of last, whichever is more. */
  readonly inFlight: number;
}

/**
 * Chooses the replica that a request tries first: the index of one of `candidates`. Synchronous. One that throws, or returns
 * anything else, costs no request: that one is routed by load, or by its key, and the log says so once a minute.
 */
export type RequestRouter = (
  candidates: readonly RouterCandidate[],
  request: { readonly key?: string; readonly multiplexedModelId?: string; readonly method?: string },
) => number;
