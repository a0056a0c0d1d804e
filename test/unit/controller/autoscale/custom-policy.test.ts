import { describe, expect, it, vi } from "vitest";
import { autoscale, autoscaleApplication, type AutoscaleInput } from "../../../../src/controller/autoscale/autoscale.ts";
import type { AskedPolicy } from "../../../../src/controller/autoscale/policy.ts";
import type { AutoscalingPolicy } from "../../../../src/index.ts";
import { inputOf, START_MS } from "../../../support/autoscale-input.ts";

const AT_ONCE = { upscaleDelayMs: 0, downscaleDelayMs: 0 };
const pendingUp = { direction: "up", sinceMs: START_MS - 10_000, fromReplicas: 1 } as const;

const decide = (policy: AskedPolicy, given: Parameters<typeof inputOf>[0] = {}) => autoscale(inputOf({ policy, ...given }));

describe("a custom policy", () => {
  it("is the public API's, and decides from the same context", () => {
    const policy: AutoscalingPolicy = ({ totalOngoingRequests }) => totalOngoingRequests;
    expect(decide((context) => policy(context, {}), { load: 4, config: AT_ONCE }).targetReplicas).toBe(4);
  });

  it("is given the load, the replicas, what recordAutoscalingStats returned, and its own state", () => {
    const policy = vi.fn<AskedPolicy>(() => 1);
    const stats = { "news/Rank/-/0.0": { queueLength: 7 } };
    decide(policy, { load: 3, targetReplicas: 2, runningReplicas: 1, stats, state: { policy: { seen: 5 } } });
    expect(policy.mock.calls).toEqual([
      [{ app: "news", deployment: "Rank", currentReplicas: 1, targetReplicas: 2, totalOngoingRequests: 3, stats, state: { seen: 5 } }],
    ]);
  });

  it("scales by the stats", () => {
    const byQueue: AskedPolicy = ({ stats }) => Object.values(stats).reduce((sum, { queueLength = 0 }) => sum + queueLength, 0) / 10;
    expect(decide(byQueue, { stats: { a: { queueLength: 25 }, b: { queueLength: 12 } }, config: AT_ONCE }).targetReplicas).toBe(4);
  });

  it.each([
    { current: 1, desired: 3, config: { upscalingFactor: 0.5 }, target: 2 },
    { current: 1, desired: 3, config: {}, target: 3 },
    { current: 3, desired: 0, config: { downscalingFactor: 0.5 }, target: 2 },
    { current: 3, desired: 0, config: {}, target: 1 },
    { current: 1, desired: 2.1, config: {}, target: 3 },
    { current: 1, desired: 1000, config: { maxReplicas: 10 }, target: 10 },
    { current: 5, desired: 0, config: { minReplicas: 4 }, target: 4 },
  ])("that wants $desired of $current replicas gets $target, with $config", ({ current, desired, config, target }) => {
    const result = decide(() => desired, { targetReplicas: current, config: { minReplicas: 0, ...AT_ONCE, ...config } });
    expect(result).toMatchObject({ targetReplicas: target, desiredReplicas: desired });
  });

  it("waits for the delays", () => {
    const first = decide(() => 3);
    expect(first).toMatchObject({ targetReplicas: 1, direction: "none", evaluateAtMs: START_MS + 30_000 });
    const nowMs = START_MS + 30_000;
    expect(decide(() => 3, { nowMs, state: first.state })).toMatchObject({ targetReplicas: 3, direction: "up" });
  });

  it("is asked again soon after its target moved, for it sees the target", () => {
    const policy: AskedPolicy = ({ targetReplicas }) => Math.min(5, targetReplicas + 1);
    expect(decide(policy, { config: { upscaleDelayMs: 0, lookBackPeriodMs: 20_000 } })).toMatchObject({
      targetReplicas: 2,
      evaluateAtMs: START_MS + 4000,
    });
  });

  it("is not asked while requests wait and no replica runs: the first one comes at once", () => {
    const policy = vi.fn<AskedPolicy>(() => 0);
    expect(decide(policy, { load: 1, targetReplicas: 0, config: { minReplicas: 0 } })).toMatchObject({
      targetReplicas: 1,
      direction: "up",
    });
    expect(policy).not.toHaveBeenCalled();
  });

  it("may start the first replicas without any load, and at once", () => {
    const result = decide(() => 3, { targetReplicas: 0, config: { minReplicas: 0, upscalingFactor: 10 } });
    expect(result.targetReplicas).toBe(3);
  });

  it.each([
    { name: "NaN", policy: () => NaN, says: "returned NaN replicas" },
    { name: "a negative number", policy: () => -1, says: "returned -1 replicas" },
    { name: "Infinity", policy: () => Infinity, says: "returned Infinity replicas" },
    { name: "nothing", policy: () => undefined, says: "returned undefined." },
    { name: "a promise", policy: async () => 5, says: "returned a promise." },
    { name: "a promise that rejects", policy: () => Promise.reject(new Error("late")), says: "A policy decides at once" },
    { name: "a promise of replicas", policy: () => ({ replicas: Promise.reject(new Error("late")) }), says: "returned a promise." },
    { name: "text", policy: () => "5", says: 'returned "5".' },
    { name: "what has no text", policy: () => Object.create(null), says: "returned an object." },
    { name: "replicas that have no text", policy: () => ({ replicas: Object.create(null) }), says: "returned an object." },
    { name: "a symbol", policy: () => Symbol("five"), says: "returned Symbol(five)." },
    {
      name: "a proxy that throws",
      policy: () =>
        new Proxy(
          {},
          {
            get() {
              throw new Error("trap");
            },
          },
        ),
      says: "trap",
    },
    { name: "a state of a megabyte", policy: () => ({ replicas: 9, state: { text: "x".repeat(1e6) } }), says: "at most 65536 are kept" },
    { name: "a state that cannot be stored", policy: () => ({ replicas: 9, state: { at: 1n } }), says: "not a JSON object" },
    { name: "a list as its state", policy: () => ({ replicas: 9, state: [] }), says: "not a JSON object" },
  ])("that returns $name keeps the target, and the reason says so", ({ policy, says }) => {
    const result = decide(policy as unknown as AskedPolicy, { targetReplicas: 4, config: AT_ONCE });
    expect(result).toMatchObject({ targetReplicas: 4, direction: "none", desiredReplicas: undefined, evaluateAtMs: undefined });
    expect(result.reason).toContain(says);
    expect(result.reason).toContain("The target stays at 4.");
  });

  it("that throws keeps the target, its state and the delay that runs", () => {
    const state: AutoscaleInput["state"] = { pending: pendingUp, policy: { seen: 5 } };
    const failing = () => {
      throw new RangeError("no such metric");
    };
    const result = decide(failing, { state });
    expect(result).toMatchObject({ targetReplicas: 1, state });
    expect(result.reason).toBe("The autoscaling policy threw RangeError: no such metric. The target stays at 1.");
    expect(decide(() => 3, { state: result.state, nowMs: START_MS + 20_000 }).targetReplicas).toBe(3);
  });

  it("still keeps the bounds when it throws", () => {
    const failing = () => {
      throw new Error("no");
    };
    expect(decide(failing, { targetReplicas: 9, config: { maxReplicas: 4 } })).toMatchObject({ targetReplicas: 4, direction: "down" });
  });
});

