import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { HEARTBEAT_MS, type ReplicaEvent } from "../../../src/protocol/control.ts";
import { Pulse } from "../../../src/replica/pulse.ts";
import { AUTOSCALED, watched } from "../../support/watched-replica.ts";

const after = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("an idle replica", () => {
  it.each([{}, AUTOSCALED])("[V1] has no timer before its first request, and none some time after its last: %o", async (options) => {
    const { load, told } = watched(options);
    expect(vi.getTimerCount()).toBe(0);
    load.set(1);
    expect(vi.getTimerCount()).toBe(1);
    await after(500);
    load.set(0);
    await after(30_000);
    expect(vi.getTimerCount()).toBe(0);
    const count = told.length;
    await after(24 * 3600 * 1000);
    expect(told).toHaveLength(count);
  });

  it("is watched again with the next request", async () => {
    const { load, world } = watched();
    for (let use = 1; use <= 3; use++) {
      load.set(1);
      load.set(0);
      await after(60_000);
      expect(world.checks).toBe(use);
    }
  });
});

describe("the load that is told", () => {
  it("[V2] ends with 0, however short it was", async () => {
    const { load, loads } = watched(AUTOSCALED);
    load.set(1);
    await after(100);
    load.set(0);
    await after(10_000);
    expect(loads().map(({ mean, now }) => [mean, now])).toEqual([
      [0.1, 0.1],
      [0, 0],
    ]);
  });

  it("[V2] ends with 0 although the controller was away when it ended", async () => {
    const { load, loads, world } = watched(AUTOSCALED);
    load.set(4);
    await after(1000);
    world.isReached = false;
    load.set(0);
    await after(20_000);
    expect(loads().at(-1)?.now).toBe(4);
    world.isReached = true;
    await after(2000);
    expect(loads().at(-1)).toMatchObject({ now: 0 });
    expect(vi.getTimerCount()).toBe(0);
  });

  it("[V3] is told 40 s apart where it is steady", async () => {
    const { load, times } = watched(AUTOSCALED);
    load.set(4);
    await after(10 * 60_000);
    const gaps = times()
      .slice(1)
      .map((atMs, index) => atMs - times()[index]!);
    expect(gaps).toHaveLength(14);
    expect(gaps.every((gap) => gap === HEARTBEAT_MS)).toBe(true);
  });

  it("[V3] is told 40 s apart although every request comes and goes", async () => {
    const { load, times } = watched(AUTOSCALED);
    for (let count = 0; count < 6000; count++) {
      load.set(5);
      await after(10);
      load.set(4);
      await after(10);
    }
    expect(times()).toHaveLength(3);
  });

  it("[V3] is told after metricsIntervalMs, and no sooner, where it changes", async () => {
    const { load, times } = watched(AUTOSCALED);
    for (let count = 0; count < 20; count++) {
      load.set(count % 2 === 0 ? 10 : 1);
      await after(1000);
    }
    expect(times()).toEqual(Array.from({ length: 20 }, (_, index) => (index + 1) * 1000));
  });

  it("is the average since the last report, and covers all the time between", async () => {
    const { load, loads } = watched(AUTOSCALED);
    load.set(2);
    await after(500);
    load.set(6);
    await after(1500);
    load.set(0);
    await after(5000);
    const told = loads();
    expect(told.map(({ mean }) => mean)).toEqual([4, 6, 0]);
    for (const [index, { sinceMs }] of told.slice(1).entries()) expect(sinceMs).toBe(told[index]?.untilMs);
  });

  it("carries what the class records, and goes without when that throws or hangs", async () => {
    const { load, loads, world } = watched({ ...AUTOSCALED, healthCheckTimeoutMs: 3000 });
    world.recordStats = async () => ({ tokens: 7 });
    load.set(1);
    await after(1000);
    world.recordStats = () => Promise.reject(new Error("no"));
    load.set(9);
    await after(1000);
    world.recordStats = () => new Promise(() => {});
    load.set(30);
    await after(4000);
    expect(loads().map(({ stats }) => stats)).toEqual([{ tokens: 7 }, undefined, undefined]);
    expect(world.warnings).toEqual([
      "recordAutoscalingStats() failed: it threw Error: no",
      "recordAutoscalingStats() failed: it took longer than 3000 ms",
    ]);
    // It is waited for once, and not with every report.
    load.set(90);
    await after(1000);
    expect(loads()).toHaveLength(4);
  });

  it.each([
    ["text", "7", undefined],
    ["a function", () => 7, undefined],
    ["what no number is", { a: 1, b: NaN, c: "3", d: 2n, e: Infinity, f: () => 1 }, { a: 1 }],
    ["a getter that throws", Object.defineProperty({}, "a", { enumerable: true, get: () => JSON.parse("{") }), undefined],
    ["a thousand numbers", Object.fromEntries(Array.from({ length: 1000 }, (_, n) => [`n${n}`, n])), expect.objectContaining({ n99: 99 })],
    ["nothing", undefined, undefined],
  ])("leaves out %s that the class records, and says so once", async (what, recorded, kept) => {
    const { load, loads, world } = watched(AUTOSCALED);
    world.recordStats = async () => recorded;
    for (const requests of [1, 9, 30]) {
      load.set(requests);
      await after(1000);
    }
    expect(loads().map(({ stats }) => stats)).toEqual([kept, kept, kept]);
    expect(Object.keys(loads()[0]?.stats ?? {}).length).toBeLessThanOrEqual(100);
    expect(world.warnings).toHaveLength(what === "nothing" ? 0 : 1);
  });

  it("goes on being told when the controller never answers", async () => {
    const { load, loads, world } = watched(AUTOSCALED);
    world.isUnanswered = true;
    load.set(1);
    await after(30_000);
    expect(loads().length).toBeGreaterThanOrEqual(2);
    world.isUnanswered = false;
    load.set(0);
    await after(60_000);
    expect([loads().at(-1)?.now, vi.getTimerCount()]).toEqual([0, 0]);
  });
});

