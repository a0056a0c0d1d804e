/**
 * `npm run bench:compare`: edge-serve beside hand-written Durable Objects, Ray Serve and BentoML, on this machine.
 *
 * Prints the tables, and writes its part of `docs/benchmarks.md`, its plots and `docs/compare.json`. With `--quick`, or where something is left out, it
 * writes nothing there unless `--write` says so. Needs Linux.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, tmpdir, type } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadVersion } from "./compare/load.ts";
import { type Comparison, compareAll, type Contender, footprints } from "./compare/measure.ts";
import { footprintTable, pageOf, plotsOf, tableOf } from "./compare/page.ts";
import type { Results } from "./compare/results.ts";
import { FIGURES, SCENARIOS, scenarioOf } from "./compare/scenarios.ts";
import type { System, Workshop } from "./compare/system.ts";
import { bentoml } from "./compare/systems/bentoml.ts";
import { ray, rayDefaults } from "./compare/systems/ray.ts";
import { edgeServe, edgeServeInline, handWritten } from "./compare/systems/workers.ts";
import { writePart } from "./parts.ts";

const SYSTEMS = [edgeServe, edgeServeInline, handWritten, ray, rayDefaults, bentoml];
const QUICK = { rounds: 1, seconds: 1, starts: 1 };
const FULL = { rounds: 5, seconds: 2, starts: 3 };

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    only: { type: "string", default: SCENARIOS.join(",") },
    systems: { type: "string", default: SYSTEMS.map(({ id }) => id).join(",") },
  },
});
if (process.platform !== "linux") fail(`This needs Linux: it reads /proc for memory and processor time. Here is ${process.platform}.`);
const only = chosen("--only", values.only, SCENARIOS);
const ids = chosen(
  "--systems",
  values.systems,
  SYSTEMS.map(({ id }) => id),
);
const complete = only.length === SCENARIOS.length && ids.length === SYSTEMS.length;
// Twice the same system in other settings is the first thing that a quick run can do without.
const wanted = SYSTEMS.filter((system) => ids.includes(system.id) && !(values.quick && complete && system === rayDefaults));
const plan = values.quick ? QUICK : FULL;
const root = fileURLToPath(new URL("..", import.meta.url));
const workshop: Workshop = {
  temporary: mkdtempSync(join(tmpdir(), "es-")),
  kept: join(root, ".edge-serve/compare"),
  cores: cpus().length,
};
// Also when it is interrupted, and then after the processes have been ended.
process.on("exit", () => rmSync(workshop.temporary, { recursive: true, force: true }));
await main();

async function main(): Promise<void> {
  // First, because without it there is nothing to measure with.
  const autocannon = loadVersion();
  mkdirSync(workshop.kept, { recursive: true });
  for (const name of readdirSync(workshop.kept)) if (name.endsWith(".log")) rmSync(join(workshop.kept, name));
  const { systems, versions, skipped } = await prepared();
  const startedAt = new Date();
  const loadBefore = loadavg()[0]!;
  const feet = only.includes("start") || only.includes("memory") ? await footprints(systems, workshop, plan.starts) : [];
  const comparisons = await compared(systems);
  const machine = {
    processor: cpus()[0]?.model ?? "an unknown processor",
    cores: cpus().length,
    system: `${type()} ${release()}`,
    loadBefore,
  };
  const results: Results = {
    date: startedAt.toISOString().slice(0, 10),
    tookSeconds: Math.round((Date.now() - startedAt.getTime()) / 1000),
    machine,
    plan,
    systems: systems.map(({ id, title, manyReplicas, settings }) => ({ id, title, manyReplicas, settings, versions: versions.get(id)! })),
    skipped,
    load: { autocannon, node: process.versions.node },
    comparisons,
    footprints: feet,
  };
  publish(results);
}

async function prepared() {
  const versions = new Map<string, Readonly<Record<string, string>>>();
  const skipped: Record<string, string> = {};
  for (const { id, title, prepare } of wanted) {
    try {
      versions.set(id, await prepare(workshop));
    } catch (error) {
      skipped[id] = `${title} is left out, because it could not be made ready: ${messageOf(error)}`;
      console.error(skipped[id]);
    }
  }
  const systems = wanted.filter(({ id }) => versions.has(id));
  if (systems.length === 0) fail("Nothing is left to measure.");
  return { systems, versions, skipped };
}

async function compared(systems: readonly System[]): Promise<Comparison[]> {
  const figures = FIGURES.filter((figure) => only.includes(scenarioOf(figure)));
  if (figures.length === 0) return [];
  await using stack = new AsyncDisposableStack();
  const contenders: Contender[] = [];
  for (const system of systems) contenders.push({ system, started: stack.use(await system.start(workshop)) });
  const comparisons: Comparison[] = [];
  for (const application of new Set(figures.map((figure) => figure.application))) {
    const own = figures.filter((figure) => figure.application === application);
    const added = await compareAll(own, contenders, plan);
    console.log(`${tableOf(added, systems)}\n`);
    comparisons.push(...added);
  }
  return comparisons;
}

function publish(results: Results): void {
  const json = `${JSON.stringify(results, undefined, 2)}\n`;
  writeFileSync(join(workshop.kept, "results.json"), json);
  console.log(`${footprintTable(results)}\n`);
  for (const { id, versions } of results.systems) console.log(`${id}: ${JSON.stringify(versions)}`);
  console.log(`${JSON.stringify(results.machine)} ${results.tookSeconds} s; all samples are in ${workshop.kept}/results.json.`);
  if (!values.write && (values.quick || !complete)) return;
  writeFileSync(join(root, "docs/compare.json"), json);
  execFileSync(process.execPath, [join(root, "node_modules/oxfmt/bin/oxfmt"), "docs/compare.json"], { cwd: root });
  writePart("bench:compare", pageOf(results));
  for (const [name, svg] of Object.entries(plotsOf(results))) writeFileSync(join(root, "docs", name), svg);
}

function chosen<T extends string>(flag: string, value: string, all: readonly T[]): T[] {
  const names = value.split(",").map((name) => name.trim());
  const unknown = names.find((name) => !(all as readonly string[]).includes(name));
  if (unknown !== undefined) fail(`${flag}: there is no ${JSON.stringify(unknown)}. There is: ${all.join(", ")}.`);
  return all.filter((name) => names.includes(name));
}

function messageOf(error: unknown): string {
  const { message, stderr } = error as { readonly message?: string; readonly stderr?: string };
  return (stderr?.trim().split("\n").at(-1) || message) ?? String(error);
}

function fail(message: string): never {
  console.error(message);
  process.exit(1);
}
