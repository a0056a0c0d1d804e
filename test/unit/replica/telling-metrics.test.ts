import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { AUTOSCALED, watched } from "../../support/watched-replica.ts";

const after = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("what a replica has measured", () => {
  /** A request comes, is counted, and goes. */
  const request = ({ load, world }: ReturnType<typeof watched>) => {
    load.set(1);
    world.meter.hasNews = true;
    load.set(0);
  };

  it.each([{}, AUTOSCALED])("[V4] is told once when the work is over, and then there is no timer: %o", async (options) => {
    const replica = watched(options);
    request(replica);
    await after(60_000);
    expect(replica.told.filter(({ metrics }) => metrics !== undefined)).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("[V4] is told soon after the last request where it is not autoscaled, and in no pause between two", async () => {
    const replica = watched();
    replica.world.contactedAtMs = Date.now();
    // At the first look, after 10 s, there is just none.
    for (let count = 0; count < 19; count++) {
      request(replica);
      await after(700);
    }
    expect(replica.told).toEqual([]);
    await after(1000);
    expect(replica.told).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each([{}, AUTOSCALED])("[V4] goes with everything else that is told of a steady load, and adds nothing to it: %o", async (options) => {
    const replica = watched(options);
    replica.load.set(3);
    const counting = setInterval(() => (replica.world.meter.hasNews = true), 100);
    await after(10 * 60_000);
    clearInterval(counting);
    expect(replica.told.length).toBeLessThanOrEqual(15);
    expect(replica.told.every(({ metrics }) => metrics !== undefined)).toBe(true);
  });

  it.each([{}, AUTOSCALED])(
    "[V4] is told at most 122 times in the first hour, and to the last request, whatever comes and goes: %o",
    async (options) => {
      const replica = watched({ ...options, healthCheckPeriodMs: 1000 });
      for (let count = 0; count < 600; count++) {
        request(replica);
        await after(6000);
      }
      await after(60_000);
      expect(replica.told.length).toBeLessThanOrEqual(122);
      expect(replica.world.meter.hasNews).toBe(false);
      expect(vi.getTimerCount()).toBe(0);
    },
  );

  it("[V3] is told half a second after the first request, and a few seconds after the last one of a burst", async () => {
    const replica = watched();
    replica.world.meter.hasNewSeries = true;
    request(replica);
    await after(499);
    expect(replica.told).toEqual([]);
    await after(1);
    expect(replica.told.map(({ event }) => event.kind)).toEqual(["alive"]);
    for (let count = 0; count < 20; count++) {
      request(replica);
      await after(100);
    }
    await after(5000);
    expect(replica.told).toHaveLength(2);
    expect(replica.world.meter.hasNews).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("[V3] is told at the next look when there is a new series, which the steady report would bring much later", async () => {
    const replica = watched();
    replica.load.set(3);
    await after(50_000);
    const before = replica.told.length;
    replica.world.meter.hasNews = replica.world.meter.hasNewSeries = true;
    await after(10_000);
    expect(replica.told).toHaveLength(before + 1);
  });

  it("[V4] is told with the next work when the controller was not reached", async () => {
    const replica = watched();
    replica.world.isReached = false;
    request(replica);
    await after(60_000);
    expect(vi.getTimerCount()).toBe(0);
    replica.world.isReached = true;
    request(replica);
    await after(60_000);
    expect(replica.told.at(-1)?.metrics?.series["requests"]).toEqual([[[""], [2]]]);
  });
});
