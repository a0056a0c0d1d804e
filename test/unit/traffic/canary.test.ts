import { describe, expect, it } from "vitest";
import type { RouteConfig } from "../../../src/protocol/traffic.ts";
import { decodeCells } from "../../../src/traffic/cells.ts";
import type { Figures } from "../../../src/traffic/figures.ts";
import { applied, ordered, reported, tableOf, wakeAtMs } from "../../../src/traffic/state.ts";
import { measuredSides } from "../../../src/traffic/status.ts";
import { answers, CANARY, report } from "../../support/measured-traffic.ts";
import { canaryRoute, SPLIT, TrafficWorld } from "../../support/traffic-world.ts";

const step = CANARY.stepIntervalMs;

describe("a canary", () => {
  it("starts at the first step", () => {
    const world = new TrafficWorld().put(canaryRoute());
    expect(world.status()).toEqual({
      state: "PROGRESSING",
      split: { v1: 95, v2: 5 },
      percent: 5,
      reason: expect.stringContaining("0 of the 50 requests"),
      since_s: 1000,
    });
  });

  it("goes on a step with each good interval, and is promoted after one at 100", () => {
    const world = new TrafficWorld().put(canaryRoute());
    for (const percent of [25, 50, 100]) {
      world.answered(answers(60)).run(step);
      expect(world.at).toEqual(["PROGRESSING", percent]);
    }
    expect(world.status().split).toEqual({ v1: 0, v2: 100 });
    world.answered(answers(60), answers(0)).run(step);
    expect(world.status()).toMatchObject({ state: "PROMOTED", percent: 100, split: { v1: 0, v2: 100 }, since_s: world.nowMs / 1000 });
    world.run(100 * step);
    expect(world.at).toEqual(["PROMOTED", 100]);
  });

  it("holds with fewer requests, for however long, and goes on once they are in", () => {
    const world = new TrafficWorld()
      .put(canaryRoute())
      .answered(answers(49))
      .run(50 * step);
    expect(world.at).toEqual(["PROGRESSING", 5]);
    expect(wakeAtMs(world.state), "an idle system is not woken").toBeUndefined();
    world.answered(answers(50));
    expect(world.at).toEqual(["PROGRESSING", 25]);
  });

  it("goes on by time alone when nothing is reported any more", () => {
    const world = new TrafficWorld()
      .put(canaryRoute())
      .answered(answers(50))
      .run(step - 1);
    expect(world.at).toEqual(["PROGRESSING", 5]);
    expect(world.run(1).at).toEqual(["PROGRESSING", 25]);
  });

  it.each<[string, Figures]>([
    ["its errors", answers(50, { errors: 2 })],
    ["its p95", answers(50, { ms: 200 })],
  ])("goes back to 0 as soon as enough requests are in, for %s", (_, bad) => {
    const world = new TrafficWorld().put(canaryRoute()).answered(answers(60)).run(step).run(1000).answered(bad);
    expect(world.status()).toMatchObject({ state: "ROLLED_BACK", percent: 0, split: { v1: 100, v2: 0 }, since_s: world.nowMs / 1000 });
    expect(world.status().reason).toContain("25 %");
    expect(decodeCells(tableOf(world.state).entries[0]!.cells)).not.toContain("v2");
  });

  it("goes back at 100 % too, by the p95 that the stable one had last", () => {
    const world = new TrafficWorld()
      .put(canaryRoute({ steps: [50, 100] }))
      .answered(answers(60), answers(60, { ms: 30 }))
      .run(step);
    expect(world.answered(answers(60, { ms: 44 }), answers(0)).at).toEqual(["PROGRESSING", 100]);
    expect(world.answered(answers(120, { ms: 60 }), answers(0)).at).toEqual(["ROLLED_BACK", 0]);
  });

  it("is judged at 100 % by its errors alone, if nothing is known of the stable one's latency", () => {
    const slow = new TrafficWorld().put(canaryRoute({ steps: [100] })).answered(answers(60, { ms: 60_000 }), answers(0));
    expect(slow.run(step).at).toEqual(["PROMOTED", 100]);
    const failing = new TrafficWorld().put(canaryRoute({ steps: [100] })).answered(answers(60, { errors: 30 }), answers(0));
    expect(failing.at).toEqual(["ROLLED_BACK", 0]);
  });

  it("is measured by the stable one of that step, where that has enough requests", () => {
    const world = new TrafficWorld()
      .put(canaryRoute())
      .answered(answers(60), answers(1000, { ms: 20 }))
      .run(step);
    // Now the stable one is slow too: a common cause is no reason to go back.
    expect(world.answered(answers(60, { ms: 200 }), answers(60, { ms: 190 })).run(step).at).toEqual(["PROGRESSING", 50]);
  });

  it("is measured by what was known before too, where the stable one has few requests in the step", () => {
    const world = new TrafficWorld()
      .put(canaryRoute({ steps: [50, 99, 100] }))
      .answered(answers(60), answers(1000, { ms: 100 }))
      .run(step);
    expect(world.answered(answers(60, { ms: 110 }), answers(1, { ms: 2 })).at).toEqual(["PROGRESSING", 99]);
  });

  it("goes back if it reports nothing and the ingress has answered 503 in its place", () => {
    const world = new TrafficWorld().put(canaryRoute()).report(report("v1", 1, answers(1000)));
    for (let isolate = 0; isolate < 10; isolate++) {
      world.report(report("v2", 1, answers(5, { errors: 5, ms: 1 }), { source: `isolate-${isolate}` }));
      expect(world.at).toEqual(isolate < 9 ? ["PROGRESSING", 5] : ["ROLLED_BACK", 0]);
    }
  });

  it("counts what its replicas and the ingress report together", () => {
    const world = new TrafficWorld().put(canaryRoute()).answered(answers(49));
    world.report(report("v2", 1, answers(1, { errors: 1 }), { source: "isolate" }));
    expect(world.at).toEqual(["ROLLED_BACK", 0]);
  });

  it("does not count what was answered in an earlier step, however late it is told", () => {
    const world = new TrafficWorld().put(canaryRoute()).answered(answers(60)).run(step);
    world.report(report("v2", 1, answers(1000, { errors: 1000 })));
    expect(world.at).toEqual(["PROGRESSING", 25]);
    expect(world.status().reason).toContain("0 of the 50 requests");
  });

  it("counts reports of other applications, and of prefixes without a canary, for nothing", () => {
    const world = new TrafficWorld().put(SPLIT, canaryRoute());
    const { state } = world;
    expect(reported(state, report("b", 1, answers(100, { errors: 100 })), 0)).toBe(state);
    expect(reported(state, report("v2", 7, answers(100, { errors: 100 })), 0)).toBe(state);
  });

  it("is not ended by figures once it has ended", () => {
    const world = new TrafficWorld().put(canaryRoute()).order("promote");
    expect(world.report(report("v2", 1, answers(100, { errors: 100 }))).run(10 * step).at).toEqual(["PROMOTED", 100]);
    world.order("rollback").report(report("v2", 1, answers(100)));
    expect(world.run(10 * step).at).toEqual(["ROLLED_BACK", 0]);
  });

  it("stays where it is through an equal document, new shadows and new headers", () => {
    const failed = new TrafficWorld().put(canaryRoute()).answered(answers(60, { errors: 60 }));
    const { state } = failed;
    expect(applied(state, [canaryRoute()], 5e9)).toBe(state);
    failed.put({ ...canaryRoute(), stickyHeader: "x-user", shadow: { application: "v3", percent: 1 } });
    expect(failed.at).toEqual(["ROLLED_BACK", 0]);
    const half = new TrafficWorld().put(canaryRoute()).answered(answers(60)).run(step).put(SPLIT, canaryRoute());
    expect(half.at).toEqual(["PROGRESSING", 25]);
  });

  it.each<[string, RouteConfig]>([
    ["another candidate", canaryRoute({ candidate: "v3" })],
    ["other limits", canaryRoute({ maxErrorPercent: 2 })],
    ["other steps", canaryRoute({ steps: [5, 100] })],
  ])("begins at its first step, with figures of its own, when its entry has %s", (_, route) => {
    const world = new TrafficWorld()
      .put(canaryRoute())
      .answered(answers(60, { errors: 60 }))
      .put(route);
    expect(world.at).toEqual(["PROGRESSING", 5]);
    // The same candidate under the entry before.
    world.report(report(route.canary!.candidate, 1, answers(90, { errors: 90 })));
    expect(world.at).toEqual(["PROGRESSING", 5]);
    expect(world.status().reason).toContain("0 of the 50 requests");
    expect(world.window).toBe(2);
  });

  it("begins anew when its entry was gone in between", () => {
    const world = new TrafficWorld().put(canaryRoute()).order("rollback").put().put(canaryRoute());
    expect(world.at).toEqual(["PROGRESSING", 5]);
  });

  it("follows a promoted one: the candidate of before is the stable one now", () => {
    const world = new TrafficWorld()
      .put(canaryRoute())
      .order("promote")
      .put(canaryRoute({ stable: "v2", candidate: "v3" }));
    expect(world.status()).toMatchObject({ state: "PROGRESSING", split: { v2: 95, v3: 5 }, percent: 5 });
  });

  it("takes over from a split, and the other way round, with as few moves as shares ask for", () => {
    const world = new TrafficWorld().put({
      ...SPLIT,
      prefix: "/search",
      split: [
        { application: "v1", percent: 95 },
        { application: "v2", percent: 5 },
      ],
    });
    const cells = () => decodeCells(tableOf(world.state).entries[0]!.cells);
    const before = cells();
    world.put(canaryRoute());
    expect(cells()).toEqual(before);
  });

  it("moves members of the stable one only, as it goes on", () => {
    const world = new TrafficWorld().put(canaryRoute());
    const cells = () => decodeCells(tableOf(world.state).entries[0]!.cells);
    for (let before = cells(); world.status().percent! < 100; before = cells()) {
      world.answered(answers(60)).run(step);
      const after = cells();
      expect(before.every((owner, cell) => owner !== "v2" || after[cell] === "v2")).toBe(true);
    }
  });

  it.each(["promote", "rollback"] as const)("is ended by the operator's %s, which can be said twice", (kind) => {
    const world = new TrafficWorld().put(SPLIT, canaryRoute()).order(kind);
    expect(world.status()).toMatchObject({
      state: kind === "promote" ? "PROMOTED" : "ROLLED_BACK",
      percent: kind === "promote" ? 100 : 0,
      reason: expect.stringContaining("operator"),
    });
    const { state } = world;
    expect(ordered(state, { prefix: "/search", kind }, 9e9)).toBe(state);
    expect(applied(state, [SPLIT, canaryRoute()], 9e9), "an equal document does not clear it").toBe(state);
  });

  it.each(["/rank", "/nothing"])("is not there to be ended at %s", (prefix) => {
    const { state } = new TrafficWorld().put(SPLIT, canaryRoute());
    expect(ordered(state, { prefix, kind: "promote" }, 0)).toBeUndefined();
  });

  it("shows what both sides were measured by, after its end too", () => {
    const world = new TrafficWorld().put(canaryRoute()).answered(answers(80, { errors: 4 }), answers(200));
    const sides = [
      { application: "v1", requests: 200, errorPercent: 0, p95Ms: expect.closeTo(20, -0.5) },
      { application: "v2", requests: 80, errorPercent: 5, p95Ms: expect.closeTo(20, -0.5) },
    ];
    expect(world.at).toEqual(["ROLLED_BACK", 0]);
    expect(measuredSides(world.state.routes[0]!)).toEqual(sides);
    expect(measuredSides(new TrafficWorld().put(SPLIT).state.routes[0]!)).toEqual([]);
  });
});
