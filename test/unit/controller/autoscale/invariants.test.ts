import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AutoscaleInput, NEW_AUTOSCALE_STATE } from "../../../../src/controller/autoscale/autoscale.ts";
import { replicaBounds } from "../../../../src/controller/autoscale/capacity.ts";
import {
  autoscaleSeries as autoscale,
  configOf,
  seriesInputOf as inputOf,
  type SeriesInput,
  START_MS,
} from "../../../support/autoscale-input.ts";

const delay = (min: number) => fc.integer({ min, max: 60_000 });

const anyConfig = (minDelayMs = 0) =>
  fc
    .record({
      bounds: fc.tuple(fc.nat(6), fc.nat(6), fc.integer({ min: 1, max: 12 })),
      targetOngoingRequests: fc.integer({ min: 1, max: 50 }).map((tenths) => tenths / 10),
      metricsIntervalMs: fc.integer({ min: 1, max: 20_000 }),
      lookBackPeriodMs: fc.integer({ min: 1, max: 60_000 }),
      upscaleDelayMs: delay(minDelayMs),
      downscaleDelayMs: delay(minDelayMs),
      downscaleToZeroDelayMs: delay(minDelayMs),
      upscalingFactor: fc.constantFrom(0.1, 0.5, 1, 2, 10),
      downscalingFactor: fc.constantFrom(0.1, 0.5, 1, 2, 10),
    })
    .map(({ bounds, ...rest }) => {
      const [minReplicas, initialReplicas, maxReplicas] = bounds.toSorted((a, b) => a - b) as [number, number, number];
      return configOf({ minReplicas, initialReplicas, maxReplicas: Math.max(1, maxReplicas), ...rest });
    });

const oneSeries = fc
  .array(fc.record({ atMs: fc.integer({ min: START_MS - 90_000, max: START_MS }), value: fc.nat(15) }), { minLength: 1, maxLength: 8 })
  .map((points) => points.toSorted((a, b) => a.atMs - b.atMs));

const anyPending = fc.option(
  fc.record({
    direction: fc.constantFrom("up" as const, "down" as const),
    sinceMs: fc.integer({ min: START_MS - 90_000, max: START_MS }),
    fromReplicas: fc.nat(12),
  }),
  { nil: undefined },
);

const anyInput = (minDelayMs = 0): fc.Arbitrary<SeriesInput> =>
  fc
    .record({
      config: anyConfig(minDelayMs),
      targetReplicas: fc.nat(15),
      runningReplicas: fc.nat(15),
      series: fc.array(oneSeries, { maxLength: 4 }),
      pending: anyPending,
      targetCapacity: fc.constantFrom(undefined, null, 0, 33, 50, 100),
      targetCapacityDirection: fc.constantFrom(undefined, "up" as const, "down" as const),
    })
    .map(({ pending, ...given }) => inputOf({ ...given, state: pending === undefined ? NEW_AUTOSCALE_STATE : { pending, policy: {} } }));

/** What follows when nothing is reported any more: an evaluation whenever one is asked for. */
function untilQuiet(input: SeriesInput): { input: SeriesInput; evaluations: number } {
  let current = input;
  for (let evaluations = 1; evaluations <= 5000; evaluations++) {
    const { targetReplicas, state, evaluateAtMs } = autoscale(current);
    current = { ...current, targetReplicas, state };
    if (evaluateAtMs === undefined) return { input: current, evaluations };
    expect(evaluateAtMs).toBeGreaterThan(current.nowMs);
    current = { ...current, nowMs: evaluateAtMs };
  }
  throw new Error("Evaluations go on for ever.");
}

