import { describe, expect, it } from "vitest";
import { type Comparison, type Outcome, type Sample, turned } from "../../../bench/compare/measure.ts";
import { number, pageOf, plotsOf, tableOf } from "../../../bench/compare/page.ts";
import { barsOf } from "../../../bench/compare/plot.ts";
import { entryOf } from "../../../bench/compare/process-tree.ts";
import type { Results } from "../../../bench/compare/results.ts";
import { answerOf, FIGURES, SCENARIOS, scenarioOf } from "../../../bench/compare/scenarios.ts";
import { failureOf, ratioOf, summaryIn, summaryOf } from "../../../bench/compare/statistics.ts";
import { workerdConfig } from "../../../bench/workerd-config.ts";

const sample = (perSecond: number, wrong = 0): Sample => ({ perSecond, p50Ms: 1, p99Ms: 2, cpuUs: 300, othersCpu: 0.1, wrong });
const outcome = (system: string, perSecond: readonly number[], more: Partial<Outcome> = {}): Outcome => ({
  system,
  samples: perSecond.map((value) => sample(value)),
  wrong: 0,
  ...more,
});
const comparison = (...outcomes: Outcome[]): Comparison => ({ figure: FIGURES[0]!, outcomes });
const systems = [
  { id: "edge-serve", title: "edge-serve", manyReplicas: 100, settings: "access log off", versions: { workerd: "1.0" } },
  { id: "ray", title: "Ray Serve", manyReplicas: 5, versions: { ray: "2.0" } },
];

const results = (comparisons: readonly Comparison[]): Results => ({
  date: "2026-01-01",
  tookSeconds: 600,
  machine: { processor: "a processor", cores: 2, system: "Linux", loadBefore: 0.1 },
  plan: { rounds: 2, seconds: 2, starts: 1 },
  systems,
  skipped: { bentoml: "BentoML is left out, because it could not be made ready: no network" },
  load: { autocannon: "9" },
  comparisons,
  footprints: systems.map(({ id }) => ({
    system: id,
    startMs: [100, 300, 200],
    restBytes: 50e6,
    restRssBytes: 60e6,
    processes: 1,
    replicaBytes: 1e6,
  })),
});

describe("statistics", () => {
  it("give the median with the smallest and the largest value", () => {
    expect(summaryOf([30, 10, 20])).toEqual({ median: 20, low: 10, high: 30 });
  });

  it("compare two systems round by round, so that what slowed down both in a round counts for nothing", () => {
    const both = comparison(outcome("edge-serve", [100, 50, 200]), outcome("ray", [50, 25, 100]));
    expect(ratioOf(both, "edge-serve", "ray")).toEqual({ median: 2, low: 2, high: 2 });
  });

  it("count a figure as failed for one wrong answer, in the load or beside it", () => {
    const inLoad: Outcome = { system: "ray", samples: [sample(10), sample(20, 1)], wrong: 0 };
    const beside = outcome("ray", [10, 20], { wrong: 2 });
    expect(failureOf(inLoad)).toBe("failed: 1 wrong or missing answers");
    expect(failureOf(beside)).toBe("failed: 2 wrong or missing answers");
    expect(summaryIn(inLoad, "perSecond")).toBeUndefined();
    expect(ratioOf(comparison(outcome("edge-serve", [1, 1]), inLoad), "edge-serve", "ray")).toBeUndefined();
  });

  it("say why a system did not take part", () => {
    expect(failureOf(outcome("ray", [], { failure: "it has no batches" }))).toBe("it has no batches");
    expect(failureOf(outcome("ray", []))).toBe("not measured");
    expect(failureOf(outcome("ray", [10, 0]))).toBe("failed: a round without an answer");
  });
});

describe("the rounds", () => {
  it("begin with another system each time, and leave none out", () => {
    expect([0, 1, 2, 3].map((round) => turned(["a", "b", "c"], round).join(""))).toEqual(["abc", "bca", "cab", "abc"]);
  });
});

describe("the scenarios", () => {
  it("have figures for each but start and memory", () => {
    expect(new Set(FIGURES.map(scenarioOf))).toEqual(new Set(SCENARIOS.filter((name) => name !== "start" && name !== "memory")));
  });

  it("know the right answer to each request", () => {
    expect(answerOf("batch", "text 7")).toBe('["TEXT 7"]');
    expect(answerOf("compose", "a")).toBe("Hello world!");
    expect(answerOf("stream", "a").split("\n")).toHaveLength(1001);
    expect(answerOf("noop-many", "a")).toBe("ok");
  });
});

describe("the tables", () => {
  it("have a row for each system, with how much faster edge-serve is", () => {
    const table = tableOf([comparison(outcome("edge-serve", [100, 110]), outcome("ray", [50, 55]))], systems);
    expect(table.split("\n").slice(2)).toEqual([
      "| edge-serve | **100** (100 to 110) |  | 1.00 | 2.00 | 300 |",
      "| Ray Serve | **50.0** (50.0 to 55.0) | **2.00x** (2.00 to 2.00) | 1.00 | 2.00 | 300 |",
    ]);
  });

  it("show three digits", () => {
    expect([1234.5, 99.94, 9.994, 0.0512].map(number)).toEqual(["1,235", "99.9", "9.99", "0.05"]);
  });
});