describe("the state of a policy", () => {
  const counting: AskedPolicy = ({ state }) => ({ replicas: 2, state: { count: ((state["count"] as number | undefined) ?? 0) + 1 } });

  it("is what it returned last, across a restart, beside the delay", () => {
    let state: AutoscaleInput["state"] = { policy: {} };
    for (let count = 1; count <= 3; count++) {
      const result = decide(counting, { state, nowMs: START_MS + count });
      state = JSON.parse(JSON.stringify(result.state)) as AutoscaleInput["state"];
      expect(state).toEqual(result.state);
      expect(state.policy).toEqual({ count });
    }
    expect(state.pending).toEqual({ direction: "up", sinceMs: START_MS + 1, fromReplicas: 1 });
  });

  it("stays when it returns only a number", () => {
    expect(decide(() => 1, { state: { policy: { seen: 5 } } }).state).toEqual({ policy: { seen: 5 } });
  });

  it("and what the replicas recorded cannot be changed through the object that it was given", () => {
    const stats = { "r/0": { tokens: 1 } };
    decide(
      (context) => {
        (context.stats["r/0"] as Record<string, number>)["tokens"] = NaN;
        return 1;
      },
      { stats },
    );
    expect(stats).toEqual({ "r/0": { tokens: 1 } });
  });

  it("cannot be changed through the object that it was given", () => {
    const state: AutoscaleInput["state"] = { policy: { seen: [1] } };
    decide(
      (context) => {
        (context.state["seen"] as number[]).push(2);
        return 1;
      },
      { state },
    );
    expect(state).toEqual({ policy: { seen: [1] } });
  });
});

