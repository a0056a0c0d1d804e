import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isReportIntervalNews, MAX_REPORTS_PER_S, reportIntervalMs } from "../../../src/protocol/control.ts";

describe("the interval between a replica's reports", () => {
  it("keeps those of all replicas below the limit, and is no more than a quarter longer than that takes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 51, max: 100_000 }), (replicas) => {
        const perS = (replicas * 1000) / reportIntervalMs(replicas);
        expect(perS).toBeLessThanOrEqual(MAX_REPORTS_PER_S);
        expect(perS).toBeGreaterThan(MAX_REPORTS_PER_S * 0.79);
      }),
    );
  });

  it.each([
    [1, 0],
    [50, 0],
    [1000, 2048],
    [5000, 10_240],
    [10_000, 20_480],
  ])("with %i replicas is %i ms", (replicas, intervalMs) => {
    expect(reportIntervalMs(replicas)).toBe(intervalMs);
  });

  it.each([
    [0, 0, false],
    [0, 2048, true],
    [2048, 2048, false],
    [2048, 2560, true],
    [2048, 1536, false],
    [2048, 1000, true],
    [2048, 0, true],
  ])("that is known as %i ms is told again as %i ms: %s", (known, interval, isNews) => {
    expect(isReportIntervalNews(known, interval)).toBe(isNews);
  });
});
