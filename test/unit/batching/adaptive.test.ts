import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type AdaptiveBounds,
  type AdaptiveState,
  costOf,
  learn,
  type Observation,
  settingsOf,
  UNKNOWN,
} from "../../../src/batching/adaptive.ts";

const BOUNDS: AdaptiveBounds = { targetLatencyMs: 100, maxBatchSize: 200, maxWaitMs: 50, maxConcurrentBatches: 1 };

const bounds = fc.record({
  targetLatencyMs: fc.double({ min: 0.1, max: 10_000, noNaN: true }),
  maxBatchSize: fc.integer({ min: 1, max: 1000 }),
  maxWaitMs: fc.double({ min: 0, max: 1000, noNaN: true }),
  maxConcurrentBatches: fc.integer({ min: 1, max: 8 }),
});
const observation: fc.Arbitrary<Observation> = fc.record({
  size: fc.integer({ min: 0, max: 1000 }),
  wasCut: fc.boolean(),
  waitedMs: fc.double({ min: 0, max: 100_000, noNaN: true }),
  durationMs: fc.option(fc.double({ min: 0, max: 100_000, noNaN: true }), { nil: undefined }),
  arrived: fc.nat(10_000),
  elapsedMs: fc.double({ min: 0, max: 100_000, noNaN: true }),
});

interface Load {
  readonly perMs: number;
  readonly costMs: (size: number) => number;
  /** How long the oldest item waits; as long as a batch takes if it is not said. */
  readonly waitedMs?: number;
}

/** Batches of a queue that is never short of items: what they come to. */
function saturated({ perMs, costMs, waitedMs }: Load, within: AdaptiveBounds, batches = 200, from = UNKNOWN): AdaptiveState {
  let state = from;
  for (let n = 0; n < batches; n++) {
    const { size } = settingsOf(state, within);
    const durationMs = costMs(size);
    state = learn(
      state,
      { size, wasCut: true, waitedMs: waitedMs ?? durationMs, durationMs, arrived: perMs * durationMs, elapsedMs: durationMs },
      within,
    );
  }
  return state;
}