describe("the page", () => {
  it("says first where edge-serve is slower, and why", () => {
    const page = pageOf(results([comparison(outcome("edge-serve", [50, 60]), outcome("ray", [100, 120]))]));
    expect(page).toContain("- **no-op, 32 clients**: 0.50 of Ray Serve. workerd does everything in one thread");
    expect(page.indexOf("## Where edge-serve is slower")).toBeLessThan(page.indexOf("## A no-op"));
  });

  it("says so where it is slower nowhere", () => {
    expect(pageOf(results([comparison(outcome("edge-serve", [50]), outcome("ray", [51]))]))).toContain("in none of the figures");
  });

  it("has edge-serve inline as a row and a bar of its own, and does not call edge-serve slower for it", () => {
    const inline = { id: "edge-serve-inline", title: "edge-serve, inline", manyReplicas: 1, versions: {} };
    const all = { ...results([comparison(outcome("edge-serve", [50]), outcome("edge-serve-inline", [100]), outcome("ray", [51]))]) };
    const withInline = { ...all, systems: [...systems, inline], footprints: [] };
    const page = pageOf(withInline);
    expect(page).toContain("in none of the figures");
    expect(page).toMatch(/^\| edge-serve, inline \| \*\*100\*\*/m);
    expect(plotsOf(withInline)["compare-throughput.svg"]).toContain("edge-serve, inline");
  });

  it("names versions, machine, what each system has set, and what was left out", () => {
    const page = pageOf(results([comparison(outcome("edge-serve", [50]), outcome("ray", [51]))]));
    expect(page).toContain("- edge-serve: workerd 1.0. Set: access log off.");
    expect(page).toContain("- Ray Serve: ray 2.0.\n");
    expect(page).toContain("a processor, 2 cores, Linux, on 2026-01-01");
    expect(page).toContain("BentoML is left out, because it could not be made ready: no network");
  });

  it("leaves out sections and plots of what was not measured", () => {
    const page = pageOf({ ...results([]), footprints: [] });
    expect(page).not.toContain("## A no-op");
    expect(page).not.toContain("compare-footprint.svg");
  });
});

describe("the plots", () => {
  const widthsOf = (svg: string) => [...svg.matchAll(/<rect x="170" y="[^"]*" width="([^"]*)"/g)].map(([, width]) => Number(width));

  it("draw a decade equally long wherever it is", () => {
    const bars = [1, 10, 100].map((value) => ({ name: `${value}`, colour: "#000", value, text: `${value}` }));
    const [one = 0, ten = 0, hundred = 0] = widthsOf(barsOf("Bars", [{ title: "all", bars }]));
    expect(one).toBe(1);
    expect(hundred).toBeCloseTo(2 * ten, 0);
  });

  it("write the reason where there is no bar, and escape what XML would read", () => {
    const svg = barsOf("A < B", [{ title: "a & b", bars: [{ name: "ours", colour: "#000", value: undefined, text: "failed" }] }]);
    expect(widthsOf(svg)).toEqual([]);
    expect(svg).toContain(">failed</text>");
    expect(svg).toContain("A &lt; B");
    expect(svg).toContain("a &amp; b");
    expect(svg).not.toContain("NaN");
  });

  it("are two: throughput, and start with memory", () => {
    const plots = plotsOf(results([comparison(outcome("edge-serve", [50, 70]), outcome("ray", [], { failure: "not there" }))]));
    expect(Object.keys(plots)).toEqual(["compare-throughput.svg", "compare-footprint.svg"]);
    expect(plots["compare-throughput.svg"]).toContain(">not there</text>");
    expect(Object.values(plots).join("")).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe("the processes of a system", () => {
  it("are read right when a name has spaces and parentheses", () => {
    const stat = "42 (ray::Serve) (x y)) S 7 42 41 0 -1 0 0 0 0 0 150 50 0 0 20 0 1 0 987654 0 0";
    expect(entryOf(42, stat)).toEqual({ pid: 42, state: "S", ppid: 7, session: 41, ticks: 200, startedAt: "987654" });
  });
});

describe("workerd's config", () => {
  it("has every class, and variables as JSON", () => {
    const config = workerdConfig({ script: "worker.js", classes: ["A", "B"], storage: "/storage", variables: { REPLICAS: { cpu: 2 } } });
    expect(config).toContain('disk = (path = "/storage", writable = true)');
    expect(config).toContain('(className = "A", uniqueKey = "A", enableSql = true), (className = "B"');
    expect(config).toContain('(name = "REPLICAS", json = "{\\"cpu\\":2}")');
  });
});
