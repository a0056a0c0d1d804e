import { describe, expect, it } from "vitest";
import { seeded } from "../../../bench/simulation/random.ts";
import { type Sample, slopeOf, student } from "../../soak/slope.ts";

/** Samples of a line, with noise that hangs together as far as `persistence` says. */
function samplesOf(perRequest: number, { seed, noise, persistence }: { seed: number; noise: number; persistence: number }): Sample[] {
  const random = seeded(seed);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  let drift = 0;
  return Array.from({ length: 96 }, (_, at) => {
    drift = persistence * drift + Math.sqrt(1 - persistence ** 2) * normal();
    return { requests: at * 8000, bytes: 1e7 + perRequest * at * 8000 + noise * drift };
  });
}

const SEEDS = Array.from({ length: 300 }, (_, seed) => seed);

describe("a slope", () => {
  it("of a line is that line's", () => {
    const { estimate, low, high } = slopeOf(samplesOf(8, { seed: 1, noise: 0, persistence: 0 }));
    expect(estimate).toBeCloseTo(8);
    expect(high - low).toBeCloseTo(0);
  });

  it.each([
    [0, 0],
    [0, 0.8],
    [20, 0.8],
  ])("of %d bytes a request is in the interval about 95 times of 100, with noise of persistence %d", (perRequest, persistence) => {
    const intervals = SEEDS.map((seed) => slopeOf(samplesOf(perRequest, { seed, noise: 200_000, persistence })));
    const holding = intervals.filter(({ low, high }) => low <= perRequest && perRequest <= high).length;
    expect(holding / SEEDS.length).toBeGreaterThan(0.9);
  });

  it("is narrow enough to tell a leak of 8 bytes a request from none", () => {
    const intervals = SEEDS.slice(0, 50).map((seed) => slopeOf(samplesOf(8, { seed, noise: 100_000, persistence: 0.5 })));
    expect(intervals.filter(({ low }) => low > 0)).toHaveLength(50);
  });

  it("takes samples enough", () => {
    expect(() => slopeOf([{ requests: 1, bytes: 1 }])).toThrow("at least 6 samples");
    expect(() => slopeOf(Array.from({ length: 10 }, () => ({ requests: 1, bytes: 1 })))).toThrow("different numbers");
  });
});

it.each([
  [4, 2.776],
  [10, 2.228],
  [18, 2.101],
  [1000, 1.962],
])("Student's t at 97.5 in 100 with %d degrees of freedom is %d", (freedom, quantile) => {
  expect(Math.abs(student(freedom) / quantile - 1)).toBeLessThan(0.006);
});
