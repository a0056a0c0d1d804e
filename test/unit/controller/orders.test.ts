import { describe, expect, it } from "vitest";
import type { DeploymentOptions } from "../../../src/api/options.ts";
import { startFailureLimit } from "../../../src/controller/orders.ts";
import { LEASE_MS } from "../../../src/protocol/control.ts";
import { configOf, ControlledWorld, manifestOf } from "../../support/controlled-world.ts";

const FIRST = "app/Model/-/0.0";
const change = (revision: number, options: DeploymentOptions) => ({
  revision,
  version: "v1",
  application: manifestOf({ Model: options }),
});
const never = () => new Promise<never>(() => {});

describe("an order", () => {
  it("is not given twice while it is on its way, and an alarm stays set all the while", async () => {
    const world = new ControlledWorld();
    const outcome = Promise.withResolvers<{ kind: "done"; version: string }>();
    world.answer = () => outcome.promise;
    void world.run();
    for (let second = 0; second < 60; second++) {
      await world.report(FIRST, { kind: "woke" });
      expect(world.alarmAtMs).toBeGreaterThan(world.clock.now());
      world.clock.advance(1000);
      if (world.alarmAtMs! <= world.clock.now()) world.controller.alarm();
    }
    expect(world.orders).toHaveLength(1);
    outcome.resolve({ kind: "done", version: "v1" });
    await outcome.promise;
  });

  it.each([0, 2000, 30_000])("is given again when the controller is lost with it after %i ms, by the alarm alone", async (ms) => {
    const world = new ControlledWorld();
    world.answer = never;
    void world.run();
    for (let passed = 0; passed < ms; passed += 1000) {
      world.clock.advance(1000);
      if (world.alarmAtMs! <= world.clock.now()) world.controller.alarm();
    }
    world.crash();
    world.answer = () => ({ kind: "done", version: "v1" });
    await world.run(10_000);
    expect(world.orders).toHaveLength(2);
    expect((await world.status()).status).toBe("RUNNING");
    expect(world.alarmAtMs).toBeUndefined();
  });

  it("is given again although the alarm was lost too, once somebody looks", async () => {
    const world = new ControlledWorld();
    world.answer = never;
    void world.run();
    world.alarmAtMs = undefined;
    world.crash();
    world.answer = () => ({ kind: "done", version: "v1" });
    await world.status();
    await world.run(2000);
    expect((await world.status()).status).toBe("RUNNING");
  });

  it("is stored before it is given", async () => {
    const world = new ControlledWorld();
    const stored: unknown[] = [];
    world.answer = () => {
      stored.push(world.stored?.deployments["Model"]?.replicas[0]?.retryAtMs);
      return { kind: "done", version: "v1" };
    };
    await world.run();
    expect(stored).toEqual([world.clock.now() + 2000]);
  });

  it("that did not reach its replica is given again after a second, for as long as it takes", async () => {
    const world = new ControlledWorld();
    world.answer = () => Promise.reject(new Error("Network connection lost."));
    await world.run(5500);
    expect(world.orders).toHaveLength(6);
    expect((await world.model()).replicas[0]?.message).toBe("Network connection lost.");
    expect((await world.status()).status).toBe("DEPLOYING");
    world.answer = () => ({ kind: "done", version: "v1" });
    await world.run(1000);
    expect((await world.status()).status).toBe("RUNNING");
  });

  it("to a replica with the code of before is given again at leisure, until it runs the new code", async () => {
    const world = new ControlledWorld();
    await world.run();
    world.answer = () => ({ kind: "done", version: "v1" });
    world.deploy("v2");
    await world.run(25_000);
    expect(world.orders).toHaveLength(4);
    expect((await world.status()).status).toBe("DEPLOYING");
    world.answer = () => ({ kind: "done", version: "v2" });
    await world.run(60_000);
    expect((await world.status()).status).toBe("RUNNING");
    expect(world.alarmAtMs).toBeUndefined();
  });

  it("says the newest, though more has changed since the one before", async () => {
    const world = new ControlledWorld(manifestOf({ Model: { userConfig: 0 } }));
    await world.run();
    for (const userConfig of [1, 2, 3]) await world.controller.adopt(change(userConfig, { userConfig }));
    world.orders.length = 0;
    await world.run();
    expect(world.orders.map(({ assignment }) => assignment.config.userConfig)).toEqual([3]);
  });

  it("goes to no replica whose lease has run out while the order waited", async () => {
    const world = new ControlledWorld(manifestOf({ Model: { userConfig: 0 } }));
    await world.run();
    world.answer = () => Promise.reject(new Error("lost"));
    await world.controller.adopt(change(1, { userConfig: 1 }));
    await world.run(2 * LEASE_MS);
    const { length } = world.orders;
    expect(length).toBeLessThanOrEqual(1 + LEASE_MS / 1000);
    expect(world.alarmAtMs).toBeUndefined();
    const assignment = await world.report(FIRST, { kind: "woke" });
    expect(assignment?.config.userConfig).toBe(1);
  });
});

describe("startFailureLimit", () => {
  const limit = (target: number, maxConstructorRetryCount?: number) =>
    startFailureLimit({ target, config: configOf(maxConstructorRetryCount === undefined ? {} : { maxConstructorRetryCount }) } as never);

  it("is three a replica, and at most maxConstructorRetryCount", () => {
    expect([limit(1), limit(4), limit(50)]).toEqual([3, 12, 20]);
    expect([limit(4, 5), limit(1, 2)]).toEqual([5, 2]);
  });

  it("counts one replica where there is to be none yet", () => {
    expect(limit(0)).toBe(3);
  });
});