describe("adaptive settings", () => {
  it("[D2] stay within their bounds, whatever is observed", () => {
    fc.assert(
      fc.property(bounds, fc.array(observation, { maxLength: 80 }), (within, seen) => {
        const state = seen.reduce((state, one) => learn(state, one, within), UNKNOWN);
        const { size, enough, waitMs } = settingsOf(state, within);
        expect([size, enough].every(Number.isInteger)).toBe(true);
        expect(1 <= enough && enough <= size && size <= within.maxBatchSize).toBe(true);
        expect(waitMs >= 0 && waitMs <= within.maxWaitMs && waitMs <= within.targetLatencyMs).toBe(true);
        expect(Object.values(costOf(state)).every((value) => value >= 0 || value === false)).toBe(true);
      }),
    );
  });

  it("[D1] are the same for the same observations", () => {
    fc.assert(
      fc.property(bounds, fc.array(observation), (within, seen) => {
        const run = () =>
          settingsOf(
            seen.reduce((state, one) => learn(state, one, within), UNKNOWN),
            within,
          );
        expect(run()).toEqual(run());
      }),
    );
  });

  /** Beyond so many items each costs four times as much, as with a memory that overflows. */
  const withKneeAt = (knee: number) => (size: number) => 5 + size + 3 * Math.max(0, size - knee);

  it("come to where larger batches cost more for each item", () => {
    const { size } = settingsOf(saturated({ perMs: 1, costMs: withKneeAt(40) }, BOUNDS), BOUNDS);
    expect(size).toBeGreaterThanOrEqual(30);
    expect(size).toBeLessThanOrEqual(55);
  });

  it("follow a cost that changes, and changes back", () => {
    const first = saturated({ perMs: 1, costMs: withKneeAt(60) }, BOUNDS);
    const second = saturated({ perMs: 1, costMs: (size) => 5 + 4 * size + 12 * Math.max(0, size - 12) }, BOUNDS, 200, first);
    expect(settingsOf(second, BOUNDS).size).toBeLessThanOrEqual(18);
    const third = saturated({ perMs: 1, costMs: withKneeAt(60) }, BOUNDS, 200, second);
    expect(settingsOf(third, BOUNDS).size).toBeGreaterThanOrEqual(40);
  });

  it("grow to maxBatchSize when the size costs nothing, or only as much as it brings", () => {
    expect(settingsOf(saturated({ perMs: 1, costMs: () => 10 }, BOUNDS), BOUNDS).size).toBe(200);
    expect(settingsOf(saturated({ perMs: 1, costMs: (size) => 5 + size }, BOUNDS), BOUNDS).size).toBe(200);
  });

  it("[D4] do not shrink where larger batches mean more throughput", () => {
    const before = saturated({ perMs: 1, costMs: (size) => 60 + 0.1 * size, waitedMs: 0 }, BOUNDS);
    expect(settingsOf(before, BOUNDS).size).toBe(200);
    const late: Observation = { size: 50, wasCut: false, waitedMs: 5000, durationMs: 65, arrived: 100, elapsedMs: 50 };
    expect(settingsOf(learn(before, late, BOUNDS), BOUNDS).size).toBe(200);
  });

  it("shrink where items of larger batches cost more, however long the queue is", () => {
    const { size } = settingsOf(saturated({ perMs: 1, costMs: withKneeAt(40), waitedMs: 5000 }, BOUNDS, 400), BOUNDS);
    expect(size).toBeLessThanOrEqual(60);
  });

  it("learn what a batch costs", () => {
    const cost = fc.record({
      fixedMs: fc.double({ min: 0, max: 100, noNaN: true }),
      eachMs: fc.double({ min: 0.01, max: 10, noNaN: true }),
    });
    fc.assert(
      fc.property(cost, fc.uniqueArray(fc.integer({ min: 1, max: 100 }), { minLength: 5, maxLength: 40 }), ({ fixedMs, eachMs }, sizes) => {
        const seen = { wasCut: false, waitedMs: 0, arrived: 1, elapsedMs: 1 };
        const state = sizes.reduce((state, size) => learn(state, { ...seen, size, durationMs: fixedMs + eachMs * size }, BOUNDS), UNKNOWN);
        const learned = costOf(state);
        expect(learned.isLine).toBe(true);
        expect(learned.fixedMs).toBeCloseTo(fixedMs, 4);
        expect(learned.eachMs).toBeCloseTo(eachMs, 4);
      }),
    );
  });

  it("[D3] wait for nobody when few arrive, and for as many as arrive during the fixed cost when many do", () => {
    const at = (perMs: number) => {
      let state = UNKNOWN;
      for (const size of [1, 4, 2, 8, 3, 6, 10, 5, 20, 12]) {
        const elapsedMs = 200;
        state = learn(
          state,
          { size, wasCut: true, waitedMs: 0, durationMs: 10 + 0.5 * size, arrived: perMs * elapsedMs, elapsedMs },
          BOUNDS,
        );
      }
      return settingsOf(state, BOUNDS);
    };
    expect(at(0.1)).toMatchObject({ enough: 1, waitMs: 0 });
    expect(at(0.5).enough).toBe(4);
    expect(at(0.5).waitMs).toBeCloseTo(8, 0);
    expect(at(2).enough).toBeGreaterThan(at(0.5).enough);
  });

  it("learn arrivals from batches whose duration could not be measured, and nothing else", () => {
    const seen: Observation = { size: 3, wasCut: true, waitedMs: 0, durationMs: undefined, arrived: 1000, elapsedMs: 1000 };
    expect(learn(UNKNOWN, seen, BOUNDS)).toEqual({ ...UNKNOWN, arrivalsPerMs: expect.closeTo(1, 1) });
  });
});
