/** The cases of Ray Serve's `test_autoscaling_policy.py`, with its numbers. Its seconds are milliseconds here. */
import { describe, expect, it } from "vitest";
import { resolveOptions } from "../../../../src/api/resolve-options.ts";
import { autoscale, type AutoscaleInput, type AutoscaleResult } from "../../../../src/controller/autoscale/autoscale.ts";
import { applyFactor, dueChange, type PendingChange } from "../../../../src/controller/autoscale/factor-and-delay.ts";
import type { AskedPolicy } from "../../../../src/controller/autoscale/policy.ts";
import type { AutoscalingConfig } from "../../../../src/protocol/manifest.ts";
import { configOf, inputOf, START_MS } from "../../../support/autoscale-input.ts";

const AT_ONCE = { upscaleDelayMs: 0, downscaleDelayMs: 0 };
const TICK_MS = 100;

const targetOf = (given: Parameters<typeof inputOf>[0]) => autoscale(inputOf(given)).targetReplicas;

/** A deployment whose state goes from one evaluation to the next, 100 ms apart, as in Ray's control loop. */
function loop(config: Partial<AutoscalingConfig>, policy?: AskedPolicy) {
  let state: AutoscaleInput["state"] | undefined;
  let nowMs = START_MS;
  return {
    tick(load: number, targetReplicas: number): number {
      const result: AutoscaleResult = autoscale(
        inputOf({ config, load, targetReplicas, nowMs, ...(policy && { policy }), ...(state && { state }) }),
      );
      nowMs += TICK_MS;
      state = result.state;
      return result.targetReplicas;
    },
    /** Every evaluation but the last of a delay keeps the target. */
    holds(load: number, targetReplicas: number, ticks: number): void {
      for (let tick = 0; tick < ticks; tick++) expect(this.tick(load, targetReplicas), `tick ${tick}`).toBe(targetReplicas);
    },
  };
}

describe("calculate_desired_num_replicas", () => {
  it.each([
    { name: "load x2", load: 20, up: 1, down: 1, target: 20 },
    { name: "load x0.5", load: 5, up: 1, down: 1, target: 5 },
    { name: "load as desired", load: 10, up: 1, down: 1, target: 10 },
    { name: "40 requests, half the step up", load: 40, up: 0.5, down: 1, target: 25 },
    { name: "2.5 requests, half the step down", load: 2.5, up: 1, down: 0.5, target: 7 },
  ])("takes 10 replicas to $target: $name", ({ load, up, down, target }) => {
    expect(targetOf({ targetReplicas: 10, load, config: { ...AT_ONCE, upscalingFactor: up, downscalingFactor: down } })).toBe(target);
  });

  it.each([
    { replicas: 2, ratio: 0.3, factor: 0.5 },
    { replicas: 5, ratio: 0.4, factor: 0.2 },
    { replicas: 10, ratio: 0.4, factor: 0.1 },
  ])("is not stuck at $replicas with $ratio of the load and a factor of $factor", ({ replicas, ratio, factor }) => {
    const config = { ...AT_ONCE, downscalingFactor: factor };
    expect(targetOf({ targetReplicas: replicas, load: replicas * ratio, config })).toBe(replicas - 1);
  });
});

describe("test_apply_scaling_factors", () => {
  it.each([
    { name: "upscale", desired: 20, target: 10, config: { upscalingFactor: 0.5 }, scaled: 15 },
    { name: "downscale", desired: 5, target: 20, config: { downscalingFactor: 0.5 }, scaled: 13 },
    { name: "stuck downscale", desired: 9, target: 10, config: { downscalingFactor: 0.5 }, scaled: 9 },
    { name: "no more than rounding", desired: 10.000000000000002, target: 10, config: {}, scaled: 10 },
    { name: "no more down than desired", desired: 8, target: 10, config: { downscalingFactor: 4 }, scaled: 8 },
    { name: "below zero", desired: 0, target: 5, config: { downscalingFactor: 10 }, scaled: 0 },
    { name: "#46148, a small step down is one replica at least", desired: 99, target: 100, config: { downscalingFactor: 0.1 }, scaled: 99 },
  ])("$name", ({ desired, target, config, scaled }) => {
    expect(applyFactor(desired, target, configOf(config))).toBe(scaled);
  });
});

