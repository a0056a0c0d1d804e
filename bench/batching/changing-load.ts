/**
 * Fixed settings and adaptive mode over a load that changes, under virtual time.
 *
 * The queue is the one that serves, with a clock and timers of the simulation. What is simulated is the batched function: how
 * long a batch of a size takes.
 */
import { Item, type Outlet } from "../../src/batching/item.ts";
import { type BatchOptions, resolveBatchOptions } from "../../src/batching/options.ts";
import { BatchQueue } from "../../src/batching/queue.ts";
import { VirtualClock } from "../simulation/clock.ts";
import { exponential, type Random, seeded } from "../simulation/random.ts";
import { ascending, percentile } from "../statistics.ts";

/** A stretch of one load. */
export interface Phase {
  readonly name: string;
  readonly ms: number;
  /** Calls a second, on average; they arrive in groups of `together`. */
  readonly perSecond: number;
  readonly together: number;
}

/** What is batched. */
export interface Scenario {
  readonly phases: readonly Phase[];
  /** How long a batch takes that begins at a time. */
  costMs(size: number, atMs: number): number;
}

/** What came of it, for each phase and for all of them. */
export interface Outcome {
  readonly phases: readonly { readonly p50Ms: number; readonly p99Ms: number }[];
  /** The share of calls that had their results within so long. */
  within(ms: number): number;
  readonly itemsPerBatch: number;
  /** The share of the time in which a batch ran. */
  readonly busy: number;
}

const NOBODY: Omit<Outlet, "end"> = { give: () => {}, fail: () => {}, stream: () => {}, unread: 0 };

/** Runs a scenario with settings. Equal seeds give every setting the same calls at the same moments. */
export async function run(scenario: Scenario, options: BatchOptions, seed: number): Promise<Outcome> {
  const clock = new VirtualClock();
  const latencies: number[][] = scenario.phases.map(() => []);
  let [busyMs, batches, items] = [0, 0, 0];
  const queue = new BatchQueue(
    {
      settings: resolveBatchOptions(options),
      parameters: 1,
      async run(batch, answered) {
        const tookMs = scenario.costMs(batch.length, clock.now());
        busyMs += tookMs;
        batches++;
        items += batch.length;
        await clock.sleep(tookMs);
        answered();
        for (const item of batch) item.end();
        return "ended";
      },
    },
    { now: clock.now, wallNow: clock.now, after: (ms, happen) => cancellable(clock, ms, happen) },
  );
  for (const { phase, atMs } of arrivals(scenario.phases, seeded(seed))) {
    clock.at(atMs, () => {
      const end = () => void latencies[phase]!.push(clock.now() - atMs);
      queue.add(new Item({ args: [0], self: undefined, scope: undefined }, { ...NOBODY, end }, atMs));
    });
  }
  await clock.run();
  const all = latencies.flat();
  return {
    phases: latencies.map(ascending).map((ms) => ({ p50Ms: percentile(ms, 0.5), p99Ms: percentile(ms, 0.99) })),
    within: (limitMs) => all.filter((ms) => ms <= limitMs).length / all.length,
    itemsPerBatch: items / batches,
    busy: busyMs / clock.now(),
  };
}

function* arrivals(phases: readonly Phase[], random: Random): Generator<{ readonly phase: number; readonly atMs: number }> {
  let beginMs = 0;
  for (const [phase, { ms, perSecond, together }] of phases.entries()) {
    const gapMs = (1000 / perSecond) * together;
    for (let atMs = beginMs + exponential(random, gapMs); atMs < beginMs + ms; atMs += exponential(random, gapMs))
      for (let n = 0; n < together; n++) yield { phase, atMs };
    beginMs += ms;
  }
}

function cancellable(clock: VirtualClock, ms: number, happen: () => void): () => void {
  let isOn = true;
  clock.at(clock.now() + Math.max(0, ms), () => {
    if (isOn) happen();
  });
  return () => void (isOn = false);
}
