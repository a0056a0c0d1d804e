import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { measuredBy, quantileOf } from "../../../src/operator/dashboard/summary.ts";
import { LATENCY_MS } from "../../../src/observe/metric-definitions.ts";
import { observe } from "../../../src/observe/series.ts";

describe("a quantile", () => {
  it("lies in the bucket of the value that it is", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(700_000), { minLength: 1 }), fc.constantFrom(0.5, 0.9, 0.99), (values, share) => {
        const numbers = [0];
        for (const value of values) observe(numbers, LATENCY_MS, value);
        const exact = values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1]!;
        const bucket = LATENCY_MS.findIndex((bound) => exact <= bound);
        const estimate = quantileOf(numbers, LATENCY_MS, share)!;
        // Above the last bound, that is all that is known.
        expect(estimate).toBeLessThanOrEqual(LATENCY_MS[bucket] ?? LATENCY_MS.at(-1)!);
        expect(estimate).toBeGreaterThanOrEqual((bucket === -1 ? LATENCY_MS.at(-1) : LATENCY_MS[bucket - 1]) ?? 0);
      }),
    );
  });

  it("is interpolated as Prometheus does", () => {
    // 4 values up to 10, 4 more up to 20: the sixth of eight is in the middle of the second bucket.
    expect(quantileOf([0, 4, 4], [10, 20], 0.75)).toBe(15);
  });

  it("of no values is none", () => {
    expect(quantileOf([0], [1], 0.5)).toBeUndefined();
    expect(quantileOf([0, 0, 0], [1, 2], 0.5)).toBeUndefined();
  });
});

describe("what replicas measured", () => {
  it("adds up over replicas and routes", () => {
    const replica = {
      requests: [
        [["/"], [7]],
        [["/b"], [1]],
      ],
      errors: [
        [["/", "TypeError"], [1]],
        [["/", "RangeError"], [2]],
      ],
      http: [
        [["/", "GET", 500], [3]],
        [["/", "GET", 200], [7]],
        [["/", "POST", 200], [1]],
      ],
      latency: [[["/"], [30, 0, 0, 0, 8]]],
      ongoing: [[[], [2]]],
      queued: [[[], [3]]],
    } as const;
    const measured = measuredBy([replica, replica] as never);
    expect(measured).toMatchObject({ requests: 16, errors: 6, ongoing: 4, queued: 6 });
    expect(measured.errorTypes).toEqual([
      ["RangeError", 4],
      ["TypeError", 2],
    ]);
    expect(measured.http).toEqual([
      ["200", 16],
      ["500", 6],
    ]);
    expect([measured.p50Ms, measured.p99Ms]).toEqual([7.5, 9.95]);
  });

  it("tells batches by their function, and models where there are any", () => {
    const { batches, models } = measuredBy([
      {
        batchSize: [
          [["predict"], [10, 0, 0, 0, 4]],
          [["embed"], [1, 1]],
        ],
        batchUtilization: [[["predict"], [200, 0, 0, 0, 0, 4]]],
        batchWait: [[["predict"], [8, 0, 0, 4]]],
        modelGets: [[[], [10]]],
        modelHits: [[[], [8]]],
        models: [[[], [2]]],
      },
    ]);
    expect(batches).toMatchObject([
      { name: "predict", count: 4, meanSize: 2.5, meanUtilization: 50 },
      { name: "embed", count: 1, meanSize: 1, p95WaitMs: undefined },
    ]);
    expect(batches[0]?.p95WaitMs).toBeCloseTo(1.95);
    expect(models).toEqual({ loaded: 2, gets: 10, hits: 8 });
    expect(measuredBy([{}])).toMatchObject({ requests: 0, p99Ms: undefined, batches: [], models: undefined });
  });
});