describe("autoscaling", () => {
  it("[A1] keeps the target within the adjusted bounds, whatever a policy wants", () => {
    const wish = fc.option(fc.oneof(fc.double(), fc.nat(30)), { nil: undefined });
    fc.assert(
      fc.property(anyInput(), wish, (input, replicas) => {
        const { targetReplicas } = autoscale(replicas === undefined ? input : { ...input, policy: () => replicas });
        const { min, max } = replicaBounds(input.config, input);
        expect(targetReplicas).toBeGreaterThanOrEqual(min);
        expect(targetReplicas).toBeLessThanOrEqual(max);
        expect(Number.isInteger(targetReplicas)).toBe(true);
      }),
    );
  });

  it("[A2] never moves before the same direction has been wanted for its delay", () => {
    const config = { minReplicas: 0, maxReplicas: 9, upscaleDelayMs: 5000, downscaleDelayMs: 8000, downscaleToZeroDelayMs: 12_000 };
    const steps = fc.array(fc.record({ afterMs: fc.nat(4000), load: fc.nat(10) }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(steps, (given) => {
        let input = inputOf({ config, targetReplicas: 3 });
        // An independent account: since when has this direction been wanted of this target.
        let wanted: { direction: number; target: number; sinceMs: number } | undefined;
        for (const { afterMs, load } of given) {
          const nowMs = input.nowMs + afterMs;
          const target = input.targetReplicas;
          const direction = Math.sign(Math.min(load, 9) - target);
          if (wanted?.direction !== direction || wanted.target !== target) wanted = { direction, target, sinceMs: nowMs };
          const result = autoscale({ ...input, nowMs, runningReplicas: Math.max(1, target), series: [[{ atMs: nowMs, value: load }]] });
          const delayMs = direction > 0 ? 5000 : target === 1 ? 12_000 : 8000;
          const isDue = direction !== 0 && (target === 0 || nowMs - wanted.sinceMs >= delayMs);
          const goal = target === 0 ? 1 : target > 1 ? Math.max(1, Math.min(load, 9)) : Math.min(load, 9);
          expect(result.targetReplicas).toBe(isDue ? goal : target);
          // What is still wanted after a step is wanted from then on.
          if (isDue) wanted = { direction: Math.sign(Math.min(load, 9) - goal), target: goal, sinceMs: nowMs };
          input = { ...input, nowMs, targetReplicas: result.targetReplicas, state: result.state };
        }
      }),
    );
  });

  it("[A3] never has fewer replicas for more load", () => {
    fc.assert(
      fc.property(anyInput(), fc.array(fc.nat(10), { minLength: 32, maxLength: 32 }), (input, more) => {
        let at = 0;
        const series = input.series.map((points) => points.map(({ atMs, value }) => ({ atMs, value: value + more[at++ % 32]! })));
        // A series that ends at 0 is never stale, so only what claims load either way is compared.
        const staleAfterMs = 1_000_000;
        const less = autoscale({ ...input, staleAfterMs });
        expect(autoscale({ ...input, staleAfterMs, series }).targetReplicas).toBeGreaterThanOrEqual(less.targetReplicas);
      }),
    );
  });

  it("[A4] gives the same result again, also when that is the input of an evaluation at the same time", () => {
    fc.assert(
      fc.property(anyInput(1), (input) => {
        const first = autoscale(input);
        expect(autoscale(input)).toEqual(first);
        const { targetReplicas, state, evaluateAtMs } = autoscale({ ...input, targetReplicas: first.targetReplicas, state: first.state });
        expect({ targetReplicas, state, evaluateAtMs }).toEqual({
          targetReplicas: first.targetReplicas,
          state: first.state,
          evaluateAtMs: first.evaluateAtMs,
        });
      }),
    );
  });

  it("[A4] has a state that storage does not change", () => {
    fc.assert(
      fc.property(anyInput(), (input) => {
        const { state } = autoscale(input);
        expect(JSON.parse(JSON.stringify(state))).toEqual(state);
      }),
    );
  });

  it("[A5] comes to rest without reports, and moves nothing afterwards", () => {
    fc.assert(
      fc.property(anyInput(), fc.array(fc.integer({ min: 1, max: 10_000_000 }), { minLength: 1, maxLength: 5 }), (input, laterMs) => {
        const quiet = untilQuiet(input).input;
        for (const ms of laterMs) {
          const later = autoscale({ ...quiet, nowMs: quiet.nowMs + ms });
          expect(later).toMatchObject({ targetReplicas: quiet.targetReplicas, evaluateAtMs: undefined });
        }
      }),
    );
  });

  it("[A5] comes to rest with a custom policy that decides from the load and the target", () => {
    const policy: AutoscaleInput["policy"] = ({ totalOngoingRequests, targetReplicas }) =>
      totalOngoingRequests > targetReplicas ? targetReplicas + 1 : Math.max(0, targetReplicas - 1);
    fc.assert(
      fc.property(anyInput(1), fc.integer({ min: 1, max: 10_000_000 }), (input, laterMs) => {
        const quiet = untilQuiet({ ...input, policy }).input;
        expect(autoscale({ ...quiet, nowMs: quiet.nowMs + laterMs }).targetReplicas).toBe(quiet.targetReplicas);
      }),
    );
  });

  it("[A5] asks for nothing between a report and the end of the delay when the load is steady", () => {
    expect(autoscale(inputOf({ load: 5, staleAfterMs: 100_000 }))).toMatchObject({ targetReplicas: 1, evaluateAtMs: START_MS + 30_000 });
    expect(autoscale(inputOf({ load: 1, staleAfterMs: 100_000 })).evaluateAtMs).toBe(START_MS + 100_000);
    expect(autoscale(inputOf({ load: 0 })).evaluateAtMs).toBeUndefined();
  });

  it("looks again while a look-back period settles, five times in it or once per metricsIntervalMs", () => {
    const series = [
      [
        { atMs: START_MS - 20_000, value: 4 },
        { atMs: START_MS - 1000, value: 0 },
      ],
    ];
    expect(autoscale(inputOf({ series, targetReplicas: 4 })).evaluateAtMs).toBe(START_MS + 6000);
    expect(autoscale(inputOf({ series, targetReplicas: 4, config: { metricsIntervalMs: 2000 } })).evaluateAtMs).toBe(START_MS + 2000);
    // Here the old load makes no difference: one replica is wanted with it and without.
    expect(autoscale(inputOf({ series, targetReplicas: 1, config: { targetOngoingRequests: 4 } })).evaluateAtMs).toBeUndefined();
  });
});
