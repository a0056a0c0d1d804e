import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import type { Policies } from "../../../src/controller/policies.ts";
import type { ApplicationAutoscalingPolicy, AutoscalingPolicy } from "../../../src/protocol/autoscaling.ts";
import { freshState } from "../../../src/controller/state.ts";
import { type ControllerEvent, transition } from "../../../src/controller/transition.ts";
import type { ApplicationManifest } from "../../../src/protocol/manifest.ts";
import { ControlledWorld, manifestOf } from "../../support/controlled-world.ts";

type Share = ApplicationAutoscalingPolicy;

const AT_ONCE = { autoscaling: { maxReplicas: 9, upscaleDelayMs: 0, downscaleDelayMs: 0, spillover: false } };

function applicationOf(deployments: Parameters<typeof manifestOf>[0], policyKwargs?: Record<string, unknown>): ApplicationManifest {
  const policy = { policyFunction: "src/policies.ts:share", ...(policyKwargs === undefined ? {} : { policyKwargs }) };
  return { ...manifestOf(deployments), autoscalingPolicy: policy };
}

async function worldOf(application: ApplicationManifest, policies: Policies): Promise<ControlledWorld> {
  const world = new ControlledWorld(application, policies);
  await world.run();
  return world;
}

async function targets(world: ControlledWorld): Promise<Record<string, number | null>> {
  const { deployments } = await world.status();
  return Object.fromEntries(Object.values(deployments).map(({ name, target_num_replicas }) => [name, target_num_replicas ?? 0]));
}

const load = (value: number) => ({ kind: "load" as const, load: { sinceMs: 0, untilMs: 1_000_000, mean: value, now: value } });

describe("a policy of an application", () => {
  it("is asked with the contexts of all autoscaled deployments, and with its kwargs", async () => {
    const share = vi.fn<Share>(() => ({ A: 3 }));
    const world = await worldOf(applicationOf({ A: AT_ONCE, B: AT_ONCE, Fixed: {} }, { budget: 5 }), { application: share });
    expect(await targets(world)).toEqual({ A: 3, B: 1, Fixed: 1 });
    const [contexts, kwargs] = share.mock.calls.at(-1)!;
    expect(Object.keys(contexts)).toEqual(["A", "B"]);
    expect(contexts["A"]).toMatchObject({ app: "app", deployment: "A" });
    expect(kwargs).toEqual({ budget: 5 });
  });

  it("takes from one deployment what it gives to another", async () => {
    const share: Share = (contexts, { budget }) => {
      const busy = Object.values(contexts).toSorted((a, b) => b.totalOngoingRequests - a.totalOngoingRequests)[0]!;
      return Object.fromEntries(Object.keys(contexts).map((name) => [name, name === busy.deployment ? (budget as number) - 1 : 1]));
    };
    const world = await worldOf(applicationOf({ A: AT_ONCE, B: AT_ONCE }, { budget: 6 }), { application: share });
    expect(await targets(world)).toEqual({ A: 5, B: 1 });
    await world.report("app/B/-/0.0", load(9), { deployment: "B" });
    await world.run(100);
    expect(await targets(world)).toEqual({ A: 1, B: 5 });
  });

  it("is asked instead of the deployments' own", async () => {
    const own = vi.fn<AutoscalingPolicy>(() => 9);
    const world = await worldOf(applicationOf({ A: AT_ONCE }), { own: { A: own }, application: () => ({ A: 2 }) });
    expect(await targets(world)).toEqual({ A: 2 });
    expect(own).not.toHaveBeenCalled();
  });

  it("gives way to the deployments' own when the configuration leaves it out, and has the kwargs of the newest", async () => {
    const policies: Policies = { own: { A: () => 7 }, application: (_, { each }) => ({ A: each as number }) };
    const world = await worldOf(applicationOf({ A: AT_ONCE }, { each: 2 }), policies);
    expect(await targets(world)).toEqual({ A: 2 });
    await world.controller.adopt({ revision: 1, version: "v1", application: applicationOf({ A: AT_ONCE }, { each: 4 }) });
    expect(await targets(world)).toEqual({ A: 4 });
    await world.controller.adopt({ revision: 2, version: "v1", application: manifestOf({ A: AT_ONCE }) });
    expect(await targets(world)).toEqual({ A: 7 });
  });

  it("keeps a state for each deployment, across a crash, and cannot change what is stored", async () => {
    const share: Share = (contexts, kwargs) => {
      Object.assign(kwargs, { budget: 99 });
      const next = ({ state }: { state: { readonly count?: number } }) => ({ count: (state.count ?? 0) + 1 });
      return { A: { replicas: 1, state: next(contexts["A"]!) }, B: 1 };
    };
    const world = await worldOf(applicationOf({ A: AT_ONCE, B: AT_ONCE }, { budget: 5 }), { application: share });
    const count = () => (world.stored!.deployments["A"]!.scaling.policy as { policy: { count: number } }).policy.count;
    const before = count();
    world.crash();
    await world.report("app/A/-/0.0", load(1), { deployment: "A" });
    expect(count()).toBe(before + 1);
    expect(world.stored?.deployments["B"]?.scaling.policy).toEqual({ policy: {} });
    expect(world.stored?.desired?.autoscalingPolicy?.policyKwargs).toEqual({ budget: 5 });
  });

  it("keeps every target when it throws, and says so in the status, in the decisions, and once in the log", async () => {
    let isFailing = true;
    const share: Share = () => {
      if (isFailing) throw new RangeError("no such metric");
      return { A: 1 };
    };
    const world = await worldOf(applicationOf({ A: AT_ONCE }), { application: share });
    const problem = "The autoscaling policy threw RangeError: no such metric.";
    await world.report("app/A/-/0.0", load(5), { deployment: "A" });
    const { A } = (await world.status()).deployments;
    expect(A).toMatchObject({ status: "HEALTHY", message: problem, target_num_replicas: 1 });
    expect(A?.autoscaling_detail?.decisions).toMatchObject([
      { prev_num_replicas: 1, curr_num_replicas: 1, reason: `${problem} The target stays at 1.` },
    ]);
    expect(world.warnings).toEqual([`A: ${problem}`]);
    isFailing = false;
    await world.report("app/A/-/0.0", load(4), { deployment: "A" });
    await world.run(100);
    expect((await world.status()).deployments["A"]).toMatchObject({ message: "" });
  });

  it("that says nothing about a deployment is not at fault", async () => {
    const world = await worldOf(applicationOf({ A: AT_ONCE }), { application: () => ({}) });
    expect((await world.status()).deployments["A"]).toMatchObject({ message: "", target_num_replicas: 1 });
    expect(world.warnings).toEqual([]);
  });
});

