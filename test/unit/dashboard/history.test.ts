import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { historyOf } from "../../../src/operator/dashboard/history.ts";
import type { Look, Looked, SeriesByKey } from "../../../src/protocol/metrics.ts";
import { ControlledWorld, manifestOf } from "../../support/controlled-world.ts";

const MINUTE_MS = 60_000;

function system() {
  const world = new ControlledWorld(manifestOf({ Model: { numReplicas: 2 } }));
  const report = (series: SeriesByKey, replica = 0, startedAtMs = 1) =>
    world.controller.report({
      deployment: "Model",
      replica: `app/Model/-/${replica}.0`,
      version: "v1",
      epoch: 9,
      event: { kind: "alive" },
      metrics: { startedAtMs, series },
    });
  const hour = async () => historyOf((await world.controller.metrics(true))!.history!, "Model")!;
  return { world, report, hour };
}

const counted = (requests: number, errors = 0): SeriesByKey => ({
  requests: [[["/"], [requests]]],
  errors: [[["/", "TypeError"], [errors]]],
  latency: [[["/"], [1, 0, requests + errors]]],
});

describe("the history that a controller keeps", () => {
  it("tells what was counted in each minute, over a loss of its object and over minutes without a report", async () => {
    const { world, report, hour } = system();
    await world.run();
    await report(counted(10));
    await world.run(MINUTE_MS);
    await report(counted(15, 1));
    world.crash();
    await report(counted(20, 2), 1);
    await world.run(5 * MINUTE_MS);
    await report(counted(115, 1));
    const [requests, errors, , , replicas] = await hour();
    expect([requests.slice(-7), errors.slice(-7), replicas.slice(-7)]).toEqual([
      [10, 28, 0, 0, 0, 0, 100],
      [0, 3, 0, 0, 0, 0, 0],
      [2, 2, 2, 2, 2, 2, 2],
    ]);
    expect(requests.slice(0, -7).every((one) => one === undefined)).toBe(true);
  });

  it("goes on over a replica that began anew", async () => {
    const { world, report, hour } = system();
    await world.run();
    await report(counted(10));
    await world.run(MINUTE_MS);
    await report(counted(3), 0, 2);
    expect((await hour())[0].slice(-2)).toEqual([10, 3]);
  });

  it("is as long as an hour, a row a minute, and written by reports only", async () => {
    const { world, report, hour } = system();
    await world.run();
    for (let minute = 1; minute <= 130; minute++) {
      await report(counted(minute));
      await report(counted(minute));
      await world.run(MINUTE_MS);
    }
    expect(world.history.size).toBe(60);
    const [requests] = await hour();
    expect(requests).toHaveLength(60);
    expect(requests.slice(0, -1).every((one) => one === 1)).toBe(true);
    const kept = new Map(world.history);
    await world.run(30 * MINUTE_MS);
    await hour();
    expect(world.history).toEqual(kept);
  });

  it("is told only to whoever asks for it", async () => {
    const { world } = system();
    await world.run();
    expect(await world.controller.metrics()).not.toHaveProperty("history");
  });
});

describe("what is plotted", () => {
  it("is never negative, and adds up to what was counted", () => {
    const look = fc.record({ more: fc.nat(1000), failed: fc.nat(1000), minutes: fc.integer({ min: 1, max: 9 }) });
    fc.assert(
      fc.property(fc.array(look, { minLength: 1, maxLength: 6 }), (steps) => {
        const looks: Look[] = [{ minute: 1000, deployments: { Model: [1, 0, 7, 3, 0] } }];
        for (const { more, failed, minutes } of steps) {
          const { minute, deployments } = looks.at(-1)!;
          const [, , requests, errors] = deployments["Model"] as Looked;
          looks.push({ minute: minute + minutes, deployments: { Model: [1, 0, requests + more, errors + failed, 0] } });
        }
        const sumOf = (values: readonly (number | undefined)[]) => values.reduce<number>((sum, value = 0) => sum + value, 0);
        const [requests, errors] = historyOf(looks, "Model")!;
        expect(sumOf(requests)).toBe(sumOf(steps.map(({ more, failed }) => more + failed)));
        expect(sumOf(errors)).toBe(sumOf(steps.map(({ failed }) => failed)));
      }),
    );
  });

  it.each([
    ["no look", []],
    ["now only", [{ minute: 1, deployments: {} }]],
  ] satisfies [string, Look[]][])("is nothing where there is %s", (_, looks) => expect(historyOf(looks, "Model")).toBeUndefined());

  it("has the deployment's numbers from where it appears, and none below 0 where counts begin anew", () => {
    const looks: Look[] = [
      { minute: 1, deployments: {} },
      { minute: 2, deployments: { Model: [1, 2, 5, 1, 0, 6] } },
      { minute: 3, deployments: { Model: [1, 0, 2, 0, 0, 2] } },
    ];
    const hour = historyOf(looks, "Model")!;
    expect(hour.map((values) => values.slice(-3, -1))).toEqual([
      [6, 0],
      [1, 0],
      [expect.any(Number), undefined],
      [expect.any(Number), undefined],
      [1, 1],
      [2, 0],
    ]);
  });
});
