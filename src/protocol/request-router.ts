/**
 * A request router of the application's own: what it is given, and what it gives.
 */

/**
 * A replica, as a custom request router sees it. What the replica itself has said comes with its answers to this caller: an isolate that has
 * sent it nothing yet knows nothing of it.
 */
export interface RouterCandidate {
  readonly replicaId: string;
  /** Its number in the deployment, from 0. */
  readonly ordinal: number;
  /** Its {@link region}, or `"-"`. */
  readonly location: string;
  /** The location hint that it was placed with; `undefined` where the deployment has no `placement.locationHints`. */
  readonly region: string | undefined;
  /** Requests that this caller has in flight there, or that the replica said it had when it was heard of last, whichever is more. */
  readonly inFlight: number;
  /**
   * Requests that the replica runs: what it said within the last second, the request that it answered then not counted, and never
   * less than this caller has in flight there, up to `maxOngoingRequests`.
   */
  readonly ongoing: number;
  /** Requests that wait at the replica: what it said within the last second, and never less than this caller has there beyond those that run. */
  readonly queued: number;
  /**
   * Ids of the models that the replica has loaded by `serve.multiplexed`, or loads: what it said within the last 30 s, the one used last
   * first. Ids beyond 4 KiB are left out.
   */
  readonly models: readonly string[];
}

/** A request, as a custom request router sees it. */
export interface RouterRequest {
  /** By `handle.options({ key })`, or the session id over HTTP. */
  readonly key?: string;
  /** By `handle.options({ multiplexedModelId })`, or the header `serve-multiplexed-model-id` over HTTP. */
  readonly multiplexedModelId?: string;
  /** The method that is called: `"call"` for the default method, `"fetch"` for an HTTP request to an ingress deployment. */
  readonly method?: string;
  /** The location hint of the caller's own region; missing while the isolate has heard of no request that says where it is. */
  readonly region?: string;
}

/**
 * Chooses the replica that a request tries first: the index of one of `candidates`, of which there are at least two. A replica that was
 * lost a moment ago is not among them while there are others. Called in the caller's isolate, once more for a request that has to wait.
 * Synchronous. One that throws, or returns anything else, costs no request: that one is routed by load, by its key or by its model, and
 * the log says so once a minute.
 */
export type RequestRouter = (candidates: readonly RouterCandidate[], request: RouterRequest) => number;
