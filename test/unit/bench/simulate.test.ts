import { describe, expect, it } from "vitest";
import { random } from "../../../bench/baselines/random.ts";
import { roundRobin } from "../../../bench/baselines/round-robin.ts";
import { sharedQueue } from "../../../bench/baselines/shared-queue.ts";
import { ownInFlight, piggybackedLengths } from "../../../bench/baselines/two-choices.ts";
import { claimThenQueue } from "../../../bench/simulation/claim-then-queue.ts";
import { type Scenario, simulate } from "../../../bench/simulation/run.ts";

const SCENARIO: Scenario = {
  replicas: 20,
  isolates: 50,
  load: 0.8,
  service: "exponential",
  slow: 0,
  lostPerSecond: 0,
  maxQueuedRequests: 1000,
};
const BUDGET = { requests: 8000, seed: 7 };

/** The mean wait in a queue before `servers` servers that take 50 ms, by Erlang's formula. */
function erlangWaitMs(servers: number, load: number): number {
  let blocked = 1;
  for (let count = 1; count <= servers; count++) blocked = (load * servers * blocked) / (count + load * servers * blocked);
  return ((blocked / (1 - load * (1 - blocked))) * 50) / (servers * (1 - load));
}

describe("the simulation", () => {
  it("agrees with queueing theory where there is a formula", async () => {
    const split = await simulate({ ...SCENARIO, load: 0.6 }, random, { ...BUDGET, requests: 50_000 });
    // Each replica is a queue before 5 servers, 5 ms away.
    expect(split.meanMs / (erlangWaitMs(5, 0.6) + 5)).toBeGreaterThan(0.9);
    expect(split.meanMs / (erlangWaitMs(5, 0.6) + 5)).toBeLessThan(1.1);
    const shared = await simulate({ ...SCENARIO, replicas: 1, load: 0.7 }, sharedQueue, { ...BUDGET, requests: 50_000 });
    expect(shared.meanMs / erlangWaitMs(5, 0.7)).toBeGreaterThan(0.9);
    expect(shared.meanMs / erlangWaitMs(5, 0.7)).toBeLessThan(1.1);
  });

  it("gives equal numbers for equal seeds", async () => {
    // The first router of a process draws one number more, for the ids of its deliveries.
    await simulate(SCENARIO, claimThenQueue, { requests: 1, seed: 1 });
    const [first, second] = [await simulate(SCENARIO, claimThenQueue, BUDGET), await simulate(SCENARIO, claimThenQueue, BUDGET)];
    expect(second).toEqual(first);
  });

  it.each([random, roundRobin, ownInFlight, piggybackedLengths])("sends each request once: $name", async (routing) => {
    expect(await simulate(SCENARIO, routing, { ...BUDGET, requests: 2000 })).toMatchObject({ hops: 1, failed: 0 });
  });

  it("counts what has to be refused", async () => {
    const outcome = await simulate({ ...SCENARIO, replicas: 3, load: 2, maxQueuedRequests: 5 }, roundRobin, BUDGET);
    expect(outcome.failed).toBeGreaterThan(0.47);
    expect(outcome.failed).toBeLessThan(0.53);
  });

  it("counts what lost replicas had begun", async () => {
    const outcome = await simulate({ ...SCENARIO, load: 0.5, lostPerSecond: 2 }, claimThenQueue, BUDGET);
    expect(outcome.failed).toBeGreaterThan(0);
    expect(outcome.failed).toBeLessThan(0.02);
  });
});

describe("claim, then queue", () => {
  it.each([0.5, 0.8, 0.9])("waits less than half as long as two choices with piggybacked lengths, at load %d", async (load) => {
    const ours = await simulate({ ...SCENARIO, load }, claimThenQueue, BUDGET);
    const theirs = await simulate({ ...SCENARIO, load }, piggybackedLengths, BUDGET);
    expect(ours.p99Ms).toBeLessThan(0.5 * theirs.p99Ms);
    expect(ours.meanMs).toBeLessThan(theirs.meanMs);
  });
});
