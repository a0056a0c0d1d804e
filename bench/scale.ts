/**
 * `npm run bench:scale`: what 1,000,000 requests/s from 300 cities need, which limit is met first, and how requests wait.
 *
 * Prints the tables, and writes them to `docs/scale.md`. With `--quick` it measures and simulates less, and writes nothing.
 * Takes about eight minutes and 2 GB.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { overheadIn } from "./scale/inputs.ts";
import { tablesOf } from "./scale/page.ts";
import { find, type Plan } from "./scale/sections.ts";
import { textOf } from "./scale/text.ts";

const FULL: Plan = {
  sizes: [100, 300, 1000, 3000, 10_000],
  isolates: [20, 200, 2000],
  cityMs: 12_000,
  tenthMs: 2000,
  worldMs: 250,
  largestMs: 800,
};
const QUICK: Plan = { sizes: [100, 300], isolates: [20], cityMs: 2000, tenthMs: 100, worldMs: 4, largestMs: 20 };

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
const plan = values.quick ? QUICK : FULL;
const benchmarks = readFileSync(new URL("../docs/benchmarks.md", import.meta.url), "utf8");
const findings = await find(plan, (figure) => overheadIn(benchmarks, figure));
const machine = `${cpus()[0]?.model.trim() ?? "an unknown processor"}, ${cpus().length} cores; node ${process.versions.node}`;
if (values.quick) console.log(Object.values(tablesOf(findings)).join("\n\n"));
else {
  const page = textOf(findings, { plan, madeOn: `${new Date().toISOString().slice(0, 10)}: ${machine}` });
  console.log(page);
  writeFileSync(new URL("../docs/scale.md", import.meta.url), page);
}
