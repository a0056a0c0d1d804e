import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GONE_MS, keep, SCRAPE_MS, totalOf, youngOf } from "../../../src/controller/metrics-store.ts";
import { LEASE_MS } from "../../../src/protocol/control.ts";
import { type Measured, type MetricsSnapshot, type Series, STARTS } from "../../../src/protocol/metrics.ts";
import { ControlledWorld, manifestOf } from "../../support/controlled-world.ts";

const NOW = { isSilent: false, isGone: false };
const snapshot = (startedAtMs: number, requests: number, ongoing = 0): MetricsSnapshot => ({
  startedAtMs,
  series: { requests: [[["/"], [requests]]], latency: [[["/"], [requests * 5, 0, 0, requests]]], ongoing: [[[], [ongoing]]] },
});

const requestsIn = (measured: Measured) => totalOf(measured, NOW)["requests"]![0]![1][0];

describe("what is kept of a replica", () => {
  it("is its newest report, while it goes on", () => {
    const measured = [3, 5, 9].reduce<Measured | undefined>((before, count) => keep(before, snapshot(1000, count), 0), undefined)!;
    expect(measured.starts).toBe(1);
    expect(totalOf(measured, NOW)).toEqual(snapshot(1000, 9).series);
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
        const total = totalOf(measured!, NOW);
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
    expect(Object.keys(totalOf(keep(undefined, snapshot(1000, 3, 7), 0), { isSilent: true, isGone: true }))).toEqual([
      "requests",
      "latency",
    ]);
  });
});

describe("a count that has appeared", () => {
  // What is scraped is the sum over the replica's only series of that name.
  const shown = (measured: Measured, nowMs: number) => {
    const isYoung = youngOf(measured, nowMs).some(([key]) => key === "requests");
    const [[labels, numbers]] = totalOf(measured, NOW)["requests"] as [Series];
    return [[labels, isYoung ? [0] : numbers]];
  };

  it("is shown with 0 for as long as two scrapes may lie apart, and then as it is", () => {
    const measured = keep(undefined, snapshot(1000, 20), 5000);
    expect(shown(measured, 5000)).toEqual([[["/"], [0]]]);
    expect(shown(measured, 5000 + SCRAPE_MS - 1)).toEqual([[["/"], [0]]]);
    expect(shown(measured, 5000 + SCRAPE_MS)).toEqual([[["/"], [20]]]);
  });

  it("stays 0 until then whatever is counted meanwhile, and is not 0 again after the replica has begun anew", () => {
    const measured = keep(keep(undefined, snapshot(1000, 20), 5000), snapshot(1000, 50), 9000);
    expect(shown(measured, 19_999)).toEqual([[["/"], [0]]]);
    expect(shown(measured, 20_000)).toEqual([[["/"], [50]]]);
    expect(shown(keep(measured, snapshot(2000, 1), 21_000), 21_000)).toEqual([[["/"], [51]]]);
  });

  it("is no gauge: what is so at a moment is shown at once", () => {
    expect(youngOf(keep(undefined, snapshot(1000, 20, 7), 5000), 5000).map(([key]) => key)).toEqual([STARTS, "requests", "latency"]);
  });

  it("is seen in full by whoever looks at least every 15 s, whenever it is told and whenever they look", () => {
    const report = fc.record({ afterMs: fc.integer({ min: 1, max: 60_000 }), more: fc.nat(500) });
    const scenario = fc.record({
      reports: fc.array(report, { minLength: 1, maxLength: 12 }),
      everyMs: fc.integer({ min: 1000, max: SCRAPE_MS }),
    });
    fc.assert(
      fc.property(scenario, fc.nat(SCRAPE_MS), ({ reports, everyMs }, firstMs) => {
        let measured: Measured | undefined;
        let [nowMs, sent] = [0, 0];
        let nextMs = Math.min(firstMs, everyMs);
        const seen: number[] = [];
        const lookUntil = (untilMs: number) => {
          for (; nextMs < untilMs; nextMs += everyMs) {
            const value = measured === undefined ? undefined : (shown(measured, nextMs)[0]![1] as number[])[0];
            if (value !== undefined) seen.push(value);
          }
        };
        for (const { afterMs, more } of reports) {
          nowMs += afterMs;
          lookUntil(nowMs);
          measured = keep(measured, snapshot(1000, (sent += more)), nowMs);
        }
        lookUntil(nowMs + 2 * SCRAPE_MS + everyMs);
        // What a scraper's increase() adds up, without its extrapolation.
        expect(seen.at(-1)! - seen[0]!).toBe(sent);
        expect(seen).toEqual(seen.toSorted((a, b) => a - b));
      }),
    );
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

  it("show a replica that has gone for a while, with what it told last and no gauges, and then forget it", async () => {
    const { world, tell } = await running();
    for (const name of NAMES) await tell(name, snapshot(1000, 3, 7));
    await world.run(SCRAPE_MS);
    await world.controller.scale("Model", 1);
    await world.run();
    await world.report(NAMES[1], { kind: "drained" }, { metrics: snapshot(1000, 5, 0) });
    const shown = async () =>
      (await world.controller.metrics())!.replicas.map(({ replica, series }) => [replica, series["requests"], series["ongoing"]]);
    const stays = [NAMES[0], [[["/"], [3]]], [[[], [7]]]];
    expect(await shown()).toEqual([stays, [NAMES[1], [[["/"], [5]]], undefined]]);
    await world.run(GONE_MS);
    expect((await shown()).map(([replica]) => replica)).toEqual([NAMES[0]]);
    // What is not shown any more is taken away when the next one goes.
    await world.controller.scale("Model", 0);
    await world.run();
    await world.report(NAMES[0], { kind: "drained" });
    expect([...world.measured.keys()].toSorted()).toEqual([NAMES[0], "forgotten:Model"]);
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
