/**
 * Serves one Worker, sends it requests, and samples its memory.
 */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
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
  /** How many samples are taken. @default 120 */
  readonly samples?: number;
  /** How long it rests before each sample, so that the platform has evicted what it does not use. @default 0 */
  readonly restMs?: number;
  /** Where it says how often its controller was asked, if it does. */
  readonly asked?: string;
}

/** What came of it. */
export interface Measured {
  readonly heap: Slope;
  readonly anonymous: Slope;
  readonly objects: number;
  readonly sent: Readonly<Record<string, number>>;
  readonly wrong: readonly string[];
  /** How often a second the controller was asked. */
  readonly askedEachSecond: number | undefined;
}

const SAMPLES = 120;
const WARM_UP = 0.2;
const SHOWN = 10;

type Sample = Memory & { readonly requests: number };

/** Measures a Worker in a workerd of its own. A line is printed now and then. */
export async function measure({ main, classes, requests, only, samples: count = SAMPLES, restMs = 0, asked }: Subject): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), "edge-serve-soak-"));
  try {
    const { config, storage } = bundle({ name: "soak", main, classes, folder });
    using workerd = await WorkerdProcess.start(config, { logged: () => {}, hasInspector: true });
    using probe = await MemoryProbe.attach(workerd);
    using load = new LoadProcess(Number(new URL(workerd.url).port), only);
    const samples: Sample[] = [];
    const startedAtMs = performance.now();
    const shownEach = Math.ceil(count / SHOWN);
    for (let sample = 0; sample < count; sample++) {
      await load.send(Math.ceil(requests / count));
      if (restMs > 0) await sleep(restMs);
      samples.push({ requests: load.requests, ...(await probe.read()) });
      if (sample % shownEach === shownEach - 1) console.log(lineOf(samples.at(-1)!, (performance.now() - startedAtMs) / 1000));
    }
    const seconds = (performance.now() - startedAtMs) / 1000;
    const askedEachSecond = asked === undefined ? undefined : Number(await (await fetch(new URL(asked, workerd.url))).text()) / seconds;
    const counted = samples.slice(Math.floor(count * WARM_UP));
    const slope = (of: keyof Memory) => slopeOf(counted.map((sample) => ({ requests: sample.requests, bytes: sample[of] })));
    const { sent, wrong } = load;
    return { heap: slope("heap"), anonymous: slope("anonymous"), objects: objectsIn(storage), sent, wrong, askedEachSecond };
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
