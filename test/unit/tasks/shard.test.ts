import { beforeEach, describe, expect, it } from "vitest";
import { ended, enqueue, freshWorld, started, status, thrown, world } from "./driver.ts";
import { settled } from "./world.ts";

beforeEach(freshWorld);

/** Within so long all are sent that there is room for: a few at a time. */
const IN_WAVES_MS = 200;

describe("a shard", () => {
  it("has no alarm when there is nothing to do, and one for what comes next", async () => {
    const start = world.nowMs;
    void world.shard;
    expect(world.alarmAt).toBeUndefined();
    await enqueue("late", { delayMs: 3_600_000 });
    expect(world.alarmAt).toBe(start + 3_600_000);
    await enqueue("soon", { delayMs: 60_000 });
    expect(world.alarmAt).toBe(start + 60_000);
    await world.pass(60_000);
    // In case this object is lost with what it does.
    expect(world.alarmAt).toBe(world.nowMs + 10_000);
    await ended("soon", { kind: "value", value: 1 });
    expect(world.alarmAt).toBe(start + 3_600_000);
    await world.shard.cancel("late");
    await world.pass(2 * world.options.retentionMs);
    expect([world.alarmAt, world.store.counts()]).toEqual([undefined, []]);
  });

  it("shows nobody a task whose time is over", async () => {
    await started("a");
    await ended("a", { kind: "value", value: 1 });
    world.nowMs += world.options.retentionMs;
    expect([await world.shard.status("a"), await world.shard.outcome("a", 0), await world.shard.list({ limit: 9 })]).toEqual([
      undefined,
      undefined,
      [],
    ]);
    expect([await world.shard.cancel("a"), await world.shard.retry("a")]).toEqual([undefined, undefined]);
  });

  it("has at most 64 attempts in flight, of one deployment at most 48, and sends the next when one has ended", async () => {
    for (let n = 0; n < 100; n++) await enqueue(`a${n}`, { deployment: "Hangs" });
    await world.pass(IN_WAVES_MS);
    expect(world.runs.size).toBe(48);
    for (let n = 0; n < 100; n++) await enqueue(`b${n}`, { deployment: n % 2 === 0 ? "Mail" : "Rank" });
    await world.pass(IN_WAVES_MS);
    expect(world.runs.size).toBe(64);
    await ended("b0", { kind: "value", value: 1 });
    await world.pass(IN_WAVES_MS);
    expect(world.runs.size).toBe(64);
    expect(world.run("b16")).toBeDefined();
  });

  it("does not begin the others when one has been refused, and begins all when one has been taken", async () => {
    world.manner = "refuses";
    for (let n = 0; n < 20; n++) await enqueue(`a${n}`);
    await world.pass(60_000);
    world.manner = "waits";
    await world.pass(15_000);
    expect(world.queue.size).toBe(1);
    world.manner = "runs";
    for (const next of world.queue) next();
    await world.pass(IN_WAVES_MS);
    await ended("a0", { kind: "value", value: 1 });
    await world.pass(IN_WAVES_MS);
    expect(world.runs.size).toBe(19);
  });

  it("does not send a long line again and again to replicas that have room for a few, and uses all of that room", async () => {
    world.room = 5;
    for (let n = 0; n < 1000; n++) await enqueue(`a${n}`);
    let [rounds, ran] = [0, 0];
    for (; ran < 1000; rounds++) {
      await world.pass(150);
      for (const run of Array.from(world.runs)) {
        run.end({ kind: "value", value: 1 });
        await settled();
        ran++;
      }
    }
    // Of the first wave, and about one a second.
    expect(world.refusals).toBeLessThan(100);
    expect(rounds).toBeLessThan(230);
  });

  it("sends more again when there is room for more", async () => {
    world.room = 2;
    for (let n = 0; n < 1000; n++) await enqueue(`a${n}`);
    const most: number[] = [];
    for (let round = 0; round < 60; round++) {
      if (round === 20) world.room = Infinity;
      await world.pass(1000);
      most.push(world.runs.size);
      for (const run of Array.from(world.runs)) {
        run.end({ kind: "value", value: 1 });
        await settled();
      }
    }
    expect(Math.max(...most.slice(0, 20))).toBe(2);
    expect(most.at(-1)).toBeGreaterThan(20);
  });

  it("uses options that have changed for attempts that begin later", async () => {
    await started("a");
    world.options = { ...world.options, maxAttempts: 1, timeoutMs: 5, backoffMs: 7 };
    await ended("a", thrown(new Error("x")));
    expect(await status("a")).toMatchObject({ state: "PENDING", nextAttemptAt: world.nowMs + 1000 });
    await world.pass(1000);
    await ended("a", thrown(new Error("x")));
    expect(await status("a")).toMatchObject({ state: "FAILED", attempts: 2 });
  });

  it("cancels all that wait when its application is deleted, however many, and none of them begins; they stay listed", async () => {
    world.options = { ...world.options, timeoutMs: 3_600_000 };
    for (let n = 0; n < 1700; n++) await enqueue(`a${String(n).padStart(4, "0")}`, { deployment: n % 2 === 0 ? "Mail" : "Rank" });
    await world.pass(IN_WAVES_MS);
    expect(world.runs.size).toBe(64);
    await world.ask((shard) => shard.cancelWaiting());
    for (const run of world.runs) run.end({ kind: "value", value: 1 });
    await enqueue("z");
    await settled();
    await world.pass(0);
    await world.pass(500);
    expect(world.begun.size).toBe(65);
    expect(world.store.counts().filter(({ state }) => state === "CANCELLED").reduce((sum, { count }) => sum + count, 0)).toBe(1636);
    expect(await world.shard.list({ state: "CANCELLED", limit: 1000 })).toHaveLength(1000);
  }); // prettier-ignore

  it("gives one task for a time of a schedule, however often it is said, also when that task is forgotten", async () => {
    world.options = { ...world.options, retentionMs: 0 };
    const schedule = { name: "sweep", atMs: 5000 };
    await started("a", { schedule });
    await ended("a", { kind: "value", value: 1 });
    await world.pass(120_000);
    await enqueue("b", { schedule });
    await enqueue("c", { schedule: { ...schedule, atMs: 4000 } });
    await world.pass(0);
    expect(world.runs.size).toBe(0);
    await enqueue("d", { schedule: { ...schedule, atMs: 6000 } });
    await enqueue("e", { schedule: { ...schedule, name: "other" } });
    await world.pass(0);
    expect([...world.runs].map(({ taskId }) => taskId)).toEqual(["d", "e"]);
  });

  it("tells whoever waits for an outcome when there is one", async () => {
    await started("a");
    const outcome = world.shard.outcome("a", 10_000);
    await ended("a", { kind: "value", value: 1 });
    expect(await outcome).toMatchObject({ state: "SUCCEEDED" });
    await started("b");
    expect(await world.shard.outcome("b", 1)).toEqual({ state: "RUNNING" });
  });

  it("counts attempts by how they ended, and how long tasks waited from due to begun", async () => {
    world.options = { ...world.options, maxAttempts: 1 };
    await started("a", { delayMs: 0 });
    await ended("a", { kind: "value", value: 1 });
    await started("b");
    await ended("b", thrown(new Error("x")));
    await started("c");
    await world.shard.cancel("c");
    await started("d");
    world.kill(world.run("d")!.place.replica);
    await settled();
    await started("e");
    await world.pass(world.options.timeoutMs);
    world.manner = "waits";
    await enqueue("f");
    await world.pass(70);
    for (const next of world.queue) next();
    await settled();
    await ended("f", { kind: "value", value: 1 });
    const { attempts, waits, tasks } = await world.shard.counters();
    expect(Object.fromEntries(attempts.map(({ outcome, count }) => [outcome, count]))).toEqual({
      succeeded: 2,
      failed: 1,
      cancelled: 1,
      lost: 1,
      timed_out: 1,
    });
    expect(waits).toMatchObject([{ deployment: "Mail", count: 6, sumMs: 70 }]);
    expect(waits[0]!.buckets.find(({ upToMs }) => upToMs === 50)!.count).toBe(5);
    expect(waits[0]!.buckets.find(({ upToMs }) => upToMs === 100)!.count).toBe(6);
    expect(tasks).toContainEqual({ deployment: "Mail", state: "FAILED", count: 3 });
  });
});

