/** What was found as `docs/scale.md`. */
import { reportIntervalMs } from "../../src/protocol/control.ts";
import { controlOf, type Need, totalOf, WORKLOADS } from "./arithmetic.ts";
import type { Component } from "./components.ts";
import { INPUTS, type Input } from "./inputs.ts";
import { LIMIT_TEXTS } from "./limit-texts.ts";
import { valueAt } from "./limits.ts";
import { type Costs, readingsOf } from "./measure.ts";
import type { Findings, Run } from "./sections.ts";
import { REGIONS } from "./world.ts";

/** How large an application is where many of them share the load: well below the first limit. */
export const CELL_REPLICAS = 100;

/** The tables, without the words between them. */
export interface Tables {
  readonly needs: string;
  readonly bill: string;
  readonly limits: string;
  readonly costs: string;
  readonly cells: string;
  readonly cities: string;
  readonly worlds: string;
  readonly inputs: string;
  readonly regions: string;
  readonly components: string;
  readonly exceptions: string;
}

/** Every table of the page. */
export function tablesOf(findings: Findings): Tables {
  return {
    needs: needsTable(findings),
    bill: billTable(findings),
    limits: limitsTable(findings),
    costs: costsTable(findings.costs),
    cells: cellsTable(findings),
    cities: citiesTable(findings.cities),
    worlds: worldsTable(findings.worlds),
    inputs: table(["input", "", "", "from"], Object.values(INPUTS).map(inputRow)),
    components: componentsTable(findings.components),
    exceptions: componentsTable(findings.exceptions),
    regions: table(
      REGIONS.map(({ hint }) => hint),
      [REGIONS.map(({ share }) => percent(share))],
    ),
  };
}

function needsTable({ needs }: Findings): string {
  const rows: [string, (need: Need, byHand: Need) => string][] = [
    ["replicas, by deployment", ({ sizings }) => sizings.map(({ replicas }) => whole(replicas)).join(" + ")],
    ["the same by hand", (_, { sizings }) => sizings.map(({ replicas }) => whole(replicas)).join(" + ")],
    ["what decides that", ({ sizings }) => [...new Set(sizings.map(({ bound }) => bound))].join(", ")],
    ["objects per city, on average", ({ replicas }) => rounded(replicas / INPUTS.cities.value)],
    ["controllers, where it is one application", () => "1"],
    [
      "requests/s to it: every load changes / none does",
      ({ replicas }) => `${rounded(controlOf(replicas).requests)} / ${rounded(controlOf(replicas).steadyRequests)}`,
    ],
    ["rows/s that it writes, at most", ({ replicas }) => rounded(controlOf(replicas).rows)],
    ["alarms of it, a minute, at most", () => whole(60_000 / INPUTS.alarmMs.value)],
  ];
  return table(
    ["", ...needs.map(({ workload }) => workload.name)],
    rows.map(([name, cell]) => [name, ...needs.map(({ ours, byHand }) => cell(ours, byHand))]),
  );
}

function billTable({ needs }: Findings): string {
  const lines = [
    ["Worker requests", "workerRequests"],
    ["CPU time of the Worker", "workerCpu"],
    ["requests to objects", "objectRequests"],
    ["objects awake", "awake"],
    ["CPU time of routing, as one application", "routing"],
    ["control plane", "control"],
  ] as const;
  const pair = (name: string, of: (need: Need) => number) => [
    name,
    ...needs.flatMap(({ ours, byHand }) => [dollars(of(byHand)), dollars(of(ours))]),
  ];
  const rows = lines.map(([name, line]) => pair(name, ({ bill }) => bill[line]));
  const totals = pair("**a month**", ({ bill }) => totalOf(bill));
  const ratios = ["ratio", ...needs.flatMap(({ ours, byHand }) => ["", (totalOf(ours.bill) / totalOf(byHand.bill)).toFixed(2)])];
  return table(["", ...WORKLOADS.flatMap(({ name }) => [`${name}: by hand`, "edge-serve"])], [...rows, totals, ratios]);
}

function limitsTable({ limits }: Findings): string {
  const rows = limits.map(({ name, replicas }) => {
    const { what, consequence, remedy } = LIMIT_TEXTS[name]!;
    return [whole(replicas), what, consequence, remedy];
  });
  return table(["replicas", "limit", "what happens beyond", "what to do"], rows);
}