describe("test_scaling_factor_scale_up_from_0_replicas", () => {
  it.each([
    { factor: 10, maxReplicas: 20, target: 10 },
    { factor: 0.5, maxReplicas: 20, target: 1 },
    { factor: 1, maxReplicas: 20, target: 1 },
    { factor: 10, maxReplicas: 2, target: 2 },
  ])("takes 0 replicas to $target at once with a factor of $factor and at most $maxReplicas", ({ factor, maxReplicas, target }) => {
    expect(targetOf({ targetReplicas: 0, load: 1, config: { minReplicas: 0, maxReplicas, upscalingFactor: factor } })).toBe(target);
  });

  it("stays at 0 without load", () => {
    expect(autoscale(inputOf({ targetReplicas: 0, config: { minReplicas: 0 } }))).toMatchObject({
      targetReplicas: 0,
      evaluateAtMs: undefined,
    });
  });
});

describe("test_scaling_factor_scale_down_to_0_replicas", () => {
  const steps = (downscalingFactor: number) => {
    const { tick } = loop({ ...AT_ONCE, minReplicas: 0, maxReplicas: 5, downscalingFactor });
    const targets = [5];
    while (targets.at(-1)! > 0) targets.push(tick(0, targets.at(-1)!));
    return targets;
  };

  it("stops at 1 first, whatever the factor", () => {
    expect(steps(10)).toEqual([5, 1, 0]);
    expect(steps(1)).toEqual([5, 1, 0]);
  });

  it("takes five steps of a factor of 0.2, and is stuck at none", () => {
    expect(steps(0.2)).toEqual([5, 4, 3, 2, 1, 0]);
  });
});

describe.each([
  { name: "the default policy", policy: undefined, load: 2, target: 2, maxReplicas: 2 },
  {
    name: "a custom policy",
    policy: (({ totalOngoingRequests }) => (totalOngoingRequests > 0 ? 3 : 0)) as AskedPolicy,
    load: 70,
    target: 3,
    maxReplicas: 4,
  },
])("test_upscale_downscale_delay with $name", ({ policy, load, target, maxReplicas }) => {
  it.each([
    { name: "the same delay for zero", config: {}, upTicks: 300, downTicks: 6000, zeroTicks: 6000 },
    { name: "a delay of its own for zero", config: { downscaleToZeroDelayMs: 300_000 }, upTicks: 300, downTicks: 6000, zeroTicks: 3000 },
  ])("takes uninterrupted decisions to move: $name", ({ config, upTicks, downTicks, zeroTicks }) => {
    const deployment = loop({ minReplicas: 0, maxReplicas, ...config }, policy);
    expect(deployment.tick(1, 0)).toBe(1);
    deployment.holds(load, 1, upTicks);
    expect(deployment.tick(load, 1)).toBe(target);
    deployment.holds(0, target, downTicks);
    expect(deployment.tick(0, target)).toBe(1);
    // The evaluation that takes the one step begins the wait for the next; Ray's begins a tick later.
    deployment.holds(0, 1, zeroTicks - 1);
    expect(deployment.tick(0, 1)).toBe(0);
  });

  it("starts over after an interruption", () => {
    const deployment = loop({ minReplicas: 0, maxReplicas }, policy);
    deployment.holds(load, 1, 150);
    deployment.holds(0, 1, 1);
    deployment.holds(load, 1, 300);
    expect(deployment.tick(load, 1)).toBe(target);
    deployment.holds(0, target, 3000);
    deployment.holds(100, target, 1);
    deployment.holds(0, target, 6000);
    expect(deployment.tick(0, target)).toBe(1);
    deployment.holds(0, 1, 3000);
    deployment.holds(load, 1, 1);
    deployment.holds(0, 1, 6000);
    expect(deployment.tick(0, 1)).toBe(0);
  });
});