describe("a shard that was lost", () => {
  it("waits for the attempts that still run, and takes their outcomes", async () => {
    await started("a");
    world.crash();
    await world.pass(10_000);
    expect([world.begun.get("a"), (await status("a")).state]).toEqual([1, "RUNNING"]);
    await ended("a", { kind: "value", value: 7 });
    expect((await status("a")).state).toBe("SUCCEEDED");
  });

  it("counts as lost what does not run any more", async () => {
    const { place } = await started("a");
    world.crash();
    world.kill(place.replica);
    await world.pass(11_000);
    expect(world.run("a")).toMatchObject({ attempt: 2 });
  });

  it("asks again when a replica cannot be asked", async () => {
    const { place } = await started("a");
    world.crash();
    world.kill(place.replica);
    world.isCutOff = true;
    await world.pass(15_000);
    expect(await status("a")).toMatchObject({ state: "RUNNING", attempts: 1 });
    world.isCutOff = false;
    await world.pass(3000);
    expect(world.run("a")).toMatchObject({ attempt: 2 });
  });

  it("still cancels, and stops, what an earlier life has begun", async () => {
    await started("a");
    world.crash();
    await world.pass(10_000);
    expect(await world.shard.cancel("a")).toBe(true);
    await settled();
    expect(world.run("a")!.isStopped).toBe(true);
  });

  it("sends again what was on its way to a queue", async () => {
    world.manner = "waits";
    await enqueue("a");
    await world.pass(0);
    world.crash();
    world.manner = "runs";
    await world.pass(10_000);
    expect(world.run("a")).toMatchObject({ attempt: 1 });
  });

  it("keeps to the deadline of an attempt that an earlier life has begun", async () => {
    await started("a");
    world.crash();
    await world.pass(world.options.timeoutMs);
    expect(world.run("a")!.isStopped).toBe(true);
    expect(await status("a")).toMatchObject({ state: "PENDING", error: { name: "RequestTimeoutError" } });
  });
});
