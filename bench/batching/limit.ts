/** Batching in real time: throughput against the arithmetic limit, and what it costs while hardly anybody calls. */
import { batch } from "../../src/batching/batch.ts";
import { ascending, median, percentile } from "../statistics.ts";

/** Throughput of one setting. */
export interface Throughput {
  readonly perSecond: number;
  /** What the function alone could do, one full batch after the other, at the pace it was measured to have. */
  readonly limit: number;
}

/** How long calls took. */
export interface Spread {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** How long calls took that came one at a time. */
export interface LowLoad {
  readonly waitMs: number;
  /** Without batching, after as long a wait. */
  readonly alone: Spread;
  readonly batched: Spread;
  /** How much longer than the call before it that was not batched: the median. */
  readonly beyondMs: number;
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** As many calls as four batches have at once, each caller calling again when it has its result. */
export async function throughput(maxBatchSize: number, costMs: (size: number) => number, durationMs: number): Promise<Throughput> {
  let [items, runMs, batches] = [0, 0, 0];
  const call = batch(
    async (numbers: number[]) => {
      const beganAtMs = performance.now();
      await pause(costMs(numbers.length));
      runMs += performance.now() - beganAtMs;
      items += numbers.length;
      batches++;
      return numbers;
    },
    { maxBatchSize, batchWaitTimeoutMs: 10 },
  );
  const startedAtMs = performance.now();
  const caller = async () => {
    while (performance.now() - startedAtMs < durationMs) await call(1);
  };
  await Promise.all(Array.from({ length: 4 * maxBatchSize }, caller));
  const tookMs = performance.now() - startedAtMs;
  return { perSecond: (items / tookMs) * 1000, limit: (maxBatchSize / (runMs / batches)) * 1000 };
}

/**
 * One call at a time: with each wait to a batched function, and after the same wait to the same function by itself. In
 * turns, because what holds the machine up for a moment is to hold up all of them.
 */
export async function lowLoad(calls: number, waitsMs: readonly number[]): Promise<LowLoad[]> {
  const work = async (numbers: number[]) => {
    await pause(10);
    return numbers;
  };
  const pairs = waitsMs.map((waitMs) => ({
    waitMs,
    alone: async (n: number) => {
      if (waitMs > 0) await pause(waitMs);
      return work([n]);
    },
    batched: batch(work, { batchWaitTimeoutMs: waitMs }),
    tookMs: { alone: [] as number[], batched: [] as number[] },
  }));
  for (let n = 0; n < calls; n++) {
    for (const { alone, batched, tookMs } of pairs) {
      tookMs.alone.push(await timed(() => alone(n)));
      tookMs.batched.push(await timed(() => batched(n)));
    }
  }
  return pairs.map(({ waitMs, tookMs: { alone, batched } }) => ({
    waitMs,
    alone: spreadOf(alone),
    batched: spreadOf(batched),
    beyondMs: median(batched.map((took, n) => took - alone[n]!)),
  }));
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const beganAtMs = performance.now();
  await act();
  return performance.now() - beganAtMs;
}

function spreadOf(tookMs: readonly number[]): Spread {
  const sorted = ascending(tookMs);
  return { p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99) };
}

/** What batching itself takes for an item, in microseconds, with a function that does nothing. */
export async function overheadUs(items: number): Promise<number> {
  const call = batch((numbers: number[]) => numbers, { maxBatchSize: 100 });
  await Promise.all(Array.from({ length: items }, (_, n) => call(n)));
  const beganAtMs = performance.now();
  await Promise.all(Array.from({ length: items }, (_, n) => call(n)));
  return ((performance.now() - beganAtMs) / items) * 1000;
}