describe("a replica that is not autoscaled", () => {
  it("says that it is alive every 40 s while it works", async () => {
    const { load, told, times } = watched();
    load.set(1);
    await after(5 * 60_000);
    expect(new Set(told.map(({ event }) => event.kind))).toEqual(new Set(["alive"]));
    expect(times()).toEqual([2000, 42_000, 82_000, 122_000, 162_000, 202_000, 242_000, 282_000]);
  });

  it("says nothing after it has asked for a single request: the controller has heard of it", async () => {
    const { load, told, world } = watched();
    world.contactedAtMs = Date.now();
    load.set(1);
    load.set(0);
    await after(60_000);
    expect(told).toEqual([]);
  });
});

describe("a sick replica", () => {
  const sick = (told: readonly { readonly event: ReplicaEvent }[]) =>
    told.flatMap(({ event }) => (event.kind === "unhealthy" ? [event.message] : []));

  it("is reported once, after three failures in a row", async () => {
    const { load, told, world } = watched({ healthCheckPeriodMs: 1000 });
    world.checkHealth = () => Promise.reject(new TypeError("no memory"));
    load.set(1);
    await after(2500);
    expect(sick(told)).toEqual([]);
    await after(20_000);
    expect(sick(told)).toEqual(["checkHealth failed 3 times in a row. The last time: TypeError: no memory"]);
    expect(told.at(-1)?.event).toMatchObject({ stack: expect.stringMatching(/^TypeError: no memory\n +at /) });
  });

  it("is reported again until the controller has been reached", async () => {
    const { load, told, world } = watched({ healthCheckPeriodMs: 1000 });
    world.checkHealth = () => Promise.reject(new Error("no"));
    world.isReached = false;
    load.set(1);
    await after(5500);
    world.isReached = true;
    await after(5000);
    expect(sick(told)).toEqual(["checkHealth failed 6 times in a row. The last time: Error: no"]);
  });

  it("is one whose check takes longer than healthCheckTimeoutMs", async () => {
    const { load, told, world } = watched({ healthCheckPeriodMs: 1000, healthCheckTimeoutMs: 200 });
    world.checkHealth = () => new Promise(() => {});
    load.set(1);
    await after(6000);
    expect(sick(told)).toEqual(["checkHealth failed 3 times in a row. The last time: it took longer than 200 ms"]);
  });

  it("is named in the log, at each failure", async () => {
    const { load, world } = watched({ healthCheckPeriodMs: 1000, healthCheckTimeoutMs: 200 });
    world.checkHealth = () => new Promise(() => {});
    load.set(1);
    await after(5000);
    expect(world.warnings.slice(0, 4)).toEqual([
      ...Array(3).fill("checkHealth() failed: it took longer than 200 ms"),
      "The replica is not well. checkHealth failed 3 times in a row. The last time: it took longer than 200 ms",
    ]);
  });

  it("is well again with the next check, where one has hung", async () => {
    const { load, told, world } = watched({ healthCheckPeriodMs: 1000, healthCheckTimeoutMs: 200 });
    let checks = 0;
    world.checkHealth = () => (++checks % 3 === 0 ? Promise.resolve() : new Promise(() => {}));
    load.set(1);
    await after(60_000);
    expect(sick(told)).toEqual([]);
  });

  it("is one that starts and does not get done, while its requests run out of time: told again each time", async () => {
    const { load, told, world } = watched({ healthCheckPeriodMs: 1000 });
    world.startingStep = "setup()";
    world.running = Array.from({ length: 3 }, () => ({ startedAtMs: Date.now(), deadline: Date.now() + 500 }));
    load.set(3);
    await after(3500);
    expect(sick(told)).toEqual(Array(3).fill(expect.stringMatching(/^setup\(\) has not ended\. 3 requests still run/)));
    expect(world.warnings).toHaveLength(1);
  });

  it("is one whose requests hang although its check passes", async () => {
    const { load, told, world } = watched({ healthCheckPeriodMs: 1000 });
    world.running = Array.from({ length: 3 }, () => ({ startedAtMs: Date.now(), deadline: Date.now() + 1500 }));
    load.set(3);
    await after(1500);
    expect(sick(told)).toEqual([]);
    await after(1000);
    expect(sick(told)[0]).toContain("3 requests still run after their deadline");
  });

  it("is one whose requests hang healthCheckTimeoutMs after their callers have left", async () => {
    const { load, told, world } = watched({ healthCheckPeriodMs: 1000, healthCheckTimeoutMs: 3500 });
    const nowMs = Date.now();
    world.running = Array.from({ length: 3 }, () => ({ startedAtMs: nowMs, deadline: undefined, abandonedAtMs: nowMs }));
    load.set(3);
    await after(3500);
    expect(sick(told)).toEqual([]);
    await after(1000);
    expect(sick(told)[0]).toContain("3 requests still run");
  });

  it("is checked every healthCheckPeriodMs, however often the load is told", async () => {
    const { load, world } = watched({ ...AUTOSCALED, healthCheckPeriodMs: 5000 });
    load.set(1);
    await after(60_000);
    expect(world.checks).toBe(12);
  });
});

describe("Pulse", () => {
  it("goes on for work that begins while a beat comes to its end", async () => {
    let beats = 0;
    const pulse: Pulse = new Pulse({
      intervalMs: () => 1000,
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
      beat: () => {
        beats++;
        const isOver = Promise.resolve(false);
        if (beats === 1) void isOver.then(() => pulse.start());
        return isOver;
      },
    });
    pulse.start();
    await after(10_000);
    expect(beats).toBe(2);
    expect(vi.getTimerCount()).toBe(0);
  });
});
