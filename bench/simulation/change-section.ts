/** The table of how fast a change of the replica set arrives. */
import { type Change, type Convergence, converge, GAP_MS, TOLD_MS } from "./convergence.ts";
import type { Section } from "./sections.ts";

const CHANGES: readonly (readonly [name: string, change: Change])[] = [
  ["20 replicas become 40", { before: 20, after: 40 }],
  ["40 replicas become 20", { before: 40, after: 20 }],
  ["another configuration for 20", { before: 20, after: 20 }],
];

export async function changeSection(isolates: readonly number[], seeds: readonly number[]): Promise<Section> {
  const rows: string[][] = [];
  for (const [name, change] of CHANGES) {
    for (const count of isolates) {
      const outcomes: Convergence[] = [];
      for (const seed of seeds) outcomes.push(await converge(change, count, seed));
      rows.push([name, count.toLocaleString("en"), ...cellsOf(outcomes)]);
    }
  }
  const [least, most] = TOLD_MS;
  return {
    title: "How fast a change arrives",
    text:
      `${(1000 / GAP_MS).toLocaleString("en")} requests a second over all isolates, when the controller changes the replica set. It tells every ` +
      `replica, which hears of it ${least} to ${most} ms later; isolates are told by answers alone. *Until it knows* is counted from the change, ` +
      "in requests that the isolate itself makes, the one that brings the set included, and in milliseconds: the median isolate, and the last of all " +
      "seeds. Most of the time is the wait for an isolate's next request: one that makes none does not know, and does not need to. *After it was told*: " +
      "requests that a removed replica ran although it knew, which must be none; *before*: those that it took while nobody had told it. *Extra hops*: " +
      "messages to removed replicas, which refused them, for each isolate. No request failed.",
    head: [
      "change",
      "isolates",
      "until it knows: requests",
      "last",
      "until it knows: ms",
      "last",
      "run by removed replicas: after it was told",
      "before",
      "extra hops",
    ],
    rows,
  };
}

function cellsOf(outcomes: readonly Convergence[]): string[] {
  const mean = (of: (outcome: Convergence) => number) => outcomes.reduce((sum, outcome) => sum + of(outcome), 0) / outcomes.length;
  const most = (of: (outcome: Convergence) => number) => Math.max(...outcomes.map(of));
  const failed = most((outcome) => outcome.failed);
  // The text says so.
  if (failed > 0) throw new Error(`${failed} requests failed while the replica set changed. Look at what changed in src/router.`);
  return [
    mean(({ requests }) => requests.median).toFixed(0),
    most(({ requests }) => requests.last).toFixed(0),
    mean(({ ms }) => ms.median).toFixed(0),
    most(({ ms }) => ms.last).toLocaleString("en", { maximumFractionDigits: 0 }),
    `**${most(({ fromRemoved }) => fromRemoved)}**`,
    mean(({ beforeTold }) => beforeTold).toFixed(0),
    mean(({ extraHops }) => extraHops).toFixed(2),
  ];
}
