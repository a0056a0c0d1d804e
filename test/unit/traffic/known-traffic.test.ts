import { describe, expect, it } from "vitest";
import type { RouteConfig } from "../../../src/protocol/traffic.ts";
import { decodeFigures, requestsIn } from "../../../src/traffic/figures.ts";
import { isOwnError, KnownTraffic, REFRESH_MS } from "../../../src/traffic/known-traffic.ts";
import { applied, compiledTable, NO_TRAFFIC, ordered, tableOf } from "../../../src/traffic/state.ts";
import { CANARY } from "../../support/measured-traffic.ts";

const CANARY_ROUTE: RouteConfig = { prefix: "/search", stickyHeader: "x-user", canary: CANARY };
const SPLIT_ROUTE: RouteConfig = {
  prefix: "/rank",
  split: [
    { application: "a", percent: 70 },
    { application: "b", percent: 20 },
    { application: "c", percent: 10 },
  ],
};
const state = applied(NO_TRAFFIC, [CANARY_ROUTE, SPLIT_ROUTE], 0);
const isolate = (table = tableOf(state)) => new KnownTraffic("isolate", table);
const [search, rank] = isolate().prefixes as [Prefix, Prefix];
type Prefix = KnownTraffic["prefixes"][number];

describe("an isolate's choice", () => {
  it("comes to the shares, drawn request by request", () => {
    const counts = new Map<string, number>();
    // Every possible draw once.
    for (let n = 0; n < 10_000; n++) {
      const { application } = rank.choose(undefined, n / 10_000);
      counts.set(application, (counts.get(application) ?? 0) + 1);
    }
    expect(Object.fromEntries(counts)).toEqual({ a: 7000, b: 2000, c: 1000 });
  });

  it("comes near the shares by sticky values, and is the same for each of them in every isolate", () => {
    const values = Array.from({ length: 10_000 }, (_, user) => `user-${user}`);
    const chosen = values.map((value) => search.choose(value, 0).application);
    expect(isolate().prefixes[0]!.choose("user-1", 0.99).application).toBe(chosen[1]);
    // 500; five standard deviations are 109.
    expect(Math.abs(chosen.filter((application) => application === "v2").length - 500)).toBeLessThan(109);
  });

  it.each([null, undefined, ""])("is drawn for a request whose header is %j", (sticky) => {
    expect([0, 0.9999].map((random) => search.choose(sticky, random).application)).toEqual(["v1", "v2"]);
  });

  it("names the window of a canary that is measured, for both of its applications", () => {
    expect([0, 0.9999].map((random) => search.choose(null, random).window)).toEqual([1, 1]);
    expect(rank.choose(null, 0)).toEqual({ application: "a" });
  });
});

describe("an isolate's knowledge", () => {
  it("[K1] is refreshed at most every two seconds, whether or not there is an answer", () => {
    const known = isolate();
    const asked = [0, 1, REFRESH_MS - 1, REFRESH_MS, REFRESH_MS + 1, 10 * REFRESH_MS].map((atMs) => known.due(atMs) !== undefined);
    expect(asked).toEqual([true, false, false, true, false, true]);
  });

  it("[K2] is replaced by what is newer only", () => {
    const known = new KnownTraffic("isolate", compiledTable([CANARY_ROUTE]));
    expect(known.prefixes[0]!.choose(null, 0.9999)).toEqual({ application: "v1" });
    expect(known.take(tableOf(state))).toBe(true);
    expect(known.prefixes[0]!.choose(null, 0.9999)).toEqual({ application: "v2", window: 1 });
    const older = compiledTable([SPLIT_ROUTE]);
    expect([known.take(older), known.take(tableOf(state)), known.take(undefined)]).toEqual([false, false, false]);
    expect(known.prefixes.map(({ prefix }) => prefix)).toEqual(["/search", "/rank"]);
    expect(known.due(0)!.revision).toBe(state.revision);
  });

  it.each([
    [500, true],
    [502, true],
    [503, true],
    [408, true],
    [429, false],
    [404, false],
    [499, false],
    [200, false],
  ])("takes %i from the ingress for an error of the candidate's: %s", (status, isError) => {
    expect(isOwnError(status)).toBe(isError);
    const known = isolate();
    known.answeredInstead(known.prefixes[0]!, "v2", { status, durationMs: 1 });
    expect(known.due(0)!.reports.length).toBe(isError ? 1 : 0);
  });

  it("counts every answer of an application whose handler runs in the ingress, on either side", () => {
    const known = isolate();
    for (const status of [200, 404, 500]) known.answered(1, "v2", { status, durationMs: 3 });
    known.answered(1, "v1", { status: 200, durationMs: 3 });
    const { reports } = known.due(0)!;
    expect(reports.map(({ application, counts }) => [application, requestsIn(decodeFigures(counts[0]![1])!)])).toEqual([
      ["v2", 3],
      ["v1", 1],
    ]);
  });

  it("says when it has something to tell, for the case that no further request comes", () => {
    const known = isolate();
    known.due(1000);
    expect(known.tellAtMs).toBeUndefined();
    known.answeredInstead(known.prefixes[0]!, "v2", { status: 503, durationMs: 1 });
    expect(known.tellAtMs).toBe(3000);
    expect(known.due(3000)!.reports.length).toBe(1);
    expect(known.tellAtMs).toBeUndefined();
    known.lost();
    expect(known.tellAtMs).toBe(5000);
  });

  it("tells what was answered in the candidate's place, all of it each time, and nothing of anybody else's", () => {
    const known = isolate();
    const [search, rank] = known.prefixes as [Prefix, Prefix];
    const answer = { status: 503, durationMs: 3 };
    known.answeredInstead(search, "v1", answer);
    known.answeredInstead(rank, "a", answer);
    expect(known.due(0)!.reports).toEqual([]);
    for (const atMs of [2000, 4000]) {
      known.answeredInstead(search, "v2", answer);
      const [report] = known.due(atMs)!.reports;
      expect(report).toEqual({ source: "isolate", run: 0, application: "v2", counts: [[1, expect.any(String)]] });
      expect(requestsIn(decodeFigures(report!.counts[0]![1])!)).toBe(atMs / 2000);
    }
    known.take(tableOf(ordered(state, { prefix: "/search", kind: "rollback" }, 0)!));
    expect(known.due(6000)!.reports, "nothing of a canary that has ended").toEqual([]);
  });
});
