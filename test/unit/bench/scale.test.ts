import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { controlOf, needByHand, needWithUs, sizingOf, totalOf, WORKLOADS } from "../../../bench/scale/arithmetic.ts";
import { overheadIn } from "../../../bench/scale/inputs.ts";
import { LIMIT_TEXTS } from "../../../bench/scale/limit-texts.ts";
import { replicasAt, valueAt } from "../../../bench/scale/limits.ts";
import { costsOf } from "../../../bench/scale/measure.ts";
import { componentsOf, exceptionsOf, HALF } from "../../../bench/scale/components.ts";
import { LARGEST, limitsOf } from "../../../bench/scale/sections.ts";
import type { Outcome, Scenario } from "../../../bench/scale/simulate.ts";
import { citiesOf, HINTS, NEAR_MS, oneWayMs, REGIONS, weightedHints } from "../../../bench/scale/world.ts";

const OVERHEAD = { oursMs: 0.4, byHandMs: 0.2 };

describe("the arithmetic", () => {
  it("sizes a deployment by what runs out first", () => {
    const size = (cpuMs: number, ioMs: number) => sizingOf({ cpuMs, ioMs }, { overheadMs: 0.2, hasSlots: true });
    // 1,000,000 requests/s: 800 a replica; 600 ms a second of its thread; 80 slots.
    expect(size(0, 50)).toEqual({ replicas: 1250, bound: "requests/s of an object" });
    expect(size(1, 0)).toEqual({ replicas: 2000, bound: "its thread" });
    expect(size(0, 199.8)).toEqual({ replicas: 2500, bound: "its slots" });
    expect(sizingOf({ cpuMs: 0, ioMs: 200 }, { overheadMs: 0.2, hasSlots: false }).bound).toBe("requests/s of an object");
  });

  it("adds up a bill by hand that can be checked by hand", () => {
    const { replicas, bill } = needByHand(WORKLOADS[1], OVERHEAD);
    expect(replicas).toBe(1250);
    // 2.592e12 requests a month.
    expect(bill.workerRequests).toBeCloseTo(777_600, 3);
    expect(bill.objectRequests).toBeCloseTo(388_800, 3);
    expect(bill.workerCpu).toBeCloseTo(2_592_000 * 0.1 * 0.02, 3);
    expect(bill.awake).toBeCloseTo(1250 * 0.128 * 2.592 * 12.5, 3);
    expect(totalOf(bill)).toBeCloseTo(777_600 + 388_800 + 5184 + 5184, 3);
  });

  it("bills refusals, routing and the control plane to edge-serve alone", () => {
    const measured = { overhead: OVERHEAD, hops: 1.5, routeMs: 0.5, controllers: 1 };
    const { bill } = needWithUs(WORKLOADS[1], measured);
    expect(bill.objectRequests).toBeCloseTo(388_800 * 1.5, 3);
    expect(bill.routing).toBeCloseTo(2_592_000 * 0.5 * 0.02, 3);
    expect(bill.control).toBeGreaterThan(0);
    expect(needByHand(WORKLOADS[1], OVERHEAD).bill).toMatchObject({ routing: 0, control: 0 });
  });

  it("counts each deployment of a composition", () => {
    const { sizings, replicas, bill } = needByHand(WORKLOADS[2], OVERHEAD);
    expect(sizings).toHaveLength(3);
    expect(replicas).toBe(3 * 1250);
    expect(bill.objectRequests).toBeCloseTo(3 * 388_800, 3);
  });

  it("counts a report for each replica and interval", () => {
    expect(controlOf(1000)).toEqual({ requests: 100, steadyRequests: 25, rows: 200 });
  });

  it("reads CPU times from the benchmarks' page, and says which figure it has not", () => {
    const page = "| figure | CPU us each | x |\n| --- | --- | --- |\n| handle call | 111 / 83 / 90 | **0.72** (0.49 to 0.85) |";
    expect(overheadIn(page, "handle call")).toEqual({ oursMs: 0.111, byHandMs: 0.083 });
    expect(() => overheadIn(page, "no such")).toThrow('no CPU time for "no such"');
    expect(() => overheadIn("| handle call | 111 / 83 |", "handle call")).toThrow('no CPU time for "handle call"');
  });

  it("finds them in the page that there is", () => {
    const page = readFileSync("docs/benchmarks.md", "utf8");
    for (const { figure } of WORKLOADS) expect(overheadIn(page, figure).oursMs).toBeGreaterThan(0);
  });
});

