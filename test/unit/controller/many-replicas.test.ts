import { describe, expect, it } from "vitest";
import { ControlledWorld, manifestOf } from "../../support/controlled-world.ts";

const FIRST = "app/Model/-/0.0";

describe("an application with many replicas", () => {
  const manifest = (count: number) => manifestOf({ Model: { numReplicas: count } });

  it("is started a few at a time, and whoever asks is answered in between", async () => {
    const world = new ControlledWorld(manifest(1000));
    const given: number[] = [];
    const { sleeps } = world;
    world.answer = async () => {
      given[sleeps.length] = (given[sleeps.length] ?? 0) + 1;
      return { kind: "done", version: "v1" };
    };
    await world.run();
    // And as many once more where the next alarm goes on.
    expect(Math.max(...given.filter((count) => count > 0))).toBeLessThanOrEqual(4);
    expect(world.orders).toHaveLength(1000);
    expect((await world.status()).status).toBe("RUNNING");
    expect(world.alarmAtMs).toBeUndefined();
  });

  it("is started without waiting for those that take long", async () => {
    const world = new ControlledWorld(manifest(1000));
    const outcomes: (() => void)[] = [];
    world.answer = () => new Promise((resolve) => outcomes.push(() => resolve({ kind: "done", version: "v1" })));
    const running = world.run();
    for (let turns = 0; world.orders.length < 1000 && turns < 10_000; turns++) {
      await Promise.resolve();
      if (world.alarmAtMs !== undefined && world.alarmAtMs <= world.clock.now()) world.controller.alarm();
    }
    expect(new Set(world.orders.map(({ replica }) => replica.name)).size).toBe(1000);
    for (const end of outcomes) end();
    await running;
    expect((await world.status()).status).toBe("RUNNING");
  });

  it("goes on where it was when its object is lost while it gives orders", async () => {
    const world = new ControlledWorld(manifest(300));
    world.answer = () => (world.orders.length < 100 ? { kind: "done", version: "v1" } : new Promise(() => {}));
    void world.run();
    for (let turns = 0; turns < 10_000 && world.orders.length < 120; turns++) await Promise.resolve();
    world.crash();
    world.answer = () => ({ kind: "done", version: "v1" });
    await world.run(10_000);
    expect((await world.status()).status).toBe("RUNNING");
    expect(world.alarmAtMs).toBeUndefined();
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
