import { expect, it, describe } from "vitest";
import { ControlledWorld, manifestOf } from "../../support/controlled-world.ts";

describe("a controller beside replicas of other code", () => {
  it("asks them whether they have the newest code less and less often, so that idle ones can sleep", async () => {
    const world = new ControlledWorld(manifestOf({ Model: { numReplicas: 1 } }));
    world.answer = () => ({ kind: "done", version: "v0" });
    await world.run(10 * 60_000);
    expect(world.orders.length).toBeGreaterThan(5);
    expect(world.orders.length).toBeLessThan(20);
  });

  it("tells them of another set at once, though it asks at leisure whether they have the newest code", async () => {
    const world = new ControlledWorld(manifestOf({ Model: { numReplicas: 1 } }));
    world.answer = () => ({ kind: "done", version: "v0" });
    await world.run(1000);
    world.orders.length = 0;
    expect(await world.controller.scale("Model", 2)).toBeUndefined();
    await world.run(100);
    expect(world.orders.filter(({ replica }) => replica.name.endsWith("/0.0"))).toHaveLength(1);
  });

  it("counts on from what a replica was told before the controller's storage was lost", async () => {
    const world = new ControlledWorld(manifestOf({ Model: { numReplicas: 1 } }));
    await world.run(1000);
    const assignment = await world.report("app/Model/-/0.0", { kind: "woke" }, { epoch: 7 });
    expect(assignment?.set.epoch).toBe(8);
    expect((await world.report("app/Model/-/0.0", { kind: "woke" }, { epoch: 8 }))?.set.epoch).toBe(8);
  });
});

describe("a controller that starts with other code", () => {
  it("says so, that what an operator had put before is forgotten everywhere", async () => {
    const world = new ControlledWorld(manifestOf({ Model: {} }));
    await world.run(1000);
    world.crash();
    expect(world.moves).toEqual([]);
    world.deploy("v2");
    world.deploy("v1");
    expect(world.moves).toEqual(["v2", "v1"]);
  });

  it("takes what another version was compiled to from its own code only", async () => {
    const world = new ControlledWorld(manifestOf({ Model: { numReplicas: 1 } }));
    const change = { revision: 9, version: "v2", application: manifestOf({ Model: { numReplicas: 3 } }) };
    await world.controller.adopt({ ...change, isCompiled: true });
    expect((await world.status()).deployments["Model"]?.target_num_replicas).toBe(1);
    await world.controller.adopt({ ...change, version: "v1", isCompiled: true });
    expect((await world.status()).deployments["Model"]?.target_num_replicas).toBe(3);
  });
});
