import { describe, expect, it } from "vitest";
import { LEASE_MS, type ReplicaEvent } from "../../../src/protocol/control.ts";
import { ControlledWorld, manifestOf } from "../../support/controlled-world.ts";

const FIRST = "app/Model/-/0.0";

describe("a new application", () => {
  it("is DEPLOYING until every replica has started, and then RUNNING", async () => {
    const world = new ControlledWorld(manifestOf({ Model: { numReplicas: 2 } }));
    expect((await world.status()).status).toBe("DEPLOYING");
    expect(await world.model()).toMatchObject({ status: "UPDATING", status_trigger: "CONFIG_UPDATE_STARTED", replica_states: {} });
    await world.run();
    expect((await world.status()).status).toBe("RUNNING");
    expect(await world.model()).toMatchObject({
      status: "HEALTHY",
      status_trigger: "CONFIG_UPDATE_COMPLETED",
      target_num_replicas: 2,
      replica_states: { RUNNING: 2 },
    });
    expect(world.orders.map(({ replica, isStart }) => [replica.name, isStart])).toEqual([
      [FIRST, true],
      ["app/Model/-/1.0", true],
    ]);
  });

  it("costs nothing once it runs: no alarm, and nothing is written", async () => {
    const world = new ControlledWorld();
    await world.run();
    expect(world.alarmAtMs).toBeUndefined();
    const { saves } = world;
    await world.run(24 * 3600 * 1000);
    expect(world.saves).toBe(saves);
    expect(world.orders).toHaveLength(1);
  });

  it("keeps what it knows when its object is lost", async () => {
    const world = new ControlledWorld();
    await world.run();
    const before = await world.status();
    world.crash();
    expect(await world.status()).toEqual(before);
    expect(world.orders).toHaveLength(1);
  });

  it("is started again when the object is lost before the outcome is known", async () => {
    const world = new ControlledWorld();
    world.answer = () => new Promise(() => {});
    void world.run();
    expect(world.orders).toHaveLength(1);
    world.crash();
    world.answer = () => ({ kind: "done", version: "v1" });
    await world.run(10_000);
    expect(world.orders).toHaveLength(2);
    expect((await world.status()).status).toBe("RUNNING");
  });
});

describe("a class that does not start", () => {
  const failing = () => {
    const world = new ControlledWorld(manifestOf({ Model: { numReplicas: 2 } }));
    world.answer = () => ({ kind: "startFailed", version: "v1", message: "its constructor threw Error: no weights" });
    return world;
  };

  it("is tried three times a replica, and then the deploy has failed, with the message", async () => {
    const world = failing();
    await world.run(60_000);
    expect(world.orders).toHaveLength(6);
    const model = await world.model();
    expect(model).toMatchObject({ status: "DEPLOY_FAILED", status_trigger: "REPLICA_STARTUP_FAILED" });
    expect(model.message).toContain("The deployment failed to start 6 times in a row.");
    expect(model.message).toContain("its constructor threw Error: no weights");
    const status = await world.status();
    expect(status.status).toBe("DEPLOY_FAILED");
    expect(status.message).toContain('Deployment "Model"');
    expect(world.alarmAtMs).toBeUndefined();
  });

  it("says how often it will be tried again meanwhile", async () => {
    const world = failing();
    await world.run();
    expect((await world.model()).message).toBe(
      "A replica failed to start with exception. Retrying 4 more time(s). Error: its constructor threw Error: no weights",
    );
  });

  it("is tried no more often than maxConstructorRetryCount", async () => {
    const world = new ControlledWorld(manifestOf({ Model: { numReplicas: 5, maxConstructorRetryCount: 2 } }));
    world.answer = () => ({ kind: "startFailed", version: "v1", message: "no" });
    await world.run(60_000);
    expect((await world.model()).message).toContain("failed to start");
    expect((await world.status()).status).toBe("DEPLOY_FAILED");
  });

  it("does not run because its object is alive, and does when its class has come to be there", async () => {
    const world = failing();
    await world.run(60_000);
    const tell = async (event: ReplicaEvent, isStarting: boolean) => {
      const report = { deployment: "Model", replica: FIRST, version: "v1", epoch: 0, event };
      await world.controller.report(isStarting ? { ...report, isStarting } : report);
      return (await world.model()).replica_states;
    };
    const load = { sinceMs: world.clock.now() - 1, untilMs: world.clock.now(), mean: 1, now: 1 };
    expect(await tell({ kind: "alive" }, true)).toEqual({ STARTING: 2 });
    expect(await tell({ kind: "load", load }, true)).toEqual({ STARTING: 2 });
    expect(await tell({ kind: "alive" }, false)).toEqual({ STARTING: 1, RUNNING: 1 });
  });

  it("runs after a new deploy that repairs it", async () => {
    const world = failing();
    await world.run(60_000);
    world.answer = () => ({ kind: "done", version: "v2" });
    world.deploy("v2");
    expect((await world.status()).status).toBe("DEPLOYING");
    await world.run(60_000);
    expect((await world.status()).status).toBe("RUNNING");
  });
});

