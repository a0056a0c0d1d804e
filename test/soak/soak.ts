/**
 * `npm run soak -- --requests N`: whether memory or objects grow with the requests that were served. Needs Linux.
 *
 * workerd on its own, a load of mixed kinds with 100,000 different session ids, keys and model ids, and a sample of the memory
 * after a collection every so many requests. A fifth of the run is warm-up and not counted. `--only calls,batched` sends these kinds
 * and no others: where growth comes from.
 */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bundle } from "../../bench/workerd-bundle.ts";
import { WorkerdProcess } from "../../bench/workerd-process.ts";
import { LoadProcess } from "./load-process.ts";
import { type Memory, MemoryProbe } from "./memory.ts";
import { type Sample, slopeOf } from "./slope.ts";
import { faultsOf, MAX_BYTES, MIN_REQUESTS } from "./verdict.ts";

const CLASSES = ["main__Front", "main__Worker", "models__Models", "EdgeServeController", "EdgeServeConfig"];
/** The replicas of `apps/system.ts`, a controller for each application, and the configuration. */
const EXPECTED_OBJECTS = 2 + 3 + 3 + 2 + 1;
const SAMPLES = 120;
const WARM_UP = 0.2;

const { values } = parseArgs({ options: { requests: { type: "string", default: "1000000" }, only: { type: "string", default: "" } } });
const requests = Number(values.requests);
const folder = mkdtempSync(join(tmpdir(), "edge-serve-soak-"));
try {
  await soak();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function soak(): Promise<void> {
  const { config, storage } = bundle({ name: "soak", main: new URL("apps/system.ts", import.meta.url), classes: CLASSES, folder });
  using workerd = await WorkerdProcess.start(config, { logged: () => {}, hasInspector: true });
  using probe = await MemoryProbe.attach(workerd);
  using load = new LoadProcess(Number(new URL(workerd.url).port), values.only);
  const startedAtMs = performance.now();
  const samples: (Memory & { readonly requests: number })[] = [];
  let cpuUs = workerd.cpuUs;
  let shownAt = 0;
  for (let sample = 0; sample < SAMPLES; sample++) {
    await load.send(Math.ceil(requests / SAMPLES));
    samples.push({ requests: load.requests, ...(await probe.read()) });
    if (sample % 12 !== 11) continue;
    console.log(lineOf(samples.at(-1)!, (performance.now() - startedAtMs) / 1000, (workerd.cpuUs - cpuUs) / (load.requests - shownAt)));
    [cpuUs, shownAt] = [workerd.cpuUs, load.requests];
  }
  const counted = samples.slice(Math.floor(SAMPLES * WARM_UP));
  const slope = (of: keyof Memory) => slopeOf(counted.map((sample): Sample => ({ requests: sample.requests, bytes: sample[of] })));
  const slopes = { "heap after a collection": slope("heap"), "anonymous memory of the process": slope("anonymous") };
  console.log(
    `\n${Object.entries(load.sent)
      .map(([kind, count]) => `${kind} ${count}`)
      .join(", ")}`,
  );
  for (const [what, { estimate, low, high, blocks }] of Object.entries(slopes))
    console.log(
      `${what}: ${estimate.toFixed(2)} bytes a request, 95 % interval ${low.toFixed(2)} to ${high.toFixed(2)} (${blocks} blocks)`,
    );
  const objects = objectsIn(storage);
  console.log(`Durable Objects: ${objects}, expected ${EXPECTED_OBJECTS}`);
  if (requests < MIN_REQUESTS) console.log(`Fewer than ${MIN_REQUESTS} requests: the slopes are shown, and not judged.`);
  const faults = faultsOf({ requests, slopes, objects, expectedObjects: EXPECTED_OBJECTS, wrong: load.wrong });
  for (const fault of faults) console.error(fault);
  console.log(faults.length === 0 ? `Passed: nothing grows by ${MAX_BYTES} bytes a request.` : "Failed.");
  if (faults.length > 0) process.exitCode = 1;
}

function lineOf({ requests, heap, anonymous, resident }: Memory & { readonly requests: number }, seconds: number, eachUs: number): string {
  const mb = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`;
  const rate = `${seconds.toFixed(0)} s, ${Math.round(requests / seconds)}/s, ${eachUs.toFixed(0)} us of processor time each`;
  return `${requests} requests, ${rate}: heap ${mb(heap)}, anonymous ${mb(anonymous)}, resident ${mb(resident)}`;
}

/** Each object has a database of its own. */
function objectsIn(storage: string): number {
  return readdirSync(storage, { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".sqlite") && !file.includes("metadata"),
  ).length;
}
