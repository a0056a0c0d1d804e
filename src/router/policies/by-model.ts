/**
 * For requests with a model id: the replicas that have the model first, as long as they have room, then the others.
 *
 * Both in the order of rendezvous hashing, so callers that know nothing agree, and those that know different things
 * nearly do. A model that is asked for more than one replica can bear spreads to the next in that order, and when less
 * is asked for, the first of them takes it all again: the copies on the others fall idle, and make room.
 */
import type { Candidate, Policy } from "../policy.ts";
import { rendezvous } from "./rendezvous.ts";

/**
 * @param limit The load from which on a replica has no room: twice its `maxOngoingRequests`, so that the model goes where
 *   it is not loaded only when a request would wait about as long as it runs. With half of that, loads for short bursts
 *   push other models out (docs/multiplexing-bench.md).
 */
export function byModel(limit: number): Policy {
  return (input, count) => {
    const { candidates } = input;
    const ranked = rendezvous(input, candidates.length).map((index) => ({ index, rank: rankOf(candidates[index]!, limit) }));
    return ranked
      .toSorted((a, b) => a.rank - b.rank)
      .slice(0, count)
      .map(({ index }) => index);
  };
}

// Among those that have no room, waiting for the model costs a wait; waiting without it costs a wait and a load.
function rankOf({ load, hasModel }: Candidate, limit: number): number {
  return (load < limit ? 0 : 2) + (hasModel === true ? 0 : 1);
}
