/**
 * `npm run bench:multiplexing`: how often a request finds its model loaded, by the way of routing, under virtual time.
 *
 * Prints the tables, and writes them to `docs/multiplexing-bench.md`. With `--quick` it simulates less, writes nothing, and
 * fails if routing by model became much worse.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { pageOf } from "./multiplexing/page.ts";
import { BY_MODEL, TWO_CHOICES } from "./multiplexing/routings.ts";
import { Measurements, type Plan } from "./multiplexing/sections.ts";

const FULL: Plan = { seeds: [1, 2, 3], seconds: 40 };
const QUICK: Plan = { seeds: [1], seconds: 10 };
/** Below this ratio of hit rates in a quick run something broke: it is about 3. */
const BROKEN_RATIO = 2;

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
const measurements = new Measurements(values.quick ? QUICK : FULL);
if (values.quick) await check();
else await write();

async function check(): Promise<void> {
  const [ours, theirs] = [await measurements.hitRate(BY_MODEL), await measurements.hitRate(TWO_CHOICES)];
  console.log(`hit rate: ${BY_MODEL.name} ${ours.toFixed(2)}, ${TWO_CHOICES.name} ${theirs.toFixed(2)}`);
  if (ours >= BROKEN_RATIO * theirs) return;
  console.error(`The first must be at least ${BROKEN_RATIO} times the second. Look at what changed in src/router or src/multiplexing.`);
  process.exitCode = 1;
}

async function write(): Promise<void> {
  const page = pageOf(await measurements.sections(), FULL);
  console.log(page);
  writeFileSync(new URL("../docs/multiplexing-bench.md", import.meta.url), page);
}
