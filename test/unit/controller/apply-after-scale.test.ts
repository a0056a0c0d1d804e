import { describe, expect, it } from "vitest";
import { ConfigStore, type StoredConfig } from "../../../src/controller/config-store.ts";
import type { ConfigChange } from "../../../src/protocol/control.ts";
import { ControlledWorld, manifestOf } from "../../support/controlled-world.ts";

const DOCUMENT = { Model: { numReplicas: 2 }, Front: { numReplicas: 1 }, Auto: { autoscaling: { maxReplicas: 4 } } };

/** A system at revision 1 of a document, with `Model` scaled to 4. */
async function scaled(): Promise<ControlledWorld> {
  const world = new ControlledWorld(manifestOf(DOCUMENT));
  await apply(world, { revision: 1 });
  await world.run();
  expect(await world.controller.scale("Model", 4)).toBeUndefined();
  await world.run();
  return world;
}

function apply(world: ControlledWorld, change: Partial<ConfigChange>): Promise<void> {
  return world.controller.adopt({ revision: 1, version: "v1", application: manifestOf(DOCUMENT), ...change });
}

const targets = async (world: ControlledWorld) =>
  Object.values((await world.status()).deployments).map(({ target_num_replicas }) => target_num_replicas);

describe("what was scaled by hand", () => {
  it.each<[string, Partial<ConfigChange>, number]>([
    ["an equal document takes it back", { revision: 2 }, 2],
    ["a document that differs elsewhere takes it back", { revision: 2, application: manifestOf({ ...DOCUMENT, Front: {} }, "/x") }, 2],
    ["the same document, delivered once more, leaves it", { revision: 1 }, 4],
    ["what was compiled, told once more, leaves it", { revision: 2, isCompiled: true }, 4],
    ["an older document leaves it", { revision: 0 }, 4],
  ])("%s", async (_, change, expected) => {
    const world = await scaled();
    await apply(world, change);
    expect(await targets(world)).toEqual([expected, 1, 1]);
  });

  it("is all that an equal document changes", async () => {
    const world = await scaled();
    const before = await world.status();
    world.orders.length = 0;
    await apply(world, { revision: 2 });
    const { deployments, ...application } = await world.status();
    expect({ ...application, status: before.status }).toEqual({ ...before, deployments: undefined });
    expect(deployments["Front"]).toEqual(before.deployments["Front"]);
    expect(deployments["Model"]).toMatchObject({ status: "DOWNSCALING", message: "Downscaling from 4 to 2 replicas." });
    await world.run();
    expect(new Set(world.orders.map(({ deployment }) => deployment))).toEqual(new Set(["Model"]));
  });

  it("stays when another application is deleted: only that one hears of it", async () => {
    let stored: StoredConfig | undefined;
    const delivered: string[] = [];
    const application = (name: string) => ({ ...manifestOf(), name });
    const store = new ConfigStore({
      measured: { load: () => undefined, save: () => {} },
      compiled: { protocol: 1, version: "v1", applications: [application("a"), application("b")] },
      load: () => stored,
      save: (config) => (stored = config),
      traffic: { load: () => undefined, save: () => {} },
      wakeAt: () => {},
      deliver: async (app) => void delivered.push(app),
      now: () => 0,
    });
    await store.remove("v1", "b");
    expect(delivered).toEqual(["b"]);
  });
});

describe("a name that every object has", () => {
  const NAMES = ["constructor", "toString", "hasOwnProperty", "valueOf", "isPrototypeOf"];

  it.each(NAMES)("%s is no deployment, unless there is one", async (name) => {
    const world = new ControlledWorld();
    await world.run();
    expect(await world.controller.scale(name, 2)).toBe(`Application "app" has no deployment "${name}". It has: Model.`);
    expect(await world.report("app/x/-/0.0", { kind: "woke" }, { deployment: name })).toBeUndefined();
    const named = new ControlledWorld(manifestOf({ [name]: {}, Model: {} }));
    await named.run();
    expect((await named.status()).deployments[name]).toMatchObject({ name, status: "HEALTHY" });
    expect(await named.controller.scale(name, 2)).toBeUndefined();
    await named.controller.adopt({ revision: 1, version: "v1", application: manifestOf({ Model: {} }) });
    await named.run();
    expect((await named.status()).deployments["Model"]).toMatchObject({ status: "HEALTHY" });
  });
});
