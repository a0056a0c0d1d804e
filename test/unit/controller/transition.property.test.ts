import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DeploymentOptions } from "../../../src/api/options.ts";
import { LEASE_MS } from "../../../src/protocol/control.ts";
import { ControlledWorld, manifestOf } from "../../support/controlled-world.ts";

const options: fc.Arbitrary<DeploymentOptions> = fc.oneof(
  fc.record({ numReplicas: fc.integer({ min: 0, max: 5 }), userConfig: fc.integer({ min: 0, max: 3 }) }),
  fc
    .record({ minReplicas: fc.integer({ min: 0, max: 3 }), more: fc.integer({ min: 0, max: 5 }), spillover: fc.boolean() })
    .map(({ minReplicas, more, spillover }) => ({
      autoscaling: { minReplicas, maxReplicas: Math.max(1, minReplicas + more), spillover, upscaleDelayMs: 1000, downscaleDelayMs: 5000 },
    })),
);

const event = fc.oneof(
  fc.record({ kind: fc.constant("config" as const), options: fc.option(options, { nil: null }) }),
  fc.record({ kind: fc.constant("load" as const), ordinal: fc.nat(6), value: fc.nat(40) }),
  fc.record({ kind: fc.constantFrom("woke" as const, "unhealthy" as const, "drained" as const, "alive" as const), ordinal: fc.nat(6) }),
  fc.record({ kind: fc.constant("time" as const), ms: fc.constantFrom(1, 500, 10_000, 200_000) }),
  fc.record({ kind: fc.constant("answer" as const), answer: fc.constantFrom("done", "startFailed", "reconfigureFailed", "unreached") }),
  fc.constant({ kind: "crash" as const }),
  fc.record({ kind: fc.constant("deploy" as const), options }),
);

type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

async function play(world: ControlledWorld, happened: Event, revision: number): Promise<void> {
  const known = world.stored?.deployments["Model"]?.replicas ?? [];
  const nameOf = (ordinal: number) => known.find((replica) => replica.ordinal === ordinal)?.ref.name ?? `app/Model/-/${ordinal}.0`;
  if (happened.kind === "config") {
    const application = happened.options === null ? null : manifestOf({ Model: happened.options });
    await world.controller.adopt({ revision, version: world.version, application });
  } else if (happened.kind === "load") await world.load(nameOf(happened.ordinal), happened.value);
  else if (happened.kind === "time") await world.run(happened.ms);
  else if (happened.kind === "crash") world.crash();
  else if (happened.kind === "deploy") world.deploy(`v${revision}`, manifestOf({ Model: happened.options }));
  else if (happened.kind === "answer") {
    world.answer = () => {
      if (happened.answer === "unreached") throw new Error("lost");
      return { kind: happened.answer as "done", version: world.version, message: "no" };
    };
  } else await world.report(nameOf(happened.ordinal), { kind: happened.kind, message: "ill", isSpill: true } as never);
}

function checkSet(world: ControlledWorld): void {
  const { deployments = {} } = world.stored ?? {};
  for (const { replicas, target, isLeaving, config } of Object.values(deployments)) {
    const inSet = replicas.filter(({ phase }) => phase !== "DRAINING");
    expect(inSet.length, "[L1] as many as there should be").toBe(isLeaving ? 0 : target);
    expect(new Set(inSet.map(({ ordinal }) => ordinal)).size, "[L1] no two with one number").toBe(inSet.length);
    expect(new Set(replicas.map(({ ref }) => ref.name)).size, "[L4] no name twice").toBe(replicas.length);
    if (config.autoscaling === null || isLeaving) continue;
    expect(target, "[S2]").toBeGreaterThanOrEqual(config.autoscaling.minReplicas);
    expect(target, "[S2]").toBeLessThanOrEqual(config.autoscaling.maxReplicas);
  }
}

describe("a controller", () => {
  it("[L1] [L3] [L4] [S2] keeps its set in order whatever happens, in any order", async () => {
    await fc.assert(
      fc.asyncProperty(options, fc.array(event, { maxLength: 40 }), async (first, events) => {
        const world = new ControlledWorld(manifestOf({ Model: first }));
        let epoch = 0;
        let set = "";
        for (const [index, happened] of events.entries()) {
          await play(world, happened, index + 1);
          checkSet(world);
          const model = world.stored?.deployments["Model"];
          if (model === undefined) continue;
          expect(model.epoch, "[L3] epochs only grow").toBeGreaterThanOrEqual(epoch);
          const now = JSON.stringify(model.replicas.filter(({ phase }) => phase !== "DRAINING").map(({ ref }) => ref.name));
          if (now !== set) expect(model.epoch, "[L3] a change of the set has an epoch").toBeGreaterThan(epoch);
          [epoch, set] = [model.epoch, now];
        }
      }),
      { numRuns: 200 },
    );
  });

  it("[S3] comes to rest once replicas do as they are told: RUNNING, without an alarm", async () => {
    await fc.assert(
      fc.asyncProperty(options, fc.array(event, { maxLength: 25 }), options, async (first, events, last) => {
        const world = new ControlledWorld(manifestOf({ Model: first }));
        for (const [index, happened] of events.entries()) await play(world, happened, index + 1);
        world.answer = () => ({ kind: "done", version: world.version });
        await world.controller.adopt({
          revision: 100,
          version: world.version,
          application: manifestOf({ Model: { ...last, maxQueuedRequests: 7 } }),
        });
        await world.run(10 * LEASE_MS);
        const status = await world.status();
        expect(status.status).toBe("RUNNING");
        expect(status.deployments["Model"]!.replica_states.RUNNING ?? 0).toBe(status.deployments["Model"]!.target_num_replicas);
        expect(world.alarmAtMs).toBeUndefined();
        const { saves } = world;
        await world.run(LEASE_MS);
        expect(world.saves).toBe(saves);
      }),
      { numRuns: 150 },
    );
  });
});
