import { describe, expect, it } from "vitest";
import { ConfigStore, type StoredConfig } from "../../../src/controller/config-store.ts";
import type { StoredTraffic } from "../../../src/controller/traffic-keeper.ts";
import type { ConfigChange } from "../../../src/protocol/control.ts";
import type { ApplicationManifest } from "../../../src/protocol/manifest.ts";
import { FigureLog } from "../../../src/traffic/figure-log.ts";
import { manifestOf } from "../../support/controlled-world.ts";

const app = (name: string, routePrefix = `/${name}`): ApplicationManifest => ({ ...manifestOf({ Model: {} }, routePrefix), name });

class StoreWorld {
  stored: StoredConfig | undefined;
  traffic: StoredTraffic | undefined;
  alarmAtMs: number | undefined;
  nowMs = 5000;
  /** What each controller was given, in order. */
  readonly delivered: [app: string, change: ConfigChange][] = [];
  deliver: (app: string) => Promise<void> = async () => {};
  store = this.make("v1");

  make(version: string): ConfigStore {
    return new ConfigStore({
      measured: { load: () => undefined, save: () => {} },
      compiled: { protocol: 1, version, applications: [app("a"), app("b")] },
      load: () => structuredClone(this.stored),
      save: (config) => (this.stored = structuredClone(config)),
      traffic: { load: () => structuredClone(this.traffic), save: (traffic) => (this.traffic = structuredClone(traffic)) },
      wakeAt: (timeMs) => (this.alarmAtMs = timeMs),
      deliver: async (name, change) => {
        await this.deliver(name);
        this.delivered.push([name, change]);
      },
      now: () => this.nowMs,
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

describe("the routes of a document", () => {
  const split = (shares: Readonly<Record<string, number>>) => [
    { prefix: "/s", split: Object.entries(shares).map(([application, percent]) => ({ application, percent })) },
  ];

  it("[F5] are told together with its applications, to whoever does not know them", async () => {
    const world = new StoreWorld();
    expect(await world.store.traffic({ revision: 0, routing: 0, reports: [] })).toBeUndefined();
    await world.store.put("v1", [app("a", "/x"), app("b")], split({ a: 100 }));
    const news = await world.store.traffic({ revision: 0, routing: 0, reports: [] });
    expect(news).toMatchObject({
      routing: 1,
      table: { revision: 1, entries: [{ prefix: "/s" }] },
      applications: { a: { routePrefix: "/x" } },
    });
    expect(await world.store.traffic({ revision: 1, routing: 1, reports: [] })).toBeUndefined();
    // A new prefix, and the same routes.
    await world.store.put("v1", [app("a", "/x/y"), app("b")], split({ a: 100 }));
    expect(await world.store.traffic({ revision: 1, routing: 1, reports: [] })).toMatchObject({ routing: 2 });
  });

  it("are told to the application whose requests they take", async () => {
    const world = new StoreWorld();
    await world.store.put("v1", [app("a", "/"), app("b")], []);
    await world.store.put("v1", [app("a", "/"), app("b")], split({ b: 100 }));
    expect(world.delivered.map(([name, { routing }]) => [name, routing]).slice(-2)).toEqual([
      ["a", 2],
      ["b", undefined],
    ]);
    // Other shares are no other prefixes.
    await world.store.put("v1", [app("a", "/"), app("b")], split({ b: 50, a: 50 }));
    expect(world.delivered.at(-2)?.[1].routing).toBe(2);
  });

  it("keep an application from being deleted", async () => {
    const world = new StoreWorld();
    await world.store.put("v1", [app("a"), app("b")], split({ a: 100 }));
    expect(await world.store.remove("v1", "a")).toEqual(["/s"]);
    expect([await world.store.remove("v1", "b"), await world.store.remove("v1", "c")]).toEqual([true, false]);
  });

  it("outlive the object, and are the code's again with new code", async () => {
    const world = new StoreWorld();
    await world.store.put("v1", [app("a"), app("b")], split({ a: 100 }));
    expect((await world.make("v1").routes()).configs).toEqual(split({ a: 100 }));
    expect((await world.make("v2").routes()).configs).toEqual([]);
  });
});

describe("a canary", () => {
  const canary = {
    stable: "a",
    candidate: "b",
    steps: [50, 100],
    stepIntervalMs: 5000,
    minRequests: 2,
    maxErrorPercent: 0,
    maxP95Ratio: 2,
  };
  const counted = (answers: number, errors = 0) => {
    const log = new FigureLog();
    for (let answer = 0; answer < answers; answer++) log.count(1, 1, answer < errors);
    return { source: "controller", run: 0, application: "b", counts: log.counts() };
  };

  it("[F4] is looked at by the alarm when its step is over, also by an object that was lost meanwhile", async () => {
    const world = new StoreWorld();
    await world.store.put("v1", [app("a"), app("b")], [{ prefix: "/c", canary }]);
    expect(world.alarmAtMs).toBeUndefined();
    await world.store.counted(counted(2));
    expect(world.alarmAtMs).toBe(10_000);
    world.alarmAtMs = undefined;
    const later = world.make("v1");
    expect(world.alarmAtMs).toBe(10_000);
    world.nowMs = 10_000;
    await later.alarm();
    expect((await later.routes()).status["/c"]).toMatchObject({ state: "PROGRESSING", percent: 100 });
  });

  it("goes back with the report that says too much", async () => {
    const world = new StoreWorld();
    await world.store.put("v1", [app("a"), app("b")], [{ prefix: "/c", canary }]);
    await world.store.traffic({ revision: 1, reports: [counted(2, 1)] });
    expect((await world.store.routes()).status["/c"]).toMatchObject({ state: "ROLLED_BACK", percent: 0 });
    expect([await world.store.order({ prefix: "/c", kind: "promote" }), await world.store.order({ prefix: "/", kind: "promote" })]).toEqual(
      [true, false],
    );
  });
});