describe("a replica whose requests run out of time while it starts", () => {
  const HEALTH_MS = 1000;
  const stuck = async (world: ControlledWorld, replica: string, isStarting = true) => {
    const event: ReplicaEvent = { kind: "unhealthy", message: "setup() has not ended." };
    await world.controller.report({ deployment: "Model", replica, version: "v1", epoch: 0, event, ...(isStarting ? { isStarting } : {}) });
    return (await world.model()).replicas.filter(({ state }) => state !== "DRAINING").map(({ replica_id }) => replica_id);
  };
  const starting = () => {
    const world = new ControlledWorld(manifestOf({ Model: { healthCheckPeriodMs: HEALTH_MS } }));
    world.answer = () => new Promise(() => {});
    void world.run();
    return world;
  };

  it("is replaced at once; its replacements have twice the time of the one before", async () => {
    const world = starting();
    expect(await stuck(world, FIRST)).toEqual(["app/Model/-/0.1"]);
    expect((await world.model()).message).toBe("setup() has not ended.");
    for (const [incarnation, givenMs] of [
      [1, 2 * HEALTH_MS],
      [2, 4 * HEALTH_MS],
      [3, 8 * HEALTH_MS],
    ] as const) {
      const name = `app/Model/-/0.${incarnation}`;
      world.clock.advance(givenMs - 1);
      expect(await stuck(world, name)).toEqual([name]);
      world.clock.advance(1);
      expect(await stuck(world, name)).toEqual([`app/Model/-/0.${incarnation + 1}`]);
    }
  });

  it("has ten minutes in the end", async () => {
    const world = starting();
    let name = FIRST;
    for (let n = 0; n < 12; n++) {
      name = (await stuck(world, name))[0]!;
      world.clock.advance(600_000 - 1);
    }
    expect(await stuck(world, name)).toEqual([name]);
    world.clock.advance(1);
    expect(await stuck(world, name)).not.toEqual([name]);
  });

  it("begins anew once one has started", async () => {
    const world = starting();
    const [second] = await stuck(world, FIRST);
    await world.controller.report({ deployment: "Model", replica: second!, version: "v1", epoch: 0, event: { kind: "alive" } });
    expect(await stuck(world, second!, false)).toEqual(["app/Model/-/0.2"]);
    expect(await stuck(world, "app/Model/-/0.2")).toEqual(["app/Model/-/0.3"]);
  });
});

