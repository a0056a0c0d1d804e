import { describe, expect, it } from "vitest";
import type { Changes, StoredApplication } from "../../../src/controller/stored-state.ts";
import { ControlledWorld, manifestOf } from "../../support/controlled-world.ts";
import { StoredRows } from "../../support/stored-rows.ts";

const AUTOSCALED = { autoscaling: { minReplicas: 2, maxReplicas: 9, upscaleDelayMs: 0, downscaleDelayMs: 5000 } };

/** An application whose replicas have a history: scaled, replaced, loaded. */
async function storedApplication(): Promise<StoredApplication> {
  const world = new ControlledWorld(manifestOf({ Model: AUTOSCALED, Fixed: { numReplicas: 3 } }));
  await world.run();
  await world.load("app/Model/-/0.0", 7.123456789);
  await world.run(1000);
  await world.report("app/Fixed/-/1.0", { kind: "unhealthy", message: "ill" }, { deployment: "Fixed", epoch: 2 });
  return structuredClone(world.stored!);
}

describe("what version 0.1 stored as one value", () => {
  it("is taken over when the object is made for the first time, as it was, and the value is gone", async () => {
    const before = await storedApplication();
    // That version knew no order but the list's.
    for (const deployment of Object.values(before.deployments)) {
      deployment.replicas = deployment.replicas.map((one) => {
        const { sequence: _, ...replica } = one;
        return replica;
      });
    }
    const rows = new StoredRows();
    rows.storeAsBefore(before);
    const after = rows.load()!;
    expect(after).toMatchObject(before);
    expect(rows.storage.kv.get("application")).toBeUndefined();
    expect(rows.load()).toEqual(after);
    const world = new ControlledWorld(manifestOf({ Model: AUTOSCALED, Fixed: { numReplicas: 3 } }));
    world.stored = after;
    world.crash();
    expect(await world.status()).toMatchObject({ deployments: { Model: { target_num_replicas: before.deployments["Model"]!.target } } });
    // The sick replica has drained by then.
    await world.run(200_000);
    expect((await world.status()).status).toBe("RUNNING");
  });

  it("is there still when taking it over fails half-way", async () => {
    const before = await storedApplication();
    const rows = new StoredRows();
    rows.storeAsBefore(before);
    const { sql } = rows.storage;
    const exec = sql.exec.bind(sql);
    let writes = 0;
    sql.exec = (query, ...bindings) => {
      if (query.startsWith("INSERT") && ++writes === 3) throw new Error("the disk is full");
      return exec(query, ...bindings);
    };
    expect(() => rows.load()).toThrow("the disk is full");
    expect(rows.replicaRows).toBe(0);
    sql.exec = exec;
    expect(rows.load()).toMatchObject({ deployments: { Fixed: { target: 3 } } });
  });
});

describe("rows", () => {
  it("give the same application again, with its replicas in their order", async () => {
    const before = await storedApplication();
    const rows = new StoredRows();
    rows.replace(before);
    expect(rows.load()).toEqual(before);
  });

  it("that belong together are written together, or not at all", async () => {
    const before = await storedApplication();
    const rows = new StoredRows();
    rows.replace(before);
    const [replica] = before.deployments["Fixed"]!.replicas;
    const row = { sequence: 0, ...replica!, deployment: "Fixed", message: "changed" };
    const circular: Record<string, unknown> = {};
    circular["itself"] = circular;
    const changes: Changes = {
      application: undefined,
      deployments: [],
      replicas: [row, { ...row, stats: circular as never }],
      gone: ["app/Model/-/0.0"],
    };
    expect(() => rows.save(changes)).toThrow();
    expect(rows.load()).toEqual(before);
  });

  it("of replicas that are gone are gone", async () => {
    const world = new ControlledWorld(manifestOf({ Model: { numReplicas: 3 } }));
    await world.run();
    await world.controller.scale("Model", 1);
    await world.run(200_000);
    expect(world.stored!.deployments["Model"]!.replicas.map(({ ref }) => ref.name)).toEqual(["app/Model/-/0.0"]);
  });
});

describe("a controller that could not store what it had decided", () => {
  it("knows what is stored, and nothing else", async () => {
    const world = new ControlledWorld(manifestOf({ Model: { numReplicas: 1 } }));
    await world.run();
    const before = await world.status();
    world.isFull = true;
    await expect(world.controller.scale("Model", 3)).rejects.toThrow("full");
    expect(await world.status()).toEqual(before);
    world.isFull = false;
    expect(await world.controller.scale("Model", 3)).toBeUndefined();
    await world.run();
    expect(await world.model()).toMatchObject({ replica_states: { RUNNING: 3 } });
  });
});