describe("a policy of a deployment that the configuration names", () => {
  it("is asked with its kwargs, instead of the one in code", async () => {
    const manifest = manifestOf({ A: AT_ONCE });
    const config = manifest.deployments["A"]!;
    const policy = { policyFunction: "src/policies.ts:own", policyKwargs: { each: 3 } };
    const named = { ...manifest, deployments: { A: { ...config, autoscaling: { ...config.autoscaling!, policy } } } };
    const policies: Policies = { own: { A: () => 9 }, named: { A: (_, { each }) => each as number } };
    expect(await targets(await worldOf(named, policies))).toEqual({ A: 3 });
    expect(await targets(await worldOf(manifest, policies))).toEqual({ A: 9 });
  });
});

describe("a policy that wants for each deployment what its load does", () => {
  const scaled = fc
    .record({ min: fc.nat(2), more: fc.nat(6), perReplica: fc.constantFrom(1, 2, 3), up: fc.nat(3000), down: fc.nat(3000) })
    .map(({ min, more, perReplica, up, down }) => ({
      autoscaling: {
        minReplicas: min,
        maxReplicas: Math.max(1, min + more),
        targetOngoingRequests: perReplica,
        lookBackPeriodMs: 2000,
        upscaleDelayMs: up,
        downscaleDelayMs: down,
      },
    }));
  const happening = fc.record({ name: fc.constantFrom("A", "B"), ordinal: fc.nat(4), value: fc.nat(20), afterMs: fc.nat(2000) });

  it("changes nothing: the same events lead to the same targets, delays and decisions", () => {
    fc.assert(
      fc.property(scaled, scaled, fc.array(happening, { maxLength: 30 }), (a, b, happenings) => {
        const plain = manifestOf({ A: a, B: b });
        const byLoad: Share = (contexts) =>
          Object.fromEntries(
            Object.values(contexts).map(({ deployment, totalOngoingRequests, currentReplicas, targetReplicas }) => {
              const { targetOngoingRequests } = plain.deployments[deployment]!.autoscaling!;
              const isWithout = currentReplicas === 0 || targetReplicas === 0;
              return [deployment, isWithout ? targetReplicas : totalOngoingRequests / targetOngoingRequests];
            }),
          );
        const [without, with_] = [plain, { ...plain, autoscalingPolicy: { policyFunction: "p.ts" } }].map((application) =>
          play(application, { application: byLoad }, happenings),
        );
        expect(with_).toEqual(without);
      }),
      { numRuns: 300 },
    );
  });

  /** What is wanted after each event. */
  function play(
    application: ApplicationManifest,
    policies: Policies,
    happenings: readonly { name: string; ordinal: number; value: number; afterMs: number }[],
  ) {
    const state = freshState("app");
    let nowMs = 1_000_000;
    const seen: unknown[] = [];
    const happen = (event: ControllerEvent) => {
      transition(state, event, policies, nowMs);
      // A policy that has just been asked is asked again by the alarm.
      transition(state, { kind: "tick" }, policies, nowMs);
      seen.push(
        [...state.deployments.values()].map(({ target, scaling: { policy, decisions } }) => ({
          target,
          policy,
          decisions: [...decisions],
        })),
      );
    };
    happen({ kind: "adopt", change: { revision: 0, version: "v1", application } });
    for (const { name, ordinal, value, afterMs } of happenings) {
      nowMs += afterMs;
      const replica = `app/${name}/-/${ordinal}.0`;
      const report = { sinceMs: nowMs - afterMs, untilMs: nowMs, mean: value, now: value };
      happen({ kind: "report", report: { deployment: name, replica, version: "v1", epoch: 0, event: { kind: "load", load: report } } });
    }
    return seen;
  }
});
