/**
 * `node bench/batching.ts`: `serve.batch` against its arithmetic limit, and adaptive mode against fixed settings.
 *
 * Prints the tables, and writes them to `docs/batching-bench.md`. With `--quick` it measures less and writes nothing.
 */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { adaptiveSections, lowLoadSection, type Plan, type Section, throughputSection } from "./batching/sections.ts";

// The constants of adaptive mode were chosen with seeds 1 to 5; these are others.
const FULL: Plan = { throughputMs: 3000, lowLoadCalls: 500, phaseMs: 20_000, seeds: [11, 12, 13, 14, 15] };
const QUICK: Plan = { throughputMs: 300, lowLoadCalls: 30, phaseMs: 5000, seeds: [1] };

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
const plan = values.quick ? QUICK : FULL;
const sections = [await throughputSection(plan), await lowLoadSection(plan), ...(await adaptiveSections(plan))];
const tables = sections.map(markdownOf).join("\n");
console.log(tables);
if (!values.quick) writeFileSync(new URL("../docs/batching-bench.md", import.meta.url), pageOf(tables));

function markdownOf({ title, text, head, rows }: Section): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [`## ${title}`, "", text, "", line(head), line(head.map(() => "---")), ...rows.map(line), ""].join("\n");
}

function pageOf(text: string): string {
  return `# Batching: benchmarks

<!-- Written by bench/batching.ts. Do not edit. -->

How [batching](batching.md) does, against what arithmetic allows and with different settings. The first two tables are measured in Node
${process.versions.node} (${cpus()[0]?.model ?? "an unknown processor"}), where functions wait on timers. The others come from the queue that serves under virtual
time, so equal seeds give equal numbers on every machine: the means of
${plan.seeds.length} runs, with seeds other than those with which adaptive mode's constants were chosen.

${text}
## What this does not say

In the first load no size below 128 makes batches cheaper, so adaptive mode does as well as size 128 without a wait, and no better. In the
second no fixed size is right before and after the change. A size chosen by hand for one stretch may do better in that stretch, as 32 in the
bursts does.

Waiting on a timer leaves the processor free; a function that computes holds up the event loop, and whoever calls meanwhile is queued when
it is done. Virtual time has no cost of computing and no network. Arrivals are independent of each other but for the bursts.
`;
}
