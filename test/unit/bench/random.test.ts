import { describe, expect, it } from "vitest";
import { exponential, heavyTailed, seeded } from "../../../bench/simulation/random.ts";

const meanOf = (draw: () => number, count = 200_000) => Array.from({ length: count }, draw).reduce((sum, value) => sum + value, 0) / count;

describe("random numbers", () => {
  it("are the same for the same seed, and others for another", () => {
    const row = (seed: number) => Array.from({ length: 5 }, seeded(seed));
    expect(row(1)).toEqual(row(1));
    expect(row(1)).not.toEqual(row(2));
  });

  it("are spread evenly", () => {
    expect(meanOf(seeded(1))).toBeCloseTo(0.5, 2);
  });

  it("give service times with the mean that is asked for", () => {
    const random = seeded(1);
    expect(meanOf(() => exponential(random, 50))).toBeGreaterThan(49);
    expect(meanOf(() => exponential(random, 50))).toBeLessThan(51);
    const mean = meanOf(() => heavyTailed(random, 50));
    expect(mean).toBeGreaterThan(47);
    expect(mean).toBeLessThan(53);
  });

  it("give heavy-tailed service times between the shortest and 1000 times that", () => {
    const times = [0, 0.5, 1 - 2 ** -32].map((value) => heavyTailed(() => value, 50));
    expect(times[0]).toBeCloseTo(17.2, 1);
    expect(times[1]).toBeLessThan(30);
    expect(times[2]! / times[0]!).toBeCloseTo(1000, 0);
  });
});