describe("test_apply_delay_logic", () => {
  const config = configOf({ minReplicas: 0, maxReplicas: 10, upscaleDelayMs: 300, downscaleDelayMs: 300, downscaleToZeroDelayMs: 400 });
  const due = (wanted: number, targetReplicas: number, nowMs: number, pending?: PendingChange) =>
    dueChange({ wanted, targetReplicas, config, nowMs, pending });

  it("waits upscaleDelayMs from the first decision", () => {
    const first = due(5, 1, 1000);
    expect(first).toEqual({ replicas: 5, pending: { direction: "up", sinceMs: 1000, fromReplicas: 1 }, dueAtMs: 1300 });
    expect(due(6, 1, 1200, first?.pending)).toMatchObject({ replicas: 6, dueAtMs: 1300 });
  });

  it("goes from 4 to 1, and from there to 0 with the other delay", () => {
    expect(due(0, 4, 1000)).toMatchObject({ replicas: 1, dueAtMs: 1300 });
    expect(due(0, 1, 1500)).toMatchObject({ replicas: 0, dueAtMs: 1900 });
  });

  it("starts over in the other direction, and forgets when no change is wanted", () => {
    const up = due(5, 4, 1000)?.pending;
    expect(due(3, 4, 1100, up)).toMatchObject({ pending: { direction: "down", sinceMs: 1100 }, dueAtMs: 1400 });
    expect(due(4, 4, 1100, up)).toBeUndefined();
  });

  it("starts a downscale over when the target was changed meanwhile, but not an upscale", () => {
    expect(due(0, 1, 1200, due(0, 4, 1000)?.pending)).toMatchObject({ dueAtMs: 1600 });
    expect(due(9, 5, 1200, due(9, 4, 1000)?.pending)).toMatchObject({ dueAtMs: 1300 });
  });

  it("is not hurried by a clock that was set back", () => {
    expect(due(5, 1, 500, due(5, 1, 1000)?.pending)).toMatchObject({ dueAtMs: 800 });
  });

  it("measures by the clock, however seldom it is asked (test_upscale_delay_respected_with_slow_loop_steps)", () => {
    let state: AutoscaleInput["state"] | undefined;
    for (let elapsedMs = 0; ; elapsedMs += 600) {
      const config = { maxReplicas: 10, upscaleDelayMs: 100_000 };
      const result = autoscale(inputOf({ config, load: 5, nowMs: START_MS + elapsedMs, ...(state && { state }) }));
      if (result.targetReplicas !== 1) {
        expect(result.targetReplicas).toBe(5);
        expect(elapsedMs).toBe(100_200);
        return;
      }
      state = result.state;
    }
  });
});

describe("test_replicas_delayed_startup", () => {
  it("#18925: decides by the target, not by the replicas that happen to run", () => {
    const config = { maxReplicas: 200, upscaleDelayMs: 0, downscaleDelayMs: 100_000_000 };
    expect(targetOf({ config, load: 100, targetReplicas: 1 })).toBe(100);
    expect(targetOf({ config, load: 100, targetReplicas: 100, runningReplicas: 1 })).toBe(100);
    expect(targetOf({ config, load: 123, targetReplicas: 100, runningReplicas: 3 })).toBe(123);
    expect(targetOf({ config, load: 10, targetReplicas: 123, runningReplicas: 4 })).toBe(123);
  });

  it("does not let a factor multiply what waits for replicas that are on their way", () => {
    const config = { maxReplicas: 200, upscaleDelayMs: 0, upscalingFactor: 2 };
    expect(targetOf({ config, load: 60, targetReplicas: 50, runningReplicas: 50 })).toBe(70);
    expect(targetOf({ config, load: 60, targetReplicas: 50, runningReplicas: 3 })).toBe(60);
    expect(targetOf({ config, load: 50, targetReplicas: 50, runningReplicas: 3 })).toBe(50);
  });
});

describe("test_fluctuating_ongoing_requests", () => {
  const config = { maxReplicas: 10, targetOngoingRequests: 50 };

  it("does not move while the load swings faster than the delays", () => {
    const deployment = loop({ ...config, upscaleDelayMs: 30_000, downscaleDelayMs: 30_000 });
    for (let trial = 0; trial < 1000; trial++) {
      const [load, target] = trial % 2 === 0 ? ([100, 1] as const) : ([40, 2] as const);
      expect(deployment.tick(load, target)).toBe(target);
    }
  });

  it("follows every swing without delays", () => {
    expect(targetOf({ config: { ...config, ...AT_ONCE }, load: 100, targetReplicas: 1 })).toBe(2);
    expect(targetOf({ config: { ...config, ...AT_ONCE }, load: 40, targetReplicas: 2 })).toBe(1);
  });
});