describe("a policy for an application", () => {
  const inputs = (given: Parameters<typeof inputOf>[0] = {}) => ({
    d1: inputOf({ deployment: "d1", ...given }),
    d2: inputOf({ deployment: "d2", ...given }),
  });

  it("decides for every deployment, each with its own factors, delays and bounds", () => {
    const results = autoscaleApplication(() => ({ d1: 5, d2: 5, d3: 5 }), {
      d1: inputOf({ deployment: "d1", config: { upscaleDelayMs: 0, maxReplicas: 4 } }),
      d2: inputOf({ deployment: "d2", config: { upscaleDelayMs: 20_000 } }),
      d3: inputOf({ deployment: "d3", config: { upscaleDelayMs: 0, upscalingFactor: 0.5 } }),
    });
    expect(Object.values(results).map(({ targetReplicas }) => targetReplicas)).toEqual([4, 1, 3]);
    expect(results["d2"]).toMatchObject({ evaluateAtMs: START_MS + 20_000 });
  });

  it("sees the contexts of all", () => {
    const results = autoscaleApplication(
      (contexts) => ({ d2: contexts["d1"]!.totalOngoingRequests }),
      inputs({ load: 7, config: { upscaleDelayMs: 0 } }),
    );
    expect(results).toMatchObject({ d1: { targetReplicas: 1 }, d2: { targetReplicas: 7 } });
    expect(results["d1"]?.reason).toBe("The autoscaling policy says nothing about this deployment. The target stays at 1.");
  });

  it("starts first replicas at once (test_cold_start_fast_path)", () => {
    const config = { minReplicas: 0, maxReplicas: 10, targetOngoingRequests: 10, upscaleDelayMs: 20_000, downscaleDelayMs: 200_000 };
    const results = autoscaleApplication(() => ({ d1: 5, d2: 5 }), inputs({ load: 1, targetReplicas: 0, config }));
    expect(results).toMatchObject({ d1: { targetReplicas: 1 }, d2: { targetReplicas: 1 } });
  });

  it("keeps delays apart when it returns one state for all (test_shared_user_state_does_not_contaminate_internal_state)", () => {
    const shared = { counter: 5 };
    const config = { maxReplicas: 5, upscaleDelayMs: 100_000, downscaleDelayMs: 100_000 };
    const results = autoscaleApplication(() => ({ d1: { replicas: 3, state: shared }, d2: { replicas: 3, state: shared } }), {
      d1: inputOf({ deployment: "d1", targetReplicas: 2, config, state: { pending: pendingUp, policy: {} } }),
      d2: inputOf({ deployment: "d2", targetReplicas: 2, config }),
    });
    expect(results["d1"]?.state).toEqual({ pending: { ...pendingUp, fromReplicas: 2 }, policy: { counter: 5 } });
    expect(results["d2"]?.state).toEqual({ pending: { direction: "up", sinceMs: START_MS, fromReplicas: 2 }, policy: { counter: 5 } });
  });

  it.each([
    {
      name: "throws",
      policy: () => {
        throw new Error("no");
      },
      says: "threw Error: no",
    },
    {
      name: "throws what has no text",
      policy: () => {
        throw Object.create(null);
      },
      says: "threw something that cannot be shown",
    },
    { name: "returns no object", policy: () => 5, says: "returned 5, not an object" },
    { name: "is asynchronous", policy: () => Promise.reject(new Error("late")), says: "returned a promise, not an object" },
    { name: "gives promises", policy: async () => ({ d1: 1, d2: 2 }), says: "returned a promise" },
    { name: "gives NaN to all", policy: () => ({ d1: NaN, d2: NaN }), says: "returned NaN replicas" },
  ])("that $name keeps every target", ({ policy, says }) => {
    const results = autoscaleApplication(policy as never, inputs({ targetReplicas: 3 }));
    for (const { targetReplicas, reason } of Object.values(results)) {
      expect(targetReplicas).toBe(3);
      expect(reason).toContain(says);
    }
  });
});
