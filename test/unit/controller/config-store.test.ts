import { describe, expect, it } from "vitest";
import { ConfigStore, type StoredConfig } from "../../../src/controller/config-store.ts";
import type { StoredTraffic } from "../../../src/controller/traffic-keeper.ts";
import type { ConfigChange } from "../../../src/protocol/control.ts";
import type { ApplicationManifest } from "../../../src/protocol/manifest.ts";
import { manifestOf } from "../../support/controlled-world.ts";

const app = (name: string, routePrefix = `/${name}`): ApplicationManifest => ({ ...manifestOf({ Model: {} }, routePrefix), name });

class StoreWorld {
  stored: StoredConfig | undefined;
  traffic: StoredTraffic | undefined;
  alarmAtMs: number | undefined;
  /** What each controller was given, in order. */
  readonly delivered: [app: string, change: ConfigChange][] = [];
  deliver: (app: string) => Promise<void> = async () => {};
  store = this.make("v1");

  make(version: string): ConfigStore {
    return new ConfigStore({
      compiled: { protocol: 1, version, applications: [app("a"), app("b")] },
      load: () => structuredClone(this.stored),
      save: (config) => (this.stored = structuredClone(config)),
      traffic: { load: () => structuredClone(this.traffic), save: (traffic) => (this.traffic = structuredClone(traffic)) },
      wakeAt: (timeMs) => (this.alarmAtMs = timeMs),
      deliver: async (name, change) => {
        await this.deliver(name);
        this.delivered.push([name, change]);
      },
      now: () => 5000,
    });
  }

  get summary(): unknown {
    return this.delivered.map(([name, { revision, application }]) => [name, revision, application?.routePrefix ?? null]);
  }
}

describe("what an operator puts", () => {
  it("[F1] is stored, reaches each controller, and then needs no alarm", async () => {
    const world = new StoreWorld();
    expect(await world.store.put("v1", [app("a", "/x"), app("b")])).toBe(1);
    expect(world.summary).toEqual([
      ["a", 1, "/x"],
      ["b", 1, "/b"],
    ]);
    expect([world.alarmAtMs, world.stored?.pending]).toEqual([undefined, []]);
    expect((await world.store.current())["a"]?.routePrefix).toBe("/x");
  });

  it("takes away what it does not name", async () => {
    const world = new StoreWorld();
    await world.store.put("v1", [app("a")]);
    expect(world.summary).toEqual([
      ["a", 1, "/a"],
      ["b", 1, null],
    ]);
    expect(await world.store.current()).toMatchObject({ b: null });
  });

  it("[F2] is not acknowledged while a controller does not have it, and is brought to it later", async () => {
    const world = new StoreWorld();
    world.deliver = async (name) => {
      if (name === "b") throw new Error("b is away");
    };
    await expect(world.store.put("v1", [app("a"), app("b", "/y")])).rejects.toThrow("b is away");
    expect([world.alarmAtMs, world.stored?.pending]).toEqual([6000, ["b"]]);
    await expect(world.store.alarm()).rejects.toThrow("b is away");
    expect(world.alarmAtMs).toBe(6000);
    world.deliver = async () => {};
    // The object was lost meanwhile.
    await world.make("v1").alarm();
    expect(world.delivered.map(([name]) => name)).toEqual(["a", "b"]);
    expect(world.alarmAtMs).toBeUndefined();
  });

  it("[F2] is stored, and an alarm set, before the first controller hears of it", async () => {
    const world = new StoreWorld();
    world.deliver = async () => {
      expect([world.stored?.revision, world.alarmAtMs]).toEqual([1, 6000]);
    };
    await world.store.put("v1", [app("a"), app("b")]);
    expect(world.delivered).toHaveLength(2);
  });

  it("[F2] leaves the rest of an older document to the newer one", async () => {
    const world = new StoreWorld();
    const slow = Promise.withResolvers<void>();
    world.deliver = () => slow.promise;
    const first = world.store.put("v1", [app("a", "/1"), app("b")]);
    world.deliver = async () => {};
    expect(await world.store.put("v1", [app("a", "/2"), app("b")])).toBe(2);
    slow.resolve();
    await first;
    expect(world.stored).toMatchObject({ revision: 2, pending: [], applications: { a: { routePrefix: "/2" } } });
  });

  it("[F3] is forgotten once newer code runs, and its revisions go on", async () => {
    const world = new StoreWorld();
    await world.store.put("v1", [app("a", "/x")]);
    const newer = world.make("v2");
    expect(await newer.current()).toMatchObject({ a: { routePrefix: "/a" }, b: { routePrefix: "/b" } });
    expect(await newer.put("v2", [app("a")])).toBe(3);
  });

  it("[F3] stays forgotten when the code of before comes back, and its controllers are told", async () => {
    const world = new StoreWorld();
    await world.store.put("v1", [app("a", "/x"), app("c")]);
    world.make("v2");
    world.delivered.length = 0;
    const again = world.make("v1");
    expect(await again.current()).toMatchObject({ a: { routePrefix: "/a" }, b: { routePrefix: "/b" }, c: null });
    expect(world.alarmAtMs).toBe(5000);
    await again.alarm();
    expect(world.delivered.map(([name, change]) => [name, change.version, change.isCompiled])).toEqual([
      ["a", "v1", true],
      ["b", "v1", true],
      ["c", "v1", true],
    ]);
    expect(world.alarmAtMs).toBeUndefined();
  });

  it("[F3] is forgotten for an application whose controller has seen newer code, though the store has not", async () => {
    const world = new StoreWorld();
    await world.store.put("v1", [app("a", "/x"), app("b", "/y")]);
    await world.store.moved("v2", "a");
    await world.store.moved("v1", "b");
    expect(await world.make("v1").current()).toMatchObject({ a: { routePrefix: "/a" }, b: { routePrefix: "/y" } });
  });

  it("is refused where it was checked against other code", async () => {
    const world = new StoreWorld();
    await expect(world.store.put("v0", [app("a")])).rejects.toThrow("against version v0 of the code, and v1 runs. Send it again.");
    expect(world.stored).toBeUndefined();
  });
});

describe("remove", () => {
  it("takes one application away, once", async () => {
    const world = new StoreWorld();
    expect(await world.store.remove("v1", "a")).toBe(true);
    expect(await world.store.current()).toMatchObject({ a: null, b: { name: "b" } });
    expect([await world.store.remove("v1", "a"), await world.store.remove("v1", "c")]).toEqual([false, false]);
  });
});

describe("an alarm with nothing to do", () => {
  it("does nothing", async () => {
    const world = new StoreWorld();
    await world.store.alarm();
    await world.store.put("v1", [app("a"), app("b")]);
    const { length } = world.delivered;
    await world.store.alarm();
    expect(world.delivered).toHaveLength(length);
  });
});
