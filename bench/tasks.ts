/**
 * `npm run bench:tasks`: how soon tasks begin, what an enqueue costs beside one by hand, and what 100,000 tasks cost that wait.
 *
 * Prints its part of `docs/benchmarks.md`, and writes it there. With `--quick` it does less, and writes nothing. Needs Linux.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { writePart } from "./parts.ts";
import { find, type Plan } from "./tasks/measure.ts";
import { pageOf } from "./tasks/page.ts";

const FULL: Plan = { begun: 200, rounds: 12, waiting: 100_000, idleMs: 20_000 };
const QUICK: Plan = { begun: 20, rounds: 2, waiting: 500, idleMs: 1000 };

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
const loadBefore = loadavg()[0]!;
const folder = mkdtempSync(join(tmpdir(), "edge-serve-tasks-"));
try {
  const machine = `${cpus()[0]?.model.trim() ?? "an unknown processor"}, ${cpus().length} cores; node ${process.versions.node}`;
  const load = `When it began, ${loadBefore.toFixed(1)} other processes wanted a processor (the load average); where that is not close to 0, run it again`;
  const page = pageOf(await find(values.quick ? QUICK : FULL, folder), `${new Date().toISOString().slice(0, 10)}: ${machine}. ${load}`);
  console.log(page);
  if (!values.quick) writePart("bench:tasks", page);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
