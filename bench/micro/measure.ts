/**
 * Measures two Workers that do the same, in turns: what slows the machine down slows both.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Load } from "./load.ts";
import type { WorkerdProcess } from "./workerd-process.ts";

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

/** All runs of both sides, round by round. */
export interface Comparison {
  readonly figure: Figure;
  readonly ours: readonly Sample[];
  readonly byHand: readonly Sample[];
}

/** How often and how long. */
export interface Rounds {
  readonly rounds: number;
  readonly ms: number;
}

export interface Sides {
  readonly ours: WorkerdProcess;
  readonly byHand: WorkerdProcess;
}

/** Measures a figure on both sides. The first round warms up and is not counted. */
export async function compare(figure: Figure, { ours, byHand }: Sides, { rounds, ms }: Rounds): Promise<Comparison> {
  const samples = { ours: [] as Sample[], byHand: [] as Sample[] };
  for (let round = 0; round <= rounds; round++) {
    // Who is first changes with each round.
    for (const isOurs of round % 2 === 0 ? [true, false] : [false, true]) {
      const sample = await sampleOf(figure, isOurs ? ours : byHand, ms);
      if (round > 0) samples[isOurs ? "ours" : "byHand"].push(sample);
    }
  }
  return { figure, ...samples };
}

async function sampleOf({ path, connections, perRequest }: Figure, workerd: WorkerdProcess, ms: number): Promise<Sample> {
  const beforeUs = workerd.cpuUs;
  const script = fileURLToPath(new URL("load.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, `${workerd.url}${path}`, String(connections), String(ms)]);
  const { requests, seconds, p99Ms } = JSON.parse(stdout) as Load;
  const units = requests * perRequest;
  return { perSecond: units / seconds, p99Ms, cpuUs: (workerd.cpuUs - beforeUs) / units };
}
