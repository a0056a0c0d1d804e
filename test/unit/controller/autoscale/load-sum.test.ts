import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LoadSum, type SummedLoad } from "../../../../src/controller/autoscale/load-sum.ts";
import { pruneSeries, type Series, staleAtMs } from "../../../../src/controller/autoscale/step-function.ts";
import { exact } from "../../../../src/controller/autoscale/step-sum.ts";
import { aggregateLoad, dropStale } from "../../../support/load-reference.ts";

const START_MS = 1_000_000;

/** A replica tells its load over the time before now, or is gone, or time passes. */
const happening = fc.record({
  replica: fc.nat(5),
  what: fc.constantFrom("load", "load", "load", "gone", "nothing"),
  afterMs: fc.oneof(fc.nat(50), fc.nat(3000)),
  overMs: fc.oneof(fc.constant(0), fc.nat(100), fc.nat(5000)),
  // Clocks differ.
  skewMs: fc.integer({ min: -20, max: 20 }),
  mean: fc.oneof(fc.constant(0), fc.nat(9), fc.double({ min: 0, max: 50, noNaN: true })),
  now: fc.oneof(fc.constant(0), fc.nat(9), fc.double({ min: 0, max: 50, noNaN: true })),
});
const lookBack = fc.record({ lookBackPeriodMs: fc.integer({ min: 1, max: 4000 }), staleAfterMs: fc.integer({ min: 100, max: 6000 }) });

type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

/** What `scaling.ts` makes of a report. */
function seriesAfter(
  series: Series,
  { overMs, mean, now, skewMs }: Pick<Happening, "overMs" | "mean" | "now" | "skewMs">,
  nowMs: number,
  lookBackPeriodMs: number,
): Series {
  const untilMs = nowMs + skewMs;
  const sinceMs = untilMs - overMs;
  const kept = series.filter(({ atMs }) => atMs < sinceMs);
  const points = [...kept, { atMs: sinceMs, value: exact(mean) }, { atMs: untilMs, value: exact(now) }];
  return pruneSeries(points, nowMs, lookBackPeriodMs);
}

function expectSame(sum: SummedLoad, all: readonly Series[], nowMs: number, { lookBackPeriodMs, staleAfterMs }: LoadSum["lookBack"]): void {
  const series = dropStale(all, nowMs, staleAfterMs);
  const { total, lowest, highest } = aggregateLoad({ series, nowMs, lookBackPeriodMs });
  expect([sum.lowest, sum.highest]).toEqual([lowest, highest]);
  expect(Math.abs(sum.total - total)).toBeLessThanOrEqual(1e-9 * Math.max(1, total));
  if (total === 0) expect(sum.total).toBe(0);
  expect(sum.staleAtMs).toBe(Math.min(Infinity, ...series.map((points) => staleAtMs(points, staleAfterMs))));
}

describe("the running sum of a deployment's load", () => {
  it("[R1] [R2] is what all series give when they are added up anew, whatever is reported and whoever goes", () => {
    fc.assert(
      fc.property(lookBack, fc.array(happening, { maxLength: 120 }), (given, happenings) => {
        const sum = new LoadSum(given);
        const known = new Map<number, Series>();
        let nowMs = START_MS;
        for (const one of happenings) {
          nowMs += one.afterMs;
          if (one.what === "load") {
            const series = seriesAfter(known.get(one.replica) ?? [], one, nowMs, given.lookBackPeriodMs);
            known.set(one.replica, series);
            sum.set(String(one.replica), series, nowMs);
          } else if (one.what === "gone") {
            known.delete(one.replica);
            sum.delete(String(one.replica), nowMs);
          }
          expectSame(sum.at(nowMs), [...known.values()], nowMs, given);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("[R1] holds with so many reports that they fill many blocks", () => {
    const given = { lookBackPeriodMs: 20_000, staleAfterMs: 60_000 };
    const sum = new LoadSum(given);
    const known = new Map<string, Series>();
    for (let report = 0; report < 6000; report++) {
      const nowMs = START_MS + report * 7;
      const name = `${(report * 37) % 400}`;
      const load = { overMs: 2500, mean: (report % 13) + 0.1, now: report % 5, skewMs: -(report % 11) };
      const series = seriesAfter(known.get(name) ?? [], load, nowMs, given.lookBackPeriodMs);
      known.set(name, series);
      sum.set(name, series, nowMs);
      if (report % 500 === 499) expectSame(sum.at(nowMs), [...known.values()], nowMs, given);
    }
  });

  it("[R2] counts a replica again that was taken for lost, with what it had said before", () => {
    const given = { lookBackPeriodMs: 30_000, staleAfterMs: 1000 };
    const sum = new LoadSum(given);
    const before = [{ atMs: START_MS, value: 4 }];
    sum.set("a", before, START_MS);
    expect(sum.at(START_MS + 999).total).toBe(4);
    expect(sum.at(START_MS + 1000)).toEqual({ total: 0, lowest: 0, highest: 0, staleAtMs: Infinity });
    sum.set("a", [...before, { atMs: START_MS + 2000, value: 2 }], START_MS + 2000);
    expect(sum.at(START_MS + 4000 - 1001).total).toBeCloseTo((4 * 2000 + 2 * 999) / 2999, 9);
  });

  it("is exactly 0 when every replica's is, whatever the fractions before", () => {
    const sum = new LoadSum({ lookBackPeriodMs: 10, staleAfterMs: 1000 });
    for (const [name, value] of Object.entries({ a: 0.1, b: 0.2, c: 0.3 })) {
      sum.set(name, [{ atMs: START_MS, value: exact(value) }, { atMs: START_MS + 10, value: 0 }], START_MS + 10); // prettier-ignore
    }
    expect(sum.at(START_MS + 30)).toMatchObject({ total: 0, lowest: 0, highest: 0 });
  });
});

describe("a value that adds up exactly", () => {
  it("is what it was but for a millionth, and above 0 if it was", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e6, noNaN: true }), (value) => {
        expect(Math.abs(exact(value) - value)).toBeLessThanOrEqual(1e-6);
        expect(exact(value) > 0).toBe(value > 0);
      }),
    );
  });
});