function costsTable(costs: readonly Costs[]): string {
  const rows: [string, (cost: Costs) => string][] = [
    ["replica set on an HTTP answer, kB", ({ newsBytes }) => rounded(newsBytes / 1000)],
    ["replica set on the answer to a call, kB", ({ replyBytes }) => rounded(replyBytes / 1000)],
    ["router, us a request", ({ routeUs }) => rounded(routeUs)],
    ["writing that, once for a set, us", ({ writeNewsUs }) => rounded(writeNewsUs)],
    ["controller, a report, not autoscaled, us", ({ aliveUs }) => rounded(aliveUs)],
    ["controller, a report of load, autoscaled, us", ({ loadUs }) => rounded(loadUs)],
    ["reports a second that it gets at most", ({ replicas }) => whole(reportsPerS(replicas))],
    ["controller, a deploy: orders and their outcomes, ms", ({ deployMs }) => rounded(deployMs)],
    ["controller, reading its rows when it is made anew, ms", ({ startMs }) => rounded(startMs)],
    ["controller's rows, kB", ({ stateBytes }) => rounded(stateBytes / 1000)],
    ["controller at rest, MB of memory", ({ controllerMb }) => rounded(controllerMb)],
    ["a scrape, kB", ({ scrape }) => rounded(scrape.pageBytes / 1000)],
    ["a scrape, ms", ({ scrape }) => rounded(scrape.ms)],
    ["a scrape, 500 replicas a deployment, kB", ({ scrapeOfEach }) => rounded(scrapeOfEach.pageBytes / 1000)],
    ["a scrape, 500 replicas a deployment, ms", ({ scrapeOfEach }) => rounded(scrapeOfEach.ms)],
    ["what the controller answers to that, kB", ({ scrapeOfEach }) => rounded(scrapeOfEach.answerBytes / 1000)],
  ];
  return table(
    ["replicas", ...costs.map(({ replicas }) => whole(replicas))],
    rows.map(([name, cell]) => [name, ...costs.map(cell)]),
  );
}

function cellsTable({ costs, needs }: Findings): string {
  const replicas = needs[0]!.ours.replicas;
  const at = (of: (cost: Costs) => number, size: number) => valueAt(readingsOf(costs, of), size);
  const applications = Math.ceil(replicas / CELL_REPLICAS);
  const sizes = [replicas, Math.ceil(replicas / applications)];
  const busy = (size: number) => (reportsPerS(size) * at(({ loadUs }) => loadUs, size)) / 1e6;
  const rows: [string, (size: number) => string][] = [
    ["replica set, kB", (size) => rounded(at(({ newsBytes }) => newsBytes, size) / 1000)],
    ["router, us a request", (size) => rounded(at(({ routeUs }) => routeUs, size))],
    ["its CPU time in the Worker, $ a month", (size) => dollars(routingDollars(at(({ routeUs }) => routeUs, size)))],
    ["a controller's thread, autoscaled, while every load changes", (size) => percent(busy(size))],
    ["a deploy in a controller, ms of computing", (size) => rounded(at(({ deployMs }) => deployMs, size))],
    ["a controller's rows, kB", (size) => rounded(at(({ stateBytes }) => stateBytes, size) / 1000)],
    ["sets sent when one replica is added, MB", (size) => rounded((size * at(({ replyBytes }) => replyBytes, size)) / 1e6)],
  ];
  return table(
    ["", `1 application of ${whole(sizes[0]!)}`, `${applications} applications of ${whole(sizes[1]!)}`],
    rows.map(([name, cell]) => [name, ...sizes.map(cell)]),
  );
}

// While every load changes all the time.
function reportsPerS(replicas: number): number {
  return (replicas * 1000) / Math.max(INPUTS.reportMs.value, reportIntervalMs(replicas));
}

function routingDollars(routeUs: number): number {
  return (INPUTS.requestsPerS.value * INPUTS.secondsPerMonth.value * (routeUs / 1000) * INPUTS.cpuDollars.value) / 1e6;
}

function citiesTable(runs: readonly Run[]): string {
  const rows = runs.map(({ name, scenario, outcome }) => [
    name,
    whole(scenario.replicas),
    whole(scenario.isolatesPerCity),
    rounded(outcome.p50Ms),
    rounded(outcome.p99Ms),
    outcome.hops.toFixed(2),
    percent(outcome.refused),
    whole(outcome.busiestPerS),
  ]);
  return table(["handler", "replicas", "isolates", "p50 ms", "p99 ms", "hops", "refused", "requests/s of the busiest replica"], rows);
}

function worldsTable(runs: readonly Run[]): string {
  const rows = runs.map(({ name, scenario, outcome }) => [
    whole(scenario.requestsPerS),
    name,
    whole(scenario.replicas),
    rounded(outcome.p50Ms),
    rounded(outcome.p99Ms),
    outcome.hops.toFixed(2),
    percent(outcome.near),
    percent(outcome.refused),
    // A shorter time is mostly chance.
    scenario.countedMs < 1000 ? "" : whole(outcome.busiestPerS),
  ]);
  return table(["requests/s", "what", "replicas", "p50 ms", "p99 ms", "hops", "near", "refused", "busiest replica, requests/s"], rows);
}

function componentsTable(components: readonly Component[]): string {
  const rows = components.map(({ name, load, limit, unit, source, sentence }) => [
    name,
    `${rounded(load)} of ${whole(limit)} ${unit}`,
    percent(load / limit),
    sentence,
    source,
  ]);
  return table(["component", "load", "of its limit", "what that is", "limit from"], rows);
}

function inputRow({ value, unit, what, source }: Input): string[] {
  return [what, value < 1 ? String(value) : value.toLocaleString("en-US"), unit, source];
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** A whole number, with commas. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** Two digits that mean something, or a whole number. */
export function rounded(value: number): string {
  return value >= 9.95 ? whole(value) : value.toFixed(value >= 0.1 || value === 0 ? 1 : 2);
}

/** Dollars, whole. */
export function dollars(value: number): string {
  return value === 0 ? "" : `$${whole(value)}`;
}

/** A share. */
export function percent(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.005 ? 1 : 0)} %`;
}
