import { describe, expect, it } from "vitest";
import { type Scenario, simulate } from "../../../bench/scale/simulate.ts";
import { NEAR_MS, REGIONS } from "../../../bench/scale/world.ts";

const [ASIA, EUROPE] = [REGIONS[0]!, REGIONS[1]!];
const CITY: Scenario = {
  cities: [EUROPE],
  isolatesPerCity: 20,
  requestsPerS: 2000,
  replicas: 5,
  hints: [EUROPE.hint],
  maxOngoingRequests: 100,
  cpuMs: 1,
  overheadMs: 0,
  ioMs: 0,
  warmUpMs: 500,
  countedMs: 2000,
  seed: 1,
};

describe("the simulation at scale", () => {
  it("lets computing wait for the thread, and awaiting not", async () => {
    const computing = await simulate({ ...CITY, replicas: 1, requestsPerS: 500, countedMs: 20_000 });
    const awaiting = await simulate({ ...CITY, cpuMs: 0, ioMs: 50 });
    // One server, half busy: half of the requests wait, p50 is the way alone, p99 what is exceeded by 2 % of those that wait.
    expect(computing.p50Ms - NEAR_MS).toBeLessThan(0.3);
    expect(computing.p99Ms - NEAR_MS).toBeCloseTo(2 * Math.log(50), -1);
    expect(awaiting.p99Ms).toBeCloseTo(NEAR_MS, 1);
  });

  it("asks near replicas first, and far ones when those are full", async () => {
    const world = {
      ...CITY,
      cities: [ASIA, EUROPE],
      hints: [ASIA.hint, EUROPE.hint],
      replicas: 6,
      requestsPerS: 3000,
      maxOngoingRequests: 5,
    };
    const even = await simulate(world);
    const full = await simulate({ ...world, cities: [ASIA, ASIA, ASIA, EUROPE] });
    expect(even).toMatchObject({ refused: 0 });
    expect(even.near).toBeGreaterThan(0.95);
    expect(full.near).toBeGreaterThan(0.5);
    expect(full.near).toBeLessThan(even.near);
    expect(full.p99Ms).toBeGreaterThan(even.p99Ms);
  });

  it("counts what the busiest replica gets", async () => {
    const { busiestPerS, requests } = await simulate(CITY);
    expect(requests / 2).toBeGreaterThan(1800);
    expect(busiestPerS).toBeGreaterThan(400);
    expect(busiestPerS).toBeLessThan(600);
  });

  it("gives equal numbers for equal seeds", async () => {
    await simulate({ ...CITY, countedMs: 10 });
    expect(await simulate(CITY)).toEqual(await simulate(CITY));
  });
});
