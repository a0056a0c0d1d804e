/** What is measured, and the tables that it makes. */
import type { BatchOptions } from "../../src/batching/options.ts";
import { type Outcome, type Phase, run, type Scenario } from "./changing-load.ts";
import { lowLoad, overheadUs, type Spread, throughput } from "./limit.ts";

/** A table with what it says. */
export interface Section {
  readonly title: string;
  readonly text: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** How much is measured. */
export interface Plan {
  readonly throughputMs: number;
  readonly lowLoadCalls: number;
  readonly phaseMs: number;
  readonly seeds: readonly number[];
}

const TARGETS_MS = [100, 150];

const SETTINGS: readonly (readonly [string, BatchOptions])[] = [
  ["size 1", { maxBatchSize: 1 }],
  ["size 10, wait 10 ms (the defaults)", {}],
  ["size 32, wait 10 ms", { maxBatchSize: 32 }],
  ["size 32, no wait", { maxBatchSize: 32, batchWaitTimeoutMs: 0 }],
  ["size 128, wait 50 ms", { maxBatchSize: 128, batchWaitTimeoutMs: 50 }],
  ["size 128, wait 10 ms", { maxBatchSize: 128 }],
  ["size 128, no wait", { maxBatchSize: 128, batchWaitTimeoutMs: 0 }],
  ...TARGETS_MS.map((targetLatencyMs): readonly [string, BatchOptions] => [
    `**adaptive**, target ${targetLatencyMs} ms`,
    { maxBatchSize: 128, batchWaitTimeoutMs: 50, adaptive: { targetLatencyMs } },
  ]),
];

/** Throughput beside its limit. The worst ratio is what a test looks at. */
export async function throughputSection({ throughputMs }: Plan): Promise<Section> {
  const costs: readonly (readonly [string, (size: number) => number])[] = [
    ["10 ms", () => 10],
    ["5 ms + 0.5 ms for each item", (size) => 5 + 0.5 * size],
  ];
  const rows: string[][] = [];
  for (const [name, costMs] of costs) {
    for (const size of [10, 32, 100]) {
      const { perSecond, limit } = await throughput(size, costMs, throughputMs);
      rows.push([name, String(size), perSecond.toFixed(0), limit.toFixed(0), `**${(perSecond / limit).toFixed(3)}**`]);
    }
  }
  const us = await overheadUs(100_000);
  return {
    title: "Throughput",
    text:
      "Callers that call again as soon as they have a result, four times as many as fit in a batch, one batch at a time. The limit is " +
      `what the function does alone, one full batch after the other. Aim: 0.95. Batching itself takes ${us.toFixed(1)} us for an item.`,
    head: ["a batch takes", "`maxBatchSize`", "items/s", "limit", "ratio"],
    rows,
  };
}

/** What batching costs a caller who is alone. */
export async function lowLoadSection({ lowLoadCalls }: Plan): Promise<Section> {
  const outcomes = await lowLoad(lowLoadCalls, [0, 10]);
  const both = ({ p50Ms, p99Ms }: Spread) => `${p50Ms.toFixed(1)} / ${p99Ms.toFixed(1)}`;
  return {
    title: "Latency while hardly anybody calls",
    text:
      "One call at a time to a function that takes 10 ms, in turns to each row's two: batched, and by itself after the same wait. p50 / p99 in ms. " +
      "Aim: no more than by itself. The difference is the median over pairs of calls. A timer that fires late, as on a busy machine, shows in p99.",
    head: ["`batchWaitTimeoutMs`", "by itself", "batched", "difference"],
    rows: outcomes.map(({ waitMs, alone, batched, beyondMs }) => [String(waitMs), both(alone), both(batched), beyondMs.toFixed(2)]),
  };
}

const one = (perSecond: number, name = `${perSecond}/s`) => ({ name, perSecond, together: 1 });
const bursts = { name: "bursts of 80, 160/s", perSecond: 160, together: 80 };

interface Change {
  readonly title: string;
  readonly text: string;
  readonly loads: readonly Omit<Phase, "ms">[];
  /** How long a batch takes that begins in the stretch with this number. */
  costMs(size: number, phase: number): number;
}

const CHANGES: readonly Change[] = [
  {
    title: "A load that changes",
    text: "A batch takes 10 ms and 1 ms for each item.",
    loads: [one(5), one(300), one(40), one(850), bursts],
    costMs: (size) => 10 + size,
  },
  {
    title: "A load and a model that change",
    text:
      "At first a batch takes 10 ms, 1 ms for each item and 5 ms for each beyond 32, as where larger batches do not fit in memory. " +
      "Then the model is replaced by one that fits: 10 ms and 1 ms for each item.",
    loads: [one(40), one(300), bursts, one(850, "new model: 850/s"), one(40)],
    costMs: (size, phase) => 10 + size + (phase < 3 ? 4 * Math.max(0, size - 32) : 0),
  },
];

/** Fixed settings and adaptive mode, one table for each cost of a batch. */
export async function adaptiveSections({ phaseMs, seeds }: Plan): Promise<Section[]> {
  const sections: Section[] = [];
  for (const { title, text, loads, costMs } of CHANGES) {
    const phases = loads.map((load) => ({ ...load, ms: phaseMs }));
    const scenario: Scenario = {
      phases,
      costMs: (size, atMs) => costMs(size, Math.floor(atMs / phaseMs)),
    };
    const rows: string[][] = [];
    for (const [name, options] of SETTINGS) {
      const outcomes: Outcome[] = [];
      for (const seed of seeds) outcomes.push(await run(scenario, options, seed));
      rows.push([name, ...cellsOf(outcomes, phases.length)]);
    }
    sections.push({
      title,
      text: `${text} Adaptive mode may go up to size 128 and a wait of 50 ms. p50 / p99 of the time from call to result, in ms, in each stretch of ${phaseMs / 1000} s.`,
      head: ["setting", ...phases.map(({ name }) => name), ...TARGETS_MS.map((ms) => `within ${ms} ms`), "items a batch", "busy"],
      rows,
    });
  }
  return sections;
}

function cellsOf(outcomes: readonly Outcome[], phases: number): string[] {
  const mean = (of: (outcome: Outcome) => number) => outcomes.reduce((sum, outcome) => sum + of(outcome), 0) / outcomes.length;
  return [
    ...Array.from({ length: phases }, (_, phase) =>
      [mean((outcome) => outcome.phases[phase]!.p50Ms), mean((outcome) => outcome.phases[phase]!.p99Ms)]
        .map((ms) => ms.toFixed(0))
        .join(" / "),
    ),
    ...TARGETS_MS.map((ms) => `${(mean(({ within }) => within(ms)) * 100).toFixed(1)} %`),
    mean(({ itemsPerBatch }) => itemsPerBatch).toFixed(1),
    `${(mean(({ busy }) => busy) * 100).toFixed(0)} %`,
  ];
}
