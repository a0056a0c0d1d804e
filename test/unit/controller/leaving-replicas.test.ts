import { describe, expect, it } from "vitest";
import { LEASE_MS } from "../../../src/protocol/control.ts";
import { ControlledWorld, manifestOf } from "../../support/controlled-world.ts";

describe("a replica that leaves while it sleeps", () => {
  const drained = { kind: "drained" } as const;

  it("[L2] is woken once to give up what its object holds, and then forgotten", async () => {
    const world = new ControlledWorld(manifestOf({ Model: { numReplicas: 2 } }));
    await world.run();
    await world.run(10 * LEASE_MS);
    world.orders.length = 0;
    await world.controller.scale("Model", 1);
    await world.run();
    expect(world.orders.map(({ replica, isStart, assignment }) => [replica.name, isStart, assignment.duty])).toEqual([
      ["app/Model/-/1.0", false, "draining"],
    ]);
    await world.report("app/Model/-/1.0", drained);
    await world.run();
    expect(await world.model()).toMatchObject({ status: "HEALTHY", replica_states: { RUNNING: 1 } });
    expect(world.orders).toHaveLength(1);
    expect(world.alarmAtMs).toBeUndefined();
  });

  it("[L2] is forgotten when it cannot be reached for as long as it may take to drain", async () => {
    const world = new ControlledWorld(manifestOf({ Model: { numReplicas: 2, gracefulShutdownTimeoutMs: 5000 } }));
    await world.run();
    await world.run(10 * LEASE_MS);
    world.answer = () => {
      throw new Error("not reached");
    };
    await world.controller.scale("Model", 1);
    await world.run(10_000);
    expect(await world.model()).toMatchObject({ replica_states: { RUNNING: 1 } });
    expect(world.alarmAtMs).toBeUndefined();
  });
});

describe("a replica whose number is wanted again", () => {
  const SECOND = "app/Model/-/1.0";

  it.each([
    ["while it drains", async () => {}],
    ["once it has drained", async (world: ControlledWorld) => void (await world.report(SECOND, { kind: "drained" }))],
    ["when nothing was heard of it", (world: ControlledWorld) => world.run(LEASE_MS)],
  ])("[L4] is the same object, which has its storage: %s", async (_, pass) => {
    const world = new ControlledWorld(manifestOf({ Model: { numReplicas: 2 } }));
    await world.run();
    await world.controller.scale("Model", 1);
    await world.run();
    await pass(world);
    await world.run();
    world.orders.length = 0;
    await world.controller.scale("Model", 2);
    await world.run();
    expect(world.orders.filter(({ replica }) => replica.name === SECOND)).toMatchObject([
      { isStart: true, assignment: { duty: "serving" } },
    ]);
    // What it had to say of its draining may come late.
    expect(await world.report(SECOND, { kind: "drained" }, { epoch: 3 })).toMatchObject({ duty: "serving" });
    await world.run(LEASE_MS);
    const { replicas, status } = await world.model();
    expect([status, replicas.map(({ replica_id }) => replica_id)]).toEqual(["HEALTHY", ["app/Model/-/0.0", SECOND]]);
  });

  it("[L4] is another object where the one of before was sick", async () => {
    const world = new ControlledWorld(manifestOf({ Model: { numReplicas: 2 } }));
    await world.run();
    await world.report(SECOND, { kind: "unhealthy", message: "it is ill" });
    await world.controller.scale("Model", 1);
    await world.controller.scale("Model", 2);
    await world.run();
    await world.report(SECOND, { kind: "drained" });
    const { replicas } = await world.model();
    expect(replicas.map(({ replica_id }) => replica_id)).toEqual(["app/Model/-/0.0", "app/Model/-/1.1"]);
  });
});
