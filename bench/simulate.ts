/**
 * `npm run simulate`: how long requests wait with edge-serve's routing and with others, under virtual time.
 *
 * Prints the tables, and writes them to `docs/routing.md` and `docs/routing.svg`. With `--quick` it simulates less, writes
 * nothing, and fails if routing became much worse: for continuous integration.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { markdownOf, pageOf } from "./simulation/page.ts";
import { plotOf } from "./simulation/plot.ts";
import { Measurements, type Plan, type Ratio } from "./simulation/sections.ts";

const FULL: Plan = {
  requests: 40_000,
  seeds: [1, 2, 3],
  sizes: [20, 100, 500].flatMap((replicas) => [20, 200, 2000].map((isolates) => [replicas, isolates] as const)),
  overloading: [20, 200, 2000],
  changing: [20, 200, 2000],
  loads: [0.5, 0.6, 0.7, 0.8, 0.9, 0.95],
};
const QUICK: Plan = { requests: 6000, seeds: [1], sizes: [[100, 200]], overloading: [200], changing: [200], loads: [] };
/** A ratio above this in a quick run means that routing broke: the noise of so few requests is smaller. */
const BROKEN_RATIO = 0.6;

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
const plan = values.quick ? QUICK : FULL;
const measurements = new Measurements(plan);
const sections = await measurements.sections();
console.log(sections.map(markdownOf).join("\n"));
if (values.quick) failIfBroken(await measurements.ratios());
else await write();

async function write(): Promise<void> {
  const title = "p99 of waiting in ms, 2 of 20 replicas three times slower";
  writeFileSync(new URL("../docs/routing.md", import.meta.url), pageOf(sections, plan));
  writeFileSync(new URL("../docs/routing.svg", import.meta.url), plotOf(await measurements.lines(), title));
}

function failIfBroken(ratios: readonly Ratio[]): void {
  for (const { load, ours, theirs, ratio } of ratios.filter(({ ratio }) => !(ratio <= BROKEN_RATIO))) {
    console.error(
      `At ${load * 100} % busy the p99 of waiting is ${ours.toFixed(0)} ms, ${ratio.toFixed(2)} of the ${theirs.toFixed(0)} ms of two choices ` +
        `with piggybacked lengths. It must be at most ${BROKEN_RATIO}. Look at what changed in src/router or src/replica/admission.ts.`,
    );
    process.exitCode = 1;
  }
}
