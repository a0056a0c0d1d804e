import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LEASE_MS } from "../../../src/protocol/control.ts";
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

describe("[S1] the sums of what replicas have counted", () => {
  const manifest = manifestOf({ Model: { numReplicas: 4 }, Inline: { placement: "inline" } });
  const happening = fc.oneof(
    fc.record({
      kind: fc.constantFrom("inReplica", "inWorker"),
      replica: fc.nat(3),
      life: fc.nat(3),
      guest: fc.constantFrom("@app/Inline", "@other/Inline"),
      counts: fc.array(fc.nat(50), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant("scale" as const), replicas: fc.nat(4) }),
    fc.record({ kind: fc.constant("wait" as const), ms: fc.constantFrom(1000, 70_000, 130_000, 700_000, 4_000_000) }),
    fc.constant({ kind: "delete" as const }),
  );
  type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

  async function happen(world: ControlledWorld, one: Happening): Promise<void> {
    if (one.kind === "wait") return world.run(one.ms);
    if (one.kind === "scale") {
      await world.controller.scale("Model", one.replicas);
      await world.run();
      await world.report("app/Model/-/3.0", { kind: "drained" });
    } else if (one.kind === "delete") {
      const change = (application: typeof manifest | null) =>
        world.controller.adopt({ revision: world.stored!.revision + 1, version: "v1", application });
      await change(null);
      await world.run(60_000);
      await change(manifest);
    } else {
      const [first = 0, ...more] = one.counts;
      const of = (guest: string): SeriesByKey => ({
        [`requests${guest}`]: [
          [["/"], [first]],
          [["/a"], [first]],
        ],
        [`errors${guest}`]: [[["/", "TypeError"], [more.length]]],
        [`latency${guest}`]: [[["/"], [first, ...more]]],
        [`queued${guest}`]: [[[], [more.length % 2]]],
      });
      const { kind, replica, life, guest } = one;
      if (kind === "inWorker") {
        await world.report("", { kind: "alive" }, { deployment: "Inline", metrics: { startedAtMs: 0, series: of("") } });
      } else {
        const metrics = { startedAtMs: life, series: { ...of(""), ...of(guest) } };
        await world.report(`app/Model/-/${replica}.0`, { kind: "alive" }, { metrics });
      }
    }
    await world.run();
  }

  // The other one begins with what is stored each time.
  it("are those of what is stored, whatever has happened", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { minLength: 1, maxLength: 25 }), async (all) => {
        const [world, other] = [new ControlledWorld(manifest), new ControlledWorld(manifest)];
        const looks = async ({ controller }: ControlledWorld) => (await controller.metrics(true))?.history?.map(comparable);
        for (const one of [world, other]) await one.run();
        for (const one of all) {
          for (const each of [world, other]) await happen(each, one);
          other.crash();
          expect(await looks(world)).toEqual(await looks(other));
        }
        expect(world.failures).toEqual([]);
      }),
    );
  });

  it.each<[string, (world: ControlledWorld) => Promise<unknown>]>([
    ["should have been heard of again", (world) => world.run(LEASE_MS + 1)],
    ["has left", (world) => happen(world, { kind: "scale", replicas: 3 })],
  ])("have no request that waits at a replica that %s", async (_, becomes) => {
    const world = new ControlledWorld(manifest);
    await world.run();
    const queued = async () => (await world.controller.metrics(true))!.history!.at(-1)!.deployments["Model"]![1];
    expect(await queued()).toBe(0);
    for (const count of [2, 3]) {
      await world.report("app/Model/-/3.0", { kind: "alive" }, { metrics: { startedAtMs: 1, series: { queued: [[[], [count]]] } } });
    }
    expect(await queued()).toBe(3);
    await becomes(world);
    expect(await queued()).toBe(0);
  });

  // Buckets that nothing is in may be left out.
  function comparable({ minute, deployments }: Look) {
    const all = Object.entries(deployments).map(([name, numbers]) => [name, numbers.join(" ").replace(/( 0)*$/, "")]);
    return { minute, deployments: Object.fromEntries(all) };
  }
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
