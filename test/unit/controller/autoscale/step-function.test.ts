import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defaultStaleAfterMs, pruneSeries, type Series } from "../../../../src/controller/autoscale/step-function.ts";
import { aggregateLoad, dropStale, sumSeries } from "../../../support/load-reference.ts";

/** The example in Ray's `autoscaling_state.py`, in milliseconds. */
const RAY = [series([200, 5], [800, 7], [1500, 6]), series([100, 3], [900, 4], [1400, 8])];

function series(...points: readonly (readonly [atMs: number, value: number])[]): Series {
  return points.map(([atMs, value]) => ({ atMs, value }));
}

/** What a step function is worth at a time; 0 before it begins. */
function valueAt(points: Series, atMs: number): number {
  return points.findLast((point) => point.atMs <= atMs)?.value ?? 0;
}

const oneSeries = fc
  .array(fc.record({ atMs: fc.integer({ min: 0, max: 2000 }), value: fc.nat(20) }), { minLength: 1, maxLength: 12 })
  .map((points): Series => points.toSorted((a, b) => a.atMs - b.atMs));
const someSeries = fc.array(oneSeries, { maxLength: 5 });
const period = fc.record({ nowMs: fc.integer({ min: 1000, max: 3000 }), lookBackPeriodMs: fc.integer({ min: 1, max: 2500 }) });
const aggregationFunction = fc.constantFrom("mean", "max", "min");

describe("the sum of series", () => {
  it("is Ray's instantaneous total", () => {
    expect(sumSeries(RAY)).toEqual(series([100, 3], [200, 8], [800, 10], [900, 11], [1400, 15], [1500, 14]));
  });

  it("is, at any time, the sum of what the series are worth then", () => {
    fc.assert(
      fc.property(someSeries, fc.integer({ min: -10, max: 2100 }), (all, atMs) => {
        expect(valueAt(sumSeries(all), atMs)).toBe(all.reduce((total, points) => total + valueAt(points, atMs), 0));
      }),
    );
  });

  it("ends at exactly 0 when every series does, whatever the fractions before", () => {
    const all = [series([0, 0.1], [10, 0]), series([1, 0.2], [20, 0]), series([2, 0.3], [15, 0])];
    expect(sumSeries(all).at(-1)).toEqual({ atMs: 20, value: 0 });
  });
});

