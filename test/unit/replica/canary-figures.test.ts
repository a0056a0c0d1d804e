import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MAX_REPORTS_PER_S, reportIntervalMs } from "../../../src/protocol/control.ts";
import type { CountedWindows } from "../../../src/protocol/traffic.ts";
import { CanaryFigures } from "../../../src/replica/canary-figures.ts";
import { decodeFigures, requestsIn } from "../../../src/traffic/figures.ts";

const WINDOW = 3;

/** Replicas of one application, and when their controller has heard of which. */
class World {
  readonly told: { readonly atMs: number; readonly replica: number; readonly word: CountedWindows }[] = [];
  isReached = true;
  readonly #replicas: readonly CanaryFigures[];

  constructor(count: number) {
    const reportMs = reportIntervalMs(count);
    this.#replicas = Array.from({ length: count }, (_, replica) => {
      const report = async (_event: unknown, _metrics: unknown, word?: CountedWindows) => {
        if (!this.isReached) throw new Error("not reached");
        this.told.push({ atMs: Date.now(), replica, word: word! });
      };
      return new CanaryFigures({
        membership: { report, reportMs },
        startedAtMs: 1,
        // Spread as evenly as chance spreads them in the long run.
        random: () => (replica + 0.5) / count,
        sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
        after: (ms, act) => {
          const timer = setTimeout(act, ms);
          return () => clearTimeout(timer);
        },
      });
    });
  }

  answer(): void {
    for (const replica of this.#replicas) replica.count(WINDOW, 10, false);
  }

  /** How many reports there were in each second, with an answer of each replica in between. */
  async runs(seconds: number): Promise<number[]> {
    const perSecond: number[] = [];
    for (let second = 0; second < seconds; second++) {
      this.answer();
      const before = this.told.length;
      await vi.advanceTimersByTimeAsync(1000);
      perSecond.push(this.told.length - before);
    }
    return perSecond;
  }
}

beforeEach(() => void vi.useFakeTimers({ now: 0 }));
afterEach(() => void vi.useRealTimers());

const answersIn = ({ counts }: CountedWindows): number => requestsIn(decodeFigures(counts[0]![1])!);

describe("what a replica has counted of a canary", () => {
  it("[F1] has no timer without an answer, and none once all has been told", async () => {
    const world = new World(1);
    expect(vi.getTimerCount()).toBe(0);
    world.answer();
    await vi.advanceTimersByTimeAsync(60_000);
    expect([world.told.map(({ atMs }) => atMs), vi.getTimerCount()]).toEqual([[2000], 0]);
  });

  it("[F2] [F3] is told every two seconds while there is any, all of it each time, until it is heard", async () => {
    const world = new World(1);
    world.isReached = false;
    await world.runs(3);
    world.isReached = true;
    await world.runs(3);
    await vi.advanceTimersByTimeAsync(2000);
    expect(world.told.map(({ atMs, word }) => [atMs, answersIn(word)])).toEqual([
      [4000, 4],
      [6000, 6],
    ]);
  });

  it.each([1000, 5000])("[F4] never comes from too many of %i replicas at once, and from some of them in time", async (count) => {
    const world = new World(count);
    const perSecond = await world.runs(Math.ceil((1.5 * reportIntervalMs(count)) / 1000));
    expect(Math.max(...perSecond.slice(2))).toBeLessThanOrEqual(2 * MAX_REPORTS_PER_S);
    const early = new Set(world.told.filter(({ atMs }) => atMs <= 5000).map(({ replica }) => replica));
    expect(early.size).toBeGreaterThanOrEqual(Math.min(count, 1000));
    expect(new Set(world.told.map(({ replica }) => replica)).size).toBe(count);
  });
});
