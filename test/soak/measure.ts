/**
 * Serves one Worker, sends it requests, and samples its memory.
 */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundle } from "../../bench/workerd-bundle.ts";
import { WorkerdProcess } from "../../bench/workerd-process.ts";
import { LoadProcess } from "./load-process.ts";
import { type Memory, MemoryProbe } from "./memory.ts";
import { type Slope, slopeOf } from "./slope.ts";

/** What is served, and what it is asked. */
export interface Subject {
  readonly main: URL;
  readonly classes: readonly string[];
  readonly requests: number;
  /** Kinds of the mix, with commas; all if it is empty. */
  readonly only: string;
}

/** What came of it. */
export interface Measured {
  readonly heap: Slope;
  readonly anonymous: Slope;
  readonly objects: number;
  readonly sent: Readonly<Record<string, number>>;
  readonly wrong: readonly string[];
}

const SAMPLES = 120;
const WARM_UP = 0.2;
const SHOWN_EACH = 12;

type Sample = Memory & { readonly requests: number };

/** Measures a Worker in a workerd of its own. A line is printed now and then. */
export async function measure({ main, classes, requests, only }: Subject): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), "edge-serve-soak-"));
  try {
    const { config, storage } = bundle({ name: "soak", main, classes, folder });
    using workerd = await WorkerdProcess.start(config, { logged: () => {}, hasInspector: true });
    using probe = await MemoryProbe.attach(workerd);
    using load = new LoadProcess(Number(new URL(workerd.url).port), only);
    const samples: Sample[] = [];
    const startedAtMs = performance.now();
    for (let sample = 0; sample < SAMPLES; sample++) {
      await load.send(Math.ceil(requests / SAMPLES));
      samples.push({ requests: load.requests, ...(await probe.read()) });
      if (sample % SHOWN_EACH === SHOWN_EACH - 1) console.log(lineOf(samples.at(-1)!, (performance.now() - startedAtMs) / 1000));
    }
    const counted = samples.slice(Math.floor(SAMPLES * WARM_UP));
    const slope = (of: keyof Memory) => slopeOf(counted.map((sample) => ({ requests: sample.requests, bytes: sample[of] })));
    return { heap: slope("heap"), anonymous: slope("anonymous"), objects: objectsIn(storage), sent: load.sent, wrong: load.wrong };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function lineOf({ requests, heap, anonymous, resident }: Sample, seconds: number): string {
  const mb = (bytes: number) => `${(bytes / 1e6).toFixed(2)} MB`;
  const rate = `${seconds.toFixed(0)} s, ${Math.round(requests / seconds)}/s`;
  return `${requests} requests, ${rate}: heap ${mb(heap)}, anonymous ${mb(anonymous)}, resident ${mb(resident)}`;
}

/** Each object has a database of its own; `metadata` is the platform's. */
function objectsIn(storage: string): number {
  const files = readdirSync(storage, { recursive: true, encoding: "utf8" });
  return files.filter((file) => file.endsWith(".sqlite") && !file.includes("metadata")).length;
}
