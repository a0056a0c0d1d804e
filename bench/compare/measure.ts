/**
 * Measures the systems in turns: what slows the machine down slows all of them.
 *
 * Invariants:
 *   M1. A wrong answer spoils its system's figure: it is counted, never averaged away.
 *   M2. Who is first changes with each round.
 */
import { firstAnswer, wrongAnswers } from "./answers.ts";
import { load } from "./load.ts";
import type { ApplicationName, Figure } from "./scenarios.ts";
import type { Started, System, Workshop } from "./system.ts";

/** One run of one system. */
export interface Sample {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Time on processors of all of the system's processes, for each answer. */
  readonly cpuUs: number;
  /** Which share of a processor the other systems took meanwhile, though they had nothing to do. */
  readonly othersCpu: number;
  readonly wrong: number;
}

/** What a system did in a figure. */
export interface Outcome {
  readonly system: string;
  readonly samples: readonly Sample[];
  /** Wrong answers outside the load. */
  readonly wrong: number;
  /** Why there is nothing to compare. */
  readonly failure?: string;
}

/** A figure of all systems. */
export interface Comparison {
  readonly figure: Figure;
  readonly outcomes: readonly Outcome[];
}

/** How often and how long. */
export interface Rounds {
  readonly rounds: number;
  readonly seconds: number;
}

/** A system that takes part. */
export interface Contender {
  readonly system: System;
  readonly started: Started;
}

/** Serves an application on each system, and measures its figures. */
export async function compareAll(figures: readonly Figure[], contenders: readonly Contender[], rounds: Rounds): Promise<Comparison[]> {
  const application = figures[0]!.application;
  // One after the other: what computes finds out at its start how fast this processor is.
  const served: Served[] = [];
  for (const contender of contenders) served.push(await serving(contender, application));
  const comparisons: Comparison[] = [];
  for (const figure of figures) comparisons.push(await compare(figure, served, rounds));
  return comparisons;
}

interface Served extends Contender {
  readonly url: string;
  readonly failure?: string;
}

async function serving(contender: Contender, application: ApplicationName): Promise<Served> {
  const lack = contender.system.lacks?.(application);
  if (lack !== undefined) return { ...contender, url: "", failure: lack };
  try {
    const url = await contender.started.serve(application);
    await firstAnswer(url, application);
    return { ...contender, url };
  } catch (error) {
    return { ...contender, url: "", failure: error instanceof Error ? error.message : String(error) };
  }
}

async function compare(figure: Figure, served: readonly Served[], { rounds, seconds }: Rounds): Promise<Comparison> {
  const able = served.filter(({ failure }) => failure === undefined);
  const samples = new Map<Served, Sample[]>(able.map((each) => [each, []]));
  const wrong = new Map<Served, number>();
  const check = async () => {
    for (const each of able) wrong.set(each, (wrong.get(each) ?? 0) + (await wrongAnswers(each.url, figure.application)));
  };
  await check();
  // The first one warms up: code is compiled, replicas are made, connections are there.
  for (const each of able) await sampleOf(figure, each, { others: [], seconds: 1 });
  for (let round = 0; round < rounds; round++) {
    for (const each of turned(able, round)) {
      const others = able.filter((other) => other !== each);
      samples.get(each)!.push(await sampleOf(figure, each, { others, seconds }));
    }
  }
  await check();
  return {
    figure,
    outcomes: served.map((each) => ({
      system: each.system.id,
      samples: samples.get(each) ?? [],
      wrong: wrong.get(each) ?? 0,
      ...(each.failure === undefined ? {} : { failure: each.failure }),
    })),
  };
}

/** The same, beginning with another one. */
export function turned<T>(all: readonly T[], by: number): T[] {
  return all.map((_, index) => all[(index + by) % all.length]!);
}

interface Sampling {
  readonly others: readonly Served[];
  readonly seconds: number;
}

async function sampleOf(figure: Figure, { url, started }: Served, { others, seconds }: Sampling): Promise<Sample> {
  const cpuOfOthers = () => others.reduce((sum, other) => sum + other.started.tree.cpuUs, 0);
  const before = { ours: started.tree.cpuUs, others: cpuOfOthers(), atMs: performance.now() };
  const result = await load(url, figure, seconds);
  return {
    perSecond: (result.answers * figure.perAnswer) / result.seconds,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    cpuUs: (started.tree.cpuUs - before.ours) / Math.max(1, result.answers),
    othersCpu: (cpuOfOthers() - before.others) / ((performance.now() - before.atMs) * 1000),
    wrong: result.wrong,
  };
}

/** What it takes to be there. */
export interface Footprint {
  readonly system: string;
  /** From the start of its first process to the first right answer of a no-op, run by run. */
  readonly startMs: readonly number[];
  /** With one no-op replica, after requests and a rest. */
  readonly restBytes: number;
  readonly restRssBytes: number;
  readonly processes: number;
  /** What each further replica adds. */
  readonly replicaBytes: number;
  readonly failure?: string;
}

const REST_MS = 2000;

/** Starts each system alone, in turns, and looks at its memory in the last run. */
export async function footprints(systems: readonly System[], workshop: Workshop, runs: number): Promise<Footprint[]> {
  const startMs = new Map<System, number[]>(systems.map((system) => [system, []]));
  const memories = new Map<System, Omit<Footprint, "system" | "startMs">>();
  for (let index = 0; index < runs; index++) {
    for (const system of turned(systems, index)) {
      try {
        const beganAtMs = performance.now();
        await using started = await system.start(workshop);
        const url = await started.serve("noop");
        await firstAnswer(url, "noop");
        startMs.get(system)!.push(performance.now() - beganAtMs);
        if (index === runs - 1) memories.set(system, await memoryOf(system, started, url));
      } catch (error) {
        memories.set(system, { ...NOTHING, failure: error instanceof Error ? error.message : String(error) });
      }
    }
  }
  return systems.map((system) => ({ system: system.id, startMs: startMs.get(system)!, ...(memories.get(system) ?? NOTHING) }));
}

const NOTHING = { restBytes: 0, restRssBytes: 0, processes: 0, replicaBytes: 0 };

async function memoryOf(system: System, started: Started, url: string): Promise<typeof NOTHING> {
  // The same requests in both cases, enough of them to reach every replica: what they leave behind cancels out.
  const rested = async (address: string) => {
    for (let round = 0; round < 50; round++) await wrongAnswers(address, "noop");
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    return started.tree.memory();
  };
  const one = await rested(url);
  if (system.manyReplicas === 1) return { restBytes: one.pssBytes, restRssBytes: one.rssBytes, processes: one.processes, replicaBytes: 0 };
  const many = await started.serve("noop-many");
  await firstAnswer(many, "noop-many");
  const { pssBytes } = await rested(many);
  return {
    restBytes: one.pssBytes,
    restRssBytes: one.rssBytes,
    processes: one.processes,
    replicaBytes: (pssBytes - one.pssBytes) / (system.manyReplicas - 1),
  };
}
