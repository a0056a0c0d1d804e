/**
 * `npm run bench`: edge-serve against a Worker and Durable Objects written by hand, on workerd, in one run.
 *
 * Prints the table, and writes its part of `docs/benchmarks.md`. With `--quick` one short round, and nothing is written. Needs Linux.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { cpus, loadavg, release, tmpdir, type } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "./micro/build.ts";
import { type Comparison, compare, type Figure } from "./micro/measure.ts";
import { type Machine, pageOf, tableOf } from "./micro/page.ts";
import { WorkerdProcess } from "./workerd-process.ts";
import { writePart } from "./parts.ts";

const FIGURES: readonly Figure[] = [
  { name: "HTTP to one no-op replica", unit: "requests", path: "/", connections: 32, perRequest: 1, aim: 0.95 },
  { name: "handle call", unit: "calls", path: "/calls?count=50", connections: 8, perRequest: 50, aim: 0.95 },
  { name: "composition: Ingress, Hello, World", unit: "requests", path: "/composed", connections: 32, perRequest: 1, aim: 0.95 },
  { name: "streaming from a generator", unit: "items", path: "/stream?count=2000", connections: 4, perRequest: 2000, aim: 10 },
];

const BUSY = "Throughput then says little; look at the ratio by CPU, or run it again when the machine is idle.";

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
const rounds = values.quick ? { rounds: 1, ms: 500 } : { rounds: 11, ms: 1000 };
const loadBefore = loadavg()[0]!;
const folder = mkdtempSync(join(tmpdir(), "edge-serve-bench-"));
try {
  const comparisons = await measured();
  console.log(tableOf(comparisons));
  if (loadBefore > cpus().length / 4)
    console.error(`${loadBefore.toFixed(1)} other processes wanted the processor when this began. ${BUSY}`);
  if (!values.quick) writePart("bench", pageOf(comparisons, rounds, machine()));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measured(): Promise<Comparison[]> {
  using ours = await WorkerdProcess.start(build("edge-serve", folder));
  using byHand = await WorkerdProcess.start(build("hand-written", folder));
  using alike = await WorkerdProcess.start(build("hand-written-alike", folder));
  const comparisons: Comparison[] = [];
  for (const figure of FIGURES) comparisons.push(await compare(figure, { ours, byHand, alike }, rounds));
  return comparisons;
}

function machine(): Machine {
  const require = createRequire(import.meta.url);
  const versionOf = (name: string) => (require(`${name}/package.json`) as { readonly version: string }).version;
  return {
    processor: cpus()[0]?.model ?? "an unknown processor",
    cores: cpus().length,
    loadBefore,
    system: `${type()} ${release()}`,
    versions: { node: process.versions.node, workerd: versionOf("workerd"), wrangler: versionOf("wrangler") },
    date: new Date().toISOString().slice(0, 10),
  };
}
