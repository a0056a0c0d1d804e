import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { keep, totalOf } from "../../../src/controller/measured.ts";
import { LEASE_MS } from "../../../src/protocol/control.ts";
import type { Measured, MetricsSnapshot } from "../../../src/protocol/metrics.ts";
import { ControlledWorld, manifestOf } from "../../support/controlled-world.ts";

const snapshot = (startedAtMs: number, requests: number, ongoing = 0): MetricsSnapshot => ({
  startedAtMs,
  series: { requests: [[["/"], [requests]]], latency: [[["/"], [requests * 5, 0, 0, requests]]], ongoing: [[[], [ongoing]]] },
});

const requestsIn = (measured: Measured) => totalOf(measured, false)["requests"]![0]![1][0];

describe("what is kept of a replica", () => {
  it("is its newest report, while it goes on", () => {
    const measured = [3, 5, 9].reduce<Measured | undefined>((before, count) => keep(before, snapshot(1000, count), 0), undefined)!;
    expect(measured.starts).toBe(1);
    expect(totalOf(measured, false)).toEqual(snapshot(1000, 9).series);
  });

  it("only grows when a replica forgets, and misses nothing that was told", () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 4 }), { minLength: 1 }), (lives) => {
        let measured: Measured | undefined;
        let all = 0;
        for (const [index, life] of lives.entries()) {
          let count = 0;
          for (const more of life) {
            count += more;
            all += more;
            measured = keep(measured, snapshot(1000 * (index + 1), count, 7), 0);
            expect(requestsIn(measured)).toBe(all);
          }
        }
        const total = totalOf(measured!, false);
        expect(measured!.starts).toBe(lives.length);
        expect(total["latency"]).toEqual([[["/"], [all * 5, 0, 0, all]]]);
        // What is so at a moment is not added up.
        expect(total["ongoing"]).toEqual([[[], [7]]]);
      }),
    );
  });

  it("takes no report of a start before the one it knows", () => {
    const measured = keep(keep(undefined, snapshot(1000, 3), 0), snapshot(2000, 1), 0);
    expect(keep(measured, snapshot(1000, 4), 0)).toBe(measured);
  });

  it("tells no moment of a replica that should have been heard of since", () => {
    expect(Object.keys(totalOf(keep(undefined, snapshot(1000, 3, 7), 0), true))).toEqual(["requests", "latency"]);
  });
});

describe("a controller's metrics", () => {
  const NAMES = ["app/Model/-/0.0", "app/Model/-/1.0"] as const;
  const running = async () => {
    const world = new ControlledWorld(manifestOf({ Model: { numReplicas: 2 } }));
    await world.run();
    const tell = (replica: string, metrics: MetricsSnapshot) =>
      world.controller.report({ deployment: "Model", replica, version: "v1", epoch: 9, event: { kind: "alive" }, metrics });
    return { world, tell };
  };

  it("are those of the replicas that there are, and outlive the controller", async () => {
    const { world, tell } = await running();
    for (const name of [...NAMES, "app/Model/-/7.0"]) await tell(name, snapshot(1000, 3));
    world.crash();
    const metrics = (await world.controller.metrics())!;
    expect(metrics.details).toEqual(await world.status());
    expect(metrics.replicas.map(({ replica, starts }) => [replica, starts])).toEqual(NAMES.map((name) => [name, 1]));
    expect([...world.measured.keys()]).toEqual([...NAMES]);
  });

  it("forget a replica that is gone", async () => {
    const { world, tell } = await running();
    for (const name of NAMES) await tell(name, snapshot(1000, 3));
    await world.controller.scale("Model", 1);
    await world.run();
    await world.report(NAMES[1], { kind: "drained" });
    await world.run(60_000);
    expect([...world.measured.keys()]).toEqual([NAMES[0]]);
    expect((await world.controller.metrics())!.replicas).toHaveLength(1);
  });

  it("tell what a replica does now, until it should have been heard of again", async () => {
    const { world, tell } = await running();
    await tell(NAMES[0], snapshot(1000, 3, 7));
    const ongoing = async () => (await world.controller.metrics())!.replicas[0]!.series["ongoing"];
    expect(await ongoing()).toEqual([[[], [7]]]);
    await world.run(LEASE_MS + 1);
    expect(await ongoing()).toBeUndefined();
  });

  it("ask nobody, write nothing, and set no alarm", async () => {
    const { world, tell } = await running();
    await tell(NAMES[0], snapshot(1000, 3));
    await world.run();
    const before = [world.orders.length, world.saves, world.alarmAtMs];
    for (let times = 0; times < 3; times++) await world.controller.metrics();
    expect([world.orders.length, world.saves, world.alarmAtMs]).toEqual(before);
  });

  it("are none of an application that has been deleted", async () => {
    const { world } = await running();
    await world.controller.adopt({ revision: 1, version: "v1", application: null });
    await world.run(120_000);
    expect(await world.controller.metrics()).toBeUndefined();
    expect(world.measured.size).toBe(0);
  });
});
