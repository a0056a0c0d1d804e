/**
 * How a caller orders the replicas that a request may try. Pure: candidates, knowledge and randomness go in.
 */
import type { ReplicaState } from "../protocol/messages.ts";
import type { RouterRequest } from "../protocol/request-router.ts";

/** A replica as a policy sees it. */
export interface Candidate {
  readonly name: string;
  /** Requests that it seems to have on its hands; 0 when nothing is known. */
  readonly load: number;
  /** Whether it is known to have the model that the request asks for. */
  readonly hasModel?: boolean;
  /** How often it refuses, from 0 to 1: tells replicas with equal loads apart. Missing is 0. */
  readonly refusals?: number;
  /** Whether it is in the caller's region. */
  readonly isNear?: boolean;
  /** What it has, as far as it is known; for a router of the application's own only. */
  readonly state?: ReplicaState;
}

/** What a policy may look at besides the candidates. */
export interface PolicyInput {
  readonly candidates: readonly Candidate[];
  /** What sends equal requests to the same replica: the key, or the model's id. */
  readonly affinity: string | undefined;
  /** The request; for a router of the application's own only. */
  readonly request?: RouterRequest;
  /** What decides where a router of the application's own does not. */
  readonly otherwise?: Policy;
  /** In [0, 1). */
  random(): number;
}

/**
 * Gives the indexes of the candidates to try, the best first, each at most once.
 *
 * Every policy: an empty list only for no candidates; never an index twice; the same input and random numbers, the
 * same answer.
 */
export type Policy = (input: PolicyInput, count: number) => number[];
