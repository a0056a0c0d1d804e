import { describe, expect, it } from "vitest";
import { LEASE_MS } from "../../../src/protocol/control.ts";
import { ControlledWorld, manifestOf } from "../../support/controlled-world.ts";

const FIRST = "app/Model/-/0.0";

describe("autoscaling", () => {
  const options = {
    autoscaling: { minReplicas: 1, maxReplicas: 10, targetOngoingRequests: 2, upscaleDelayMs: 5000, downscaleDelayMs: 60_000 },
  };

  it("follows the load up after its delay, and down after its own, and then costs nothing", async () => {
    const world = new ControlledWorld(manifestOf({ Model: options }));
    await world.run();
    await world.load(FIRST, 8);
    expect((await world.model()).target_num_replicas).toBe(1);
    await world.run(6000);
    expect(await world.model()).toMatchObject({ target_num_replicas: 4, status: "HEALTHY", status_trigger: "UPSCALE_COMPLETED" });
    await world.load(FIRST, 0, 6000);
    await world.run(200_000);
    expect((await world.model()).target_num_replicas).toBe(1);
    await world.run(LEASE_MS);
    expect((await world.model()).replica_states).toEqual({ RUNNING: 1 });
    expect(world.alarmAtMs).toBeUndefined();
    expect((await world.model()).autoscaling_detail?.decisions.map(({ curr_num_replicas }) => curr_num_replicas)).toEqual([4, 1]);
  });

  it("takes in a replica that a request started beyond the set", async () => {
    const world = new ControlledWorld(manifestOf({ Model: options }));
    await world.run();
    const assignment = await world.report("app/Model/-/1.0", { kind: "woke", isSpill: true });
    expect(assignment).toMatchObject({ duty: "serving", set: { replicas: [{ name: FIRST }, { name: "app/Model/-/1.0" }] } });
    expect(assignment?.set.spill[0]).toEqual({ name: "app/Model/-/2.0" });
    expect(await world.model()).toMatchObject({ target_num_replicas: 2, status: "UPSCALING", status_trigger: "AUTOSCALING" });
    expect((await world.status()).status).toBe("RUNNING");
  });

  it("takes in none beyond maxReplicas, none where spillover is off, and none that it has replaced", async () => {
    const full = new ControlledWorld(manifestOf({ Model: { autoscaling: { ...options.autoscaling, maxReplicas: 1 } } }));
    expect(await full.report("app/Model/-/1.0", { kind: "woke", isSpill: true })).toMatchObject({ duty: "gone" });
    const off = new ControlledWorld(manifestOf({ Model: { autoscaling: { ...options.autoscaling, spillover: false } } }));
    expect(await off.report("app/Model/-/1.0", { kind: "woke", isSpill: true })).toMatchObject({ duty: "gone" });
    const sick = new ControlledWorld(manifestOf({ Model: options }));
    await sick.report(FIRST, { kind: "unhealthy", message: "ill" });
    await sick.report(FIRST, { kind: "drained" });
    expect(await sick.report(FIRST, { kind: "woke", isSpill: true })).toMatchObject({ duty: "gone" });
  });

  it("takes in none that a request found because its caller had not heard that it is gone", async () => {
    const world = new ControlledWorld(manifestOf({ Model: options }));
    await world.run();
    expect(await world.report("app/Model/-/1.0", { kind: "woke" })).toMatchObject({ duty: "gone" });
    expect(await world.report("app/Model/-/1.0", { kind: "drained" })).toMatchObject({ duty: "gone" });
    expect((await world.model()).target_num_replicas).toBe(1);
  });

  it("keeps the load's decision when the configuration changes, within the new bounds", async () => {
    const world = new ControlledWorld(manifestOf({ Model: options }));
    await world.run();
    await world.load(FIRST, 8);
    await world.run(6000);
    const application = manifestOf({ Model: { autoscaling: { ...options.autoscaling, maxReplicas: 3 } } });
    await world.controller.adopt({ revision: 1, version: "v1", application });
    expect((await world.model()).target_num_replicas).toBe(3);
  });

  it("leaves the number to a policy of the application, which sees what replicas say of themselves", async () => {
    const world = new ControlledWorld(manifestOf({ Model: { autoscaling: { maxReplicas: 9, upscaleDelayMs: 0 } } }), {
      own: { Model: ({ stats }) => Object.values(stats).reduce((sum, { waiting = 0 }) => sum + waiting, 0) },
    });
    await world.run();
    await world.report(FIRST, { kind: "load", load: { sinceMs: 0, untilMs: world.clock.now(), mean: 1, now: 1, stats: { waiting: 7 } } });
    await world.run(1000);
    expect((await world.model()).target_num_replicas).toBe(7);
  });
});

describe("scaling by hand", () => {
  it("sets the number, and says what is wrong where it cannot", async () => {
    const world = new ControlledWorld(manifestOf({ Model: {}, Auto: { autoscaling: { maxReplicas: 3 } } }));
    await world.run();
    expect(await world.controller.scale("Model", 3)).toBeUndefined();
    expect(await world.model()).toMatchObject({ target_num_replicas: 3, status: "UPSCALING", status_trigger: "MANUAL_SCALING" });
    expect(await world.controller.scale("Auto", 2)).toContain("is autoscaled");
    expect(await world.controller.scale("Nope", 2)).toContain("It has: Model, Auto.");
  });
});
