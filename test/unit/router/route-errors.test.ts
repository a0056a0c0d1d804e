import { expect, it } from "vitest";
import { initialReplicaSet } from "../../../src/protocol/replica-set.ts";
import { allFull } from "../../../src/router/route-errors.ts";
import { configOf } from "../../support/controlled-world.ts";

it.each([
  [1, 1, 0, 'the replica of "Rank" runs 1 request (maxOngoingRequests) and holds 0 waiting (maxQueuedRequests).'],
  [1, 4, 1, 'the replica of "Rank" runs 4 requests (maxOngoingRequests) and holds 1 waiting (maxQueuedRequests).'],
  [2, 1, 0, 'all 2 replicas of "Rank" run 1 request each (maxOngoingRequests) and hold 0 waiting each (maxQueuedRequests).'],
  [3, 5, 9, 'all 3 replicas of "Rank" run 5 requests each (maxOngoingRequests) and hold 9 waiting each (maxQueuedRequests).'],
])("says what %i full replicas have on their hands: %i running, %i waiting", (numReplicas, running, waiting, full) => {
  const config = configOf({ numReplicas, maxOngoingRequests: running, maxQueuedRequests: waiting });
  const error = allFull({ app: "shop", deployment: "Rank" }, initialReplicaSet("shop", "Rank", config, "/"));
  expect(error.message).toBe(`Request dropped due to backpressure: ${full} Retry after 1 s.`);
});
