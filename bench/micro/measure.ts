/**
 * Measures two Workers that do the same, in turns: what slows the machine down slows both.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Load } from "./load.ts";
import type { WorkerdProcess } from "../workerd-process.ts";

/** A figure, and how it is got from HTTP requests. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly path: string;
  readonly connections: number;
  /** How many units a request stands for. */
  readonly perRequest: number;
  /** The least ratio to the hand-written Worker that is wanted. */
  readonly aim: number;
}

/** One run of one side. */
export interface Sample {
  readonly perSecond: number;
  readonly p99Ms: number;
  /** Processor time of workerd for each unit. */
  readonly cpuUs: number;
}

/** Who is measured: edge-serve, the same by hand, and by hand with what edge-serve gives user code with each request. */
const SIDES = ["ours", "byHand", "alike"] as const;
type Side = (typeof SIDES)[number];

/** All runs of all sides, round by round. */
export interface Comparison extends Readonly<Record<Side, readonly Sample[]>> {
  readonly figure: Figure;
}

/** How often and how long. */
export interface Rounds {
  readonly rounds: number;
  readonly ms: number;
}

/** The process of each side. */
export type Sides = Readonly<Record<Side, WorkerdProcess>>;

/** Measures a figure on all sides. The first rounds warm up and are not counted. */
export async function compare(figure: Figure, sides: Sides, { rounds, ms }: Rounds): Promise<Comparison> {
  const samples: Record<Side, Sample[]> = { ours: [], byHand: [], alike: [] };
  for (let round = -WARM_UP; round < rounds; round++) {
    // Who is first changes with each round.
    const first = (round + WARM_UP) % SIDES.length;
    for (const side of [...SIDES.slice(first), ...SIDES.slice(0, first)]) {
      const sample = await sampleOf(figure, sides[side], ms);
      if (round >= 0) samples[side].push(sample);
    }
  }
  return { figure, ...samples };
}

/** So many rounds that code is compiled, and not interpreted. */
const WARM_UP = 2;

async function sampleOf({ path, connections, perRequest }: Figure, workerd: WorkerdProcess, ms: number): Promise<Sample> {
  const beforeUs = workerd.cpuUs;
  const script = fileURLToPath(new URL("load.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, `${workerd.url}${path}`, String(connections), String(ms)]);
  const { requests, seconds, p99Ms } = JSON.parse(stdout) as Load;
  const units = requests * perRequest;
  return { perSecond: units / seconds, p99Ms, cpuUs: (workerd.cpuUs - beforeUs) / units };
}
