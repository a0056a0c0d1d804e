import { describe, expect, it } from "vitest";
import { ControlledWorld, manifestOf } from "../../support/controlled-world.ts";

const FIRST = "app/Model/-/0.0";

describe("an application with many replicas", () => {
  const manifest = (count: number) => manifestOf({ Model: { numReplicas: count } });

  it("is started some dozens at a time, all at once as far as anybody can see, and then there is no alarm", async () => {
    const world = new ControlledWorld(manifest(1000));
    let [underway, most] = [0, 0];
    world.answer = async () => {
      most = Math.max(most, ++underway);
      await Promise.resolve();
      underway--;
      return { kind: "done", version: "v1" };
    };
    await world.run();
    expect(most).toBeLessThanOrEqual(64);
    expect(world.orders).toHaveLength(1000);
    expect((await world.status()).status).toBe("RUNNING");
    expect(world.alarmAtMs).toBeUndefined();
  });

  it("is started although each takes long, without waiting for any", async () => {
    const world = new ControlledWorld(manifest(1000));
    world.answer = () => new Promise(() => {});
    void world.run(1);
    for (let passed = 0; passed < 5000; passed += 50) {
      world.clock.advance(50);
      if (world.alarmAtMs! <= world.clock.now()) world.controller.alarm();
    }
    expect(new Set(world.orders.map(({ replica }) => replica.name)).size).toBe(1000);
    expect(world.orders).toHaveLength(1000);
  });

  it("tells each replica how seldom to report, and again when that has changed", async () => {
    const world = new ControlledWorld(manifest(1000));
    await world.run();
    expect(new Set(world.orders.map(({ assignment }) => assignment.reportMs))).toEqual(new Set([2048]));
    const told = async (reportMs: number) => {
      const about = { deployment: "Model", replica: FIRST, version: "v1", epoch: 2, event: { kind: "alive" } } as const;
      return (await world.controller.report({ ...about, reportMs }))?.reportMs;
    };
    expect(await told(2048)).toBeUndefined();
    expect(await told(0)).toBe(2048);
    expect(await told(2560)).toBeUndefined();
    expect(await told(10_000)).toBe(2048);
  });

  it("writes one row for a report, and none for what it does not know", async () => {
    const world = new ControlledWorld(manifestOf({ Model: { autoscaling: { minReplicas: 100, maxReplicas: 100 } } }));
    await world.run();
    const rows = () =>
      world.written
        .splice(0)
        .map(({ application, deployments, replicas, gone }) => [
          application === undefined ? 0 : 1,
          deployments.length,
          replicas.length,
          gone.length,
        ]);
    await world.load(FIRST, 3);
    rows();
    world.clock.advance(10_000);
    await world.load(FIRST, 4);
    await world.report("app/Model/-/1.0", { kind: "alive" }, { epoch: 2 });
    expect(rows()).toEqual([
      [0, 0, 1, 0],
      [0, 0, 1, 0],
    ]);
    await world.report("app/Model/-/777.0", { kind: "alive" }, { epoch: 2 });
    expect(rows()).toEqual([]);
  });
});
