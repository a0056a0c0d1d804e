import { describe, expect, it } from "vitest";
import { TrafficSums, type TrafficSumsStore } from "../../../src/controller/traffic-sums.ts";
import type { CountedWindows, WindowCount } from "../../../src/protocol/traffic.ts";
import { FigureLog } from "../../../src/traffic/figure-log.ts";
import { decodeFigures, requestsIn } from "../../../src/traffic/figures.ts";

/** What a replica that was started at `run` has counted: so many answers in window 1. */
function word(run: number, answers: number): CountedWindows {
  const log = new FigureLog();
  for (let answer = 0; answer < answers; answer++) log.count(1, 10, false);
  return { run, counts: log.counts() };
}

class SumsWorld {
  readonly words = new Map<string, CountedWindows>();
  sums: readonly WindowCount[] | undefined;
  readonly told: number[] = [];
  readonly failures: unknown[] = [];
  readonly kept: Promise<unknown>[] = [];
  failing = 0;
  readonly store: TrafficSumsStore = {
    get: (replica) => this.words.get(replica),
    set: (replica, told) => this.words.set(replica, told),
    delete: (replica) => this.words.delete(replica),
    getSums: () => this.sums,
    setSums: (sums) => (this.sums = sums),
  };

  make(): TrafficSums {
    return new TrafficSums({
      store: this.store,
      tell: async (counts) => {
        if (this.failing-- > 0) throw new Error("not reached");
        this.told.push(requestsIn(decodeFigures(counts[0]![1])!));
      },
      keepAlive: (promise) => void this.kept.push(promise),
      failed: (error) => void this.failures.push(error),
      sleep: async () => {},
    });
  }

  async settled(): Promise<void> {
    while (this.kept.length > 0) await this.kept.pop();
  }
}

describe("what replicas have counted together", () => {
  it("[S1] is each answer once, whatever is repeated, and over the loss of the controller's memory", async () => {
    const world = new SumsWorld();
    const sums = world.make();
    sums.take("a", word(1, 10));
    sums.take("a", word(1, 10));
    sums.take("b", word(1, 5));
    await world.settled();
    const later = world.make();
    later.take("a", word(1, 12));
    // It was started anew.
    later.take("b", word(2, 3));
    await world.settled();
    expect(world.told.at(-1)).toBe(20);
  });

  it("[S2] is told once for all that comes at a time, and not again without news", async () => {
    const world = new SumsWorld();
    const sums = world.make();
    for (const replica of ["a", "b", "c"]) sums.take(replica, word(1, 2));
    await world.settled();
    sums.take("a", word(1, 2));
    await world.settled();
    expect(world.told.at(-1)).toBe(6);
    expect(world.told.length).toBeLessThanOrEqual(2);
  });

  it("[S3] is told again when nobody heard it, and given up after a while", async () => {
    const world = new SumsWorld();
    world.failing = 3;
    world.make().take("a", word(1, 2));
    await world.settled();
    expect([world.told, world.failures]).toEqual([[2], []]);
    world.failing = 100;
    world.make().take("a", word(1, 3));
    await world.settled();
    expect([world.told, world.failures.length]).toEqual([[2], 1]);
  });

  it("keeps nothing of a replica that has left but what is in the sums", async () => {
    const world = new SumsWorld();
    const sums = world.make();
    sums.take("a", word(1, 4));
    sums.gone(["a"]);
    sums.take("b", word(1, 1));
    await world.settled();
    expect([[...world.words.keys()], world.told.at(-1)]).toEqual([["b"], 5]);
  });
});