describe("a limit", () => {
  const square = [10, 100, 1000].map((replicas) => ({ replicas, value: replicas ** 2 }));

  it("is found between, before and beyond what was measured", () => {
    expect(replicasAt(square, 2500)).toBeCloseTo(50, -1);
    expect(replicasAt(square, 25)).toBeCloseTo(5, -1);
    expect(replicasAt(square, 25e6)).toBeCloseTo(5000, -1);
    expect(valueAt(square, 50)).toBeCloseTo(2500);
    expect(valueAt(square, 5000)).toBeCloseTo(25e6, 0);
  });

  it("takes two readings at least", () => {
    expect(() => replicasAt(square.slice(0, 1), 5)).toThrow("There are 1 readings.");
  });

  it("has words, and comes in the order in which it is met", async () => {
    const limits = limitsOf([await costsOf(20), await costsOf(60)]);
    expect(Object.keys(LIMIT_TEXTS).toSorted()).toEqual(limits.map(({ name }) => name).toSorted());
    const counts = limits.map(({ replicas }) => replicas);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  }, 120_000);
});

describe("a component at 1,000,000 requests/s", () => {
  const page = readFileSync("docs/scale.md", "utf8");
  /** The rows of the tables of the section, by table. */
  const tables = page
    .slice(page.indexOf("## What each component does"), page.indexOf("## What to do at that size"))
    .split(/\n\n/)
    .filter((part) => part.startsWith("| component"))
    .map((part) =>
      part
        .split("\n")
        .slice(2)
        .map((line) => line.split("|").map((cell) => cell.trim())),
    );
  const scrape = { answerBytes: 1, pageBytes: 1, ms: 1 };
  const some = { newsBytes: 1, replyBytes: 1, stateBytes: 1, knowledgeMb: 1, routeUs: 1, writeNewsUs: 1, aliveUs: 1, loadUs: 40 };
  const costs = [1000, 10_000].map((replicas) => ({
    ...some,
    replicas,
    deployMs: 1,
    startMs: 1,
    controllerMb: 1,
    scrape,
    scrapeOfEach: scrape,
  }));
  const scenario = { ...LARGEST, cities: citiesOf(LARGEST.cities), requestsPerS: 1_000_000, replicas: 10_000 };
  const outcome = { busiestPerS: 200, busiestThread: 0.2, mostAtOnce: 5, busiestIsolatePerS: 600 } as Outcome;
  const loads = { costs, scenario: scenario as unknown as Scenario, outcome, workerMs: 0.2 };

  it("is on the page, if there is one", () => {
    const names = [componentsOf(loads), exceptionsOf(loads)].map((components) => components.map(({ name }) => name));
    expect(tables.map((rows) => rows.map(([, name]) => name))).toEqual(names);
  });

  it.each(tables[0]!.map(([, name, load, share]) => ({ name, load, share })))(
    "is not above half of its limit: $name, $load",
    ({ share }) => {
      expect(Number.parseFloat(share!) / 100).toBeLessThanOrEqual(HALF);
    },
  );

  it("is asked by replicas, isolates and tasks no more often than half of what an object takes, as this code has it", () => {
    const asked = componentsOf(loads).filter(({ unit }) => unit === "requests/s");
    expect(asked.map(({ name }) => name)).toEqual(["replica: requests", "controller: requests", "shard of tasks: requests"]);
    for (const { name, load, limit } of asked) expect([name, load / limit <= HALF]).toEqual([name, true]);
  });

  it("that is above half where it is used says up to what number of isolates it is not", () => {
    expect(exceptionsOf(loads)[0]).toMatchObject({ load: 1000, limit: 1000, sentence: expect.stringContaining("is 1,000 isolates") });
    for (const { load, limit } of exceptionsOf(loads)) expect(load / limit).toBeGreaterThan(HALF);
  });
});

describe("the world", () => {
  it("has all the traffic, in all cities", () => {
    expect(REGIONS.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1);
    const cities = citiesOf(300);
    expect(cities).toHaveLength(300);
    expect(cities.filter(({ hint }) => hint === "weur")).toHaveLength(60);
  });

  it("puts replicas where the traffic is, in whatever number", () => {
    const hints = weightedHints();
    expect(new Set(hints)).toEqual(new Set(HINTS));
    const first = hints.slice(0, 25).filter((hint) => hint === "apac").length;
    expect(Math.abs(first - 0.26 * 25)).toBeLessThan(2);
  });

  it("is as far around as light in a cable takes", () => {
    const [asia, europe] = [REGIONS[0]!, REGIONS[1]!];
    expect(oneWayMs(asia, asia)).toBe(NEAR_MS);
    expect(oneWayMs(asia, europe)).toBe(oneWayMs(europe, asia));
    // Singapore to Frankfurt: 10,300 km.
    expect(oneWayMs(asia, europe)).toBeGreaterThan(80);
    expect(oneWayMs(asia, europe)).toBeLessThan(95);
  });
});
