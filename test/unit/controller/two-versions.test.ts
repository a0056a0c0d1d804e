import { expect, it, describe } from "vitest";
import { ControlledWorld, manifestOf } from "../../support/controlled-world.ts";

describe("a controller beside replicas of other code", () => {
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
