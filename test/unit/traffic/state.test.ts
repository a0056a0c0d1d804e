import { describe, expect, it } from "vitest";
import type { RouteConfig } from "../../../src/protocol/traffic.ts";
import { cellsIn } from "../../../src/traffic/cells.ts";
import { compiledPlaceOf, compiledTable, prefixesNaming, tableFor, tableOf } from "../../../src/traffic/state.ts";
import { routesListing, routesStatus } from "../../../src/traffic/status.ts";
import { answers, CANARY, report } from "../../support/measured-traffic.ts";
import { canaryRoute, SPLIT, TrafficWorld } from "../../support/traffic-world.ts";

const step = CANARY.stepIntervalMs;

describe("a split", () => {
  it("is shown with its shares and since when it has them", () => {
    const world = new TrafficWorld().put(SPLIT);
    world.nowMs += 5000;
    const split = [
      { application: "a", percent: 33.33 },
      { application: "b", percent: 66.67 },
    ];
    world.put({ ...SPLIT, split }).nowMs += 5000;
    world.put({ ...SPLIT, split, shadow: { application: "c", percent: 100 } });
    expect(world.status("/rank")).toEqual({ state: "SPLIT", split: { a: 33.33, b: 66.67 }, reason: expect.any(String), since_s: 1005 });
    expect(routesListing(tableOf(world.state))).toEqual({ "/rank": { a: 33.33, b: 66.67 } });
  });

  it("is gone with a document that does not have it, and deletes nothing else", () => {
    const world = new TrafficWorld().put(SPLIT, canaryRoute()).put(canaryRoute());
    expect(routesListing(tableOf(world.state))).toEqual({ "/search": { v1: 95, v2: 5 } });
    expect(routesStatus(world.put().state, 0)).toEqual({});
  });

  it("keeps the applications that it names from being deleted", () => {
    const routes = [{ ...SPLIT, shadow: { application: "c", percent: 0 } }, canaryRoute()];
    expect(["a", "c", "v2", "d"].map((name) => prefixesNaming(routes, name))).toEqual([["/rank"], ["/rank"], ["/search"], []]);
  });
});

describe("the table that isolates have", () => {
  it("[T3] has a new revision exactly when something in it has changed", () => {
    const world = new TrafficWorld();
    const revisions: number[] = [];
    const see = ({ state }: TrafficWorld) => revisions.push(state.revision);
    see(world);
    see(world.put(SPLIT, canaryRoute()));
    see(world.put(SPLIT, canaryRoute()));
    see(world.answered(answers(60)));
    see(world.run(step));
    see(world.put({ ...SPLIT, stickyHeader: "x" }, canaryRoute()));
    see(world.order("rollback"));
    expect(revisions).toEqual([0, 1, 1, 1, 2, 3, 4]);
    expect(tableFor(world.state, 4)).toBeUndefined();
    expect(tableFor(world.state, 3)).toEqual(tableOf(world.state));
  });

  it("[T4] counts no two steps, canaries or prefixes under one number", () => {
    const other: RouteConfig = { prefix: "/other", canary: { ...CANARY } };
    const world = new TrafficWorld();
    const seen: number[] = [];
    const see = ({ state }: TrafficWorld) => seen.push(...tableOf(state).entries.flatMap(({ canary }) => canary?.window ?? []));
    see(world.put(canaryRoute(), other));
    for (const window of [1, 2]) world.report(report("v2", window, answers(60)));
    see(world.run(step));
    see(world.put());
    see(world.put(canaryRoute()));
    expect(seen).toEqual([1, 2, 3, 4, 5]);
  });

  it("names the window of a canary only while it is measured", () => {
    const world = new TrafficWorld().put(SPLIT, canaryRoute());
    expect(tableOf(world.state).entries.map(({ canary }) => canary)).toEqual([undefined, { candidate: "v2", window: 1 }]);
    expect(tableOf(world.order("promote").state).entries.map(({ canary }) => canary)).toEqual([undefined, undefined]);
  });

  it("is the compiled document's as long as nothing else is known: a split as it begins, a canary's stable application alone", () => {
    const routes = [SPLIT, canaryRoute()];
    const compiled = compiledTable(routes);
    const { entries } = tableOf(new TrafficWorld().put(...routes).state);
    expect(compiled.entries[0]).toEqual(entries[0]);
    expect(compiled.entries[1]).toEqual({ prefix: "/search", cells: expect.anything() });
    expect(cellsIn(compiled.entries[1]!.cells, "v1")).toBe(10_000);
    expect(compiled.revision).toBeLessThan(new TrafficWorld().put(...routes).state.revision);
  });
});

describe("the place that an application was compiled for", () => {
  const nothing = { prefix: null, isShared: false };

  it.each<[string, { name: string; routePrefix: string | null }, RouteConfig[], object]>([
    ["its own prefix", { name: "a", routePrefix: "/a" }, [SPLIT], { prefix: "/a", isShared: false }],
    ["the one prefix that it shares", { name: "a", routePrefix: null }, [SPLIT, canaryRoute()], { prefix: "/rank", isShared: true }],
    ["that of its canary", { name: "v2", routePrefix: null }, [SPLIT, canaryRoute()], { prefix: "/search", isShared: true }],
    ["none where it shares two", { name: "a", routePrefix: null }, [SPLIT, { ...SPLIT, prefix: "/other" }], nothing],
    [
      "none where it is a shadow only",
      { name: "c", routePrefix: null },
      [{ ...SPLIT, shadow: { application: "c", percent: 100 } }],
      nothing,
    ],
    ["none without a route", { name: "a", routePrefix: null }, [], nothing],
  ])("is %s", (_, application, routes, place) => {
    expect(compiledPlaceOf(application, routes)).toEqual(place);
  });
});