describe("a change of the configuration", () => {
  const changed = (world: ControlledWorld, revision: number, deployments: Parameters<typeof manifestOf>[0]) =>
    world.controller.adopt({ revision, version: "v1", application: manifestOf(deployments) });

  it("reaches replicas that may be awake, and wakes none that sleeps", async () => {
    const world = new ControlledWorld(manifestOf({ Model: { numReplicas: 2, userConfig: 1 } }));
    await world.run();
    await world.run(LEASE_MS);
    await world.report(FIRST, { kind: "alive" }, { epoch: 1 });
    world.orders.length = 0;
    await changed(world, 1, { Model: { numReplicas: 2, userConfig: 2 } });
    expect((await world.model()).status).toBe("UPDATING");
    await world.run();
    expect(world.orders.map(({ replica, isStart, assignment }) => [replica.name, isStart, assignment.config.userConfig])).toEqual([
      [FIRST, false, 2],
    ]);
    expect((await world.model()).status).toBe("HEALTHY");
    // The other one asks when it wakes.
    expect((await world.report("app/Model/-/1.0", { kind: "woke" }))?.config.userConfig).toBe(2);
  });

  it("that changes nothing does nothing", async () => {
    const world = new ControlledWorld();
    await world.run();
    const before = await world.status();
    await changed(world, 1, { Model: {} });
    expect(world.alarmAtMs).toBeUndefined();
    expect(await world.status()).toEqual(before);
  });

  it("of the number of replicas alone is shown as scaling", async () => {
    const world = new ControlledWorld();
    await world.run();
    await changed(world, 1, { Model: { numReplicas: 3 } });
    expect(await world.model()).toMatchObject({ status: "UPSCALING", message: "Upscaling from 1 to 3 replicas." });
    await world.run();
    expect(await world.model()).toMatchObject({ status: "HEALTHY", status_trigger: "UPSCALE_COMPLETED", replica_states: { RUNNING: 3 } });
    await changed(world, 2, { Model: { numReplicas: 1 } });
    expect(await world.model()).toMatchObject({ status: "DOWNSCALING", replica_states: { RUNNING: 1, DRAINING: 2 } });
    await world.run();
    expect(world.orders.slice(-2).map(({ assignment }) => assignment.duty)).toEqual(["draining", "draining"]);
    await world.report("app/Model/-/1.0", { kind: "drained" });
    await world.report("app/Model/-/2.0", { kind: "drained" });
    expect(await world.model()).toMatchObject({ status: "HEALTHY", status_trigger: "DOWNSCALE_COMPLETED", replica_states: { RUNNING: 1 } });
  });

  it("does not replace a newer one", async () => {
    const world = new ControlledWorld();
    await changed(world, 5, { Model: { numReplicas: 3 } });
    await changed(world, 4, { Model: { numReplicas: 7 } });
    expect((await world.model()).target_num_replicas).toBe(3);
  });

  it("that a replica's reconfigure refuses makes the deployment UNHEALTHY, with the message, until there is another", async () => {
    const world = new ControlledWorld(manifestOf({ Model: { userConfig: 1 } }));
    await world.run();
    world.answer = () => ({ kind: "reconfigureFailed", version: "v1", message: "reconfigure() threw Error: threshold" });
    await changed(world, 1, { Model: { userConfig: 2 } });
    await world.run(60_000);
    expect(await world.model()).toMatchObject({
      status: "UNHEALTHY",
      message: "reconfigure() threw Error: threshold",
      replica_states: { RUNNING: 1 },
    });
    expect(world.orders).toHaveLength(2);
    world.answer = () => ({ kind: "done", version: "v1" });
    await changed(world, 2, { Model: { userConfig: 1 } });
    await world.run();
    expect((await world.model()).status).toBe("HEALTHY");
  });

  it("takes a deployment away that is not in it, and the application when it is null", async () => {
    const world = new ControlledWorld(manifestOf({ Model: {}, Old: {} }));
    await world.run();
    await changed(world, 1, { Model: {} });
    await world.run();
    expect(world.orders.at(-1)!.assignment).toMatchObject({ duty: "draining", set: { isGone: true, replicas: [] } });
    await world.report("app/Old/-/0.0", { kind: "drained" }, { deployment: "Old" });
    expect(Object.keys((await world.status()).deployments)).toEqual(["Model"]);
    await world.controller.adopt({ revision: 2, version: "v1", application: null });
    expect((await world.status()).status).toBe("DELETING");
    await world.run();
    await world.report(FIRST, { kind: "drained" });
    expect(await world.controller.status()).toBeUndefined();
    // A caller that has not heard of it yet wakes the replica, which asks what it is for.
    expect(await world.report(FIRST, { kind: "woke" })).toMatchObject({ duty: "gone", set: { isGone: true } });
  });
});

describe("a sick replica", () => {
  it("is replaced by a new incarnation, and finishes what it has", async () => {
    const world = new ControlledWorld(manifestOf({ Model: { numReplicas: 2 } }));
    await world.run();
    const answer = await world.report(FIRST, { kind: "unhealthy", message: "checkHealth failed 3 times in a row." }, { epoch: 2 });
    expect(answer).toMatchObject({ duty: "draining" });
    expect(answer?.set.replicas.map(({ name }) => name).toSorted()).toEqual(["app/Model/-/0.1", "app/Model/-/1.0"]);
    expect(await world.model()).toMatchObject({ status: "UNHEALTHY", status_trigger: "HEALTH_CHECK_FAILED" });
    await world.run();
    await world.report(FIRST, { kind: "drained" });
    expect(await world.model()).toMatchObject({ status: "HEALTHY", replica_states: { RUNNING: 2 } });
  });
});

describe("new code", () => {
  it("is taken by every replica in its own time, and is RUNNING when all have", async () => {
    const world = new ControlledWorld(manifestOf({ Model: { numReplicas: 2 } }));
    await world.run();
    world.orders.length = 0;
    let isOld = true;
    world.answer = ({ replica }) => ({ kind: "done", version: isOld && replica.name === FIRST ? "v1" : "v2" });
    world.deploy("v2", manifestOf({ Model: { numReplicas: 2 }, New: {} }));
    await world.run();
    expect(await world.status()).toMatchObject({ status: "DEPLOYING", version: "v2" });
    isOld = false;
    await world.run(60_000);
    expect(await world.status()).toMatchObject({ status: "RUNNING", deployments: { New: { status: "HEALTHY" } } });
  });

  it("forgets what an operator configured before", async () => {
    const world = new ControlledWorld();
    await world.controller.adopt({ revision: 1, version: "v1", application: manifestOf({ Model: { numReplicas: 4 } }) });
    world.deploy("v2");
    expect((await world.model()).target_num_replicas).toBe(1);
  });
});
