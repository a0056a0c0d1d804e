import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AUTOSCALED, watched } from "../../support/watched-replica.ts";

const after = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a replica among many", () => {
  it.each([{}, AUTOSCALED])("[V7] tells no more often than the controller wants, and the end of its work at last: %o", async (options) => {
    const { load, times, told, world } = watched(options);
    world.reportMs = 20_000;
    for (let count = 0; count < 600; count++) {
      load.set(count % 2 === 0 ? 10 : 1);
      world.meter.hasNews = true;
      world.meter.hasNewSeries = count % 7 === 0;
      await after(1000);
    }
    load.set(0);
    await after(120_000);
    const gaps = times()
      .slice(1)
      .map((atMs, index) => atMs - times()[index]!);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(20_000);
    expect(times().length).toBeGreaterThan(10);
    expect(world.meter.hasNews).toBe(false);
    expect(told.at(-1)!.event).toMatchObject(options === AUTOSCALED ? { kind: "load", load: { now: 0 } } : { kind: "alive" });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("[V7] does not begin to tell when all others do", async () => {
    const firsts: number[] = [];
    for (let index = 0; index < 10; index++) {
      const { load, times, world } = watched();
      Object.assign(world, { reportMs: 10_000, random: index / 10 });
      world.meter.hasNews = world.meter.hasNewSeries = true;
      load.set(1);
      await after(12_000);
      firsts.push(times()[0]!);
    }
    expect(firsts).toEqual(Array.from({ length: 10 }, (_, index) => 500 + index * 1000));
  });
});