describe("test_single_replica_receives_all_requests", () => {
  it.each([20, 100, 10])("counts %i requests wherever they are", (load) => {
    const series = [load, 0, 0, 0].map((value) => [{ atMs: START_MS, value }]);
    const config = { ...AT_ONCE, maxReplicas: 50, targetOngoingRequests: 5 };
    expect(targetOf({ config, series, targetReplicas: 4 })).toBe(load / 5);
  });

  it("#24793: counts what waits, with one request a replica", () => {
    expect(targetOf({ config: { ...AT_ONCE, targetOngoingRequests: 1 }, series: [[{ atMs: START_MS, value: 4 }]] })).toBe(4);
  });
});

describe("test_no_runaway_scaling_during_warmup", () => {
  it.each([0.5, 1, 1.5, 2, 10])("keeps the target while no replica runs and nobody waits, with a factor of %d", (upscalingFactor) => {
    const config = {
      minReplicas: 2,
      maxReplicas: 10,
      targetOngoingRequests: 0.2,
      upscalingFactor,
      upscaleDelayMs: 5000,
      downscaleDelayMs: 30_000,
    };
    let state: AutoscaleInput["state"] | undefined;
    for (let tick = 0; tick < 100; tick++) {
      const nowMs = START_MS + tick * 1000;
      const result = autoscale(inputOf({ config, targetReplicas: 2, runningReplicas: 0, nowMs, ...(state && { state }) }));
      expect(result).toMatchObject({ targetReplicas: 2, evaluateAtMs: undefined });
      state = result.state;
    }
  });
});

describe("a deployment without a replica that could serve", () => {
  it("keeps its target, and starts every delay over, while none runs and nobody waits", () => {
    const state = { pending: { direction: "down", sinceMs: 0, fromReplicas: 3 }, policy: {} } as const;
    const result = autoscale(inputOf({ config: { minReplicas: 0 }, targetReplicas: 3, runningReplicas: 0, state }));
    expect(result).toMatchObject({ targetReplicas: 3, state: { policy: {} }, evaluateAtMs: undefined });
  });

  it("does not take what waits for a measure", () => {
    const config = { upscaleDelayMs: 0 };
    expect(targetOf({ config, load: 50, targetReplicas: 1, runningReplicas: 0 })).toBe(1);
    expect(targetOf({ config: { ...config, upscalingFactor: 3 }, load: 50, targetReplicas: 1, runningReplicas: 0 })).toBe(3);
  });

  it("starts one at once although others are still draining", () => {
    expect(targetOf({ config: { minReplicas: 0 }, load: 3, targetReplicas: 0, runningReplicas: 2 })).toBe(1);
  });
});

describe("target_capacity", () => {
  it("moves the target into the adjusted bounds at once", () => {
    const config = { minReplicas: 4, maxReplicas: 20, initialReplicas: 8 };
    expect(targetOf({ config, targetReplicas: 15, load: 15, targetCapacity: 50 })).toBe(10);
    expect(targetOf({ config, targetReplicas: 15, load: 15, targetCapacity: 0 })).toBe(0);
    expect(targetOf({ config, targetReplicas: 0, load: 0, targetCapacity: 50 })).toBe(2);
    expect(targetOf({ config, targetReplicas: 0, load: 0, targetCapacity: 50, targetCapacityDirection: "up" })).toBe(4);
    expect(autoscale(inputOf({ config, targetReplicas: 15, load: 15, targetCapacity: 50 })).reason).toContain(
      "from 15 to 10, into these bounds",
    );
  });
});

describe('numReplicas: "auto"', () => {
  it("goes from 1 to 100 replicas, two requests each", () => {
    const { autoscaling } = resolveOptions({ numReplicas: "auto" });
    const waited = { pending: { direction: "up", sinceMs: START_MS - 30_000, fromReplicas: 1 }, policy: {} } as const;
    const targetFor = (load: number) => targetOf({ config: autoscaling!, load, state: waited });
    expect([0, 2, 3, 100, 1000].map(targetFor)).toEqual([1, 1, 2, 50, 100]);
  });
});