describe("the load over the look-back period", () => {
  const at = (options: Partial<Parameters<typeof aggregateLoad>[0]>) =>
    aggregateLoad({ series: RAY, nowMs: 2000, lookBackPeriodMs: 30_000, ...options }).total;

  it("begins when every series has data, so that a late one does not count as 0", () => {
    // (8 * 0.6 + 10 * 0.1 + 11 * 0.5 + 15 * 0.1 + 14 * 0.5) / 1.8; with the partial period before, it is 20.1 / 1.9.
    expect(at({})).toBeCloseTo(11, 9);
    expect(at({})).toBeGreaterThan(20.1 / 1.9);
  });

  it("begins no earlier than the period", () => {
    expect(at({ lookBackPeriodMs: 1000 })).toBeCloseTo((11 * 0.4 + 15 * 0.1 + 14 * 0.5) / 1, 9);
    expect(at({ lookBackPeriodMs: 300 })).toBe(14);
  });

  it("lets the last value hold until now, however long ago it was", () => {
    expect(at({ series: [series([0, 4], [10, 2])], nowMs: 20 })).toBe(3);
    expect(at({ nowMs: 1_000_000 })).toBe(14);
  });

  it("can be the largest or the smallest value", () => {
    expect(at({ aggregationFunction: "max" })).toBe(15);
    expect(at({ aggregationFunction: "min" })).toBe(8);
    expect(at({ aggregationFunction: "max", lookBackPeriodMs: 300 })).toBe(14);
    expect(at({ aggregationFunction: "min", lookBackPeriodMs: 550 })).toBe(14);
  });

  it("counts a request that arrives now, and a report from a clock that is ahead", () => {
    expect(at({ series: [series([0, 0], [2000, 1])] })).toBeGreaterThan(0);
    expect(at({ series: [series([2500, 3])] })).toBe(3);
  });

  it("is 0 without reports", () => {
    expect(aggregateLoad({ series: [], nowMs: 0, lookBackPeriodMs: 1 })).toEqual({ total: 0, lowest: 0, highest: 0 });
    expect(aggregateLoad({ series: [[]], nowMs: 0, lookBackPeriodMs: 1 })).toEqual({ total: 0, lowest: 0, highest: 0 });
  });

  it("has its mean between its smallest and its largest value, for ever after too", () => {
    fc.assert(
      fc.property(
        someSeries,
        fc.integer({ min: 2000, max: 3000 }),
        fc.integer({ min: 1, max: 2500 }),
        fc.nat(5000),
        (all, nowMs, lookBackPeriodMs, laterMs) => {
          const { lowest, highest } = aggregateLoad({ series: all, nowMs, lookBackPeriodMs });
          const later = aggregateLoad({ series: all, nowMs: nowMs + laterMs, lookBackPeriodMs });
          for (const total of [later.lowest, later.total, later.highest]) {
            expect(total).toBeGreaterThanOrEqual(lowest);
            expect(total).toBeLessThanOrEqual(highest);
          }
        },
      ),
    );
  });

  it("adds up: the mean of a sum is the sum of the means, where the series begin together", () => {
    fc.assert(
      fc.property(fc.array(oneSeries, { minLength: 1, maxLength: 5 }), period, (all, { nowMs, lookBackPeriodMs }) => {
        const aligned = all.map((points) => [{ atMs: -1, value: 1 }, ...points.filter(({ atMs }) => atMs < nowMs)]);
        const mean = (some: readonly Series[]) => aggregateLoad({ series: some, nowMs, lookBackPeriodMs }).total;
        expect(mean(aligned)).toBeCloseTo(
          aligned.reduce((total, points) => total + mean([points]), 0),
          6,
        );
      }),
    );
  });
});

describe("pruning", () => {
  it("keeps the last point before the period", () => {
    expect(pruneSeries(series([0, 1], [10, 2], [20, 3], [30, 4]), 45, 20)).toEqual(series([20, 3], [30, 4]));
    expect(pruneSeries(series([0, 1], [10, 2]), 1000, 20)).toEqual(series([10, 2]));
    expect(pruneSeries(series([10, 2]), 15, 20)).toEqual(series([10, 2]));
    expect(pruneSeries([], 15, 20)).toEqual([]);
  });

  it("changes no load, now or later", () => {
    fc.assert(
      fc.property(someSeries, period, fc.nat(5000), aggregationFunction, (all, { nowMs, lookBackPeriodMs }, laterMs, how) => {
        const pruned = all.map((points) => pruneSeries(points, nowMs, lookBackPeriodMs));
        const load = (some: readonly Series[]) =>
          aggregateLoad({ series: some, nowMs: nowMs + laterMs, lookBackPeriodMs, aggregationFunction: how });
        expect(load(pruned)).toEqual(load(all));
      }),
    );
  });
});

describe("phantom load", () => {
  it("is a series that claims load and has been silent for too long", () => {
    const phantom = series([0, 5], [100, 5]);
    expect(dropStale([phantom], 1099, 1000)).toEqual([phantom]);
    expect(dropStale([phantom], 1100, 1000)).toEqual([]);
  });

  it("is not what an idle replica said last", () => {
    const idle = series([0, 5], [100, 0]);
    expect(dropStale([idle, []], 1_000_000, 1000)).toEqual([idle, []]);
  });

  it("takes two missed reports and at least 10 s", () => {
    expect(defaultStaleAfterMs({ metricsIntervalMs: 10_000 })).toBe(20_000);
    expect(defaultStaleAfterMs({ metricsIntervalMs: 1000 })).toBe(10_000);
  });
});
