/** The controller under loads that mislead: noise at the target, replicas that die, single requests. */
import { describe, expect, it } from "vitest";
import { ControlledWorld, manifestOf } from "../../support/controlled-world.ts";

const AUTOSCALING = {
  minReplicas: 1,
  maxReplicas: 10,
  targetOngoingRequests: 2,
  lookBackPeriodMs: 30_000,
  upscaleDelayMs: 10_000,
  downscaleDelayMs: 60_000,
};
const worldWith = (changes: object = {}) => new ControlledWorld(manifestOf({ Model: { autoscaling: { ...AUTOSCALING, ...changes } } }));

const targetOf = (world: ControlledWorld) => world.stored!.deployments["Model"]!.target;
const decisionsOf = (world: ControlledWorld) => world.stored!.deployments["Model"]!.scaling.decisions.length;
const inSet = (world: ControlledWorld) => world.stored!.deployments["Model"]!.replicas.filter(({ phase }) => phase === "RUNNING");

/** Numbers from 0 to 1, the same in every run. */
function random(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

/** Every replica in the set reports its part of the load, every 10 s. */
async function loaded(world: ControlledWorld, seconds: number, loadAt: (second: number) => number): Promise<void> {
  for (let second = 0; second < seconds; second += 10) {
    await world.run(10_000);
    const replicas = inSet(world);
    for (const { ref } of replicas) await world.load(ref.name, loadAt(second) / replicas.length);
  }
}

describe("a load at the target", () => {
  const noisy = (mean: number, seed: number) => {
    const next = random(seed * 7919);
    return () => mean * (0.9 + 0.2 * next());
  };

  it.each([1, 2, 3])("that is a little below it, with a fifth of noise, changes nothing for an hour (seed %i)", async (seed) => {
    const world = worldWith();
    await world.run();
    await loaded(world, 600, () => 8);
    expect(targetOf(world)).toBe(4);
    const before = decisionsOf(world);
    await loaded(world, 3600, noisy(7.5, seed));
    expect([targetOf(world), decisionsOf(world) - before]).toEqual([4, 0]);
  });

  it.each([1, 2, 3])(
    "exactly, with a fifth of noise, wavers by one replica, no more often than the delays let it (seed %i)",
    async (seed) => {
      const world = worldWith({ upscaleDelayMs: 30_000, downscaleDelayMs: 600_000 });
      await world.run();
      await loaded(world, 600, () => 8);
      const load = noisy(8, seed);
      const before = decisionsOf(world);
      const targets = new Set<number>();
      for (let minute = 0; minute < 60; minute++) {
        await loaded(world, 60, load);
        targets.add(targetOf(world));
      }
      expect([4, 5]).toEqual(expect.arrayContaining([...targets]));
      expect(decisionsOf(world) - before).toBeLessThanOrEqual(2 * Math.ceil(3600 / 630));
    },
  );

  it("that flaps faster than the delays does not flap the replicas", async () => {
    const world = worldWith();
    await world.run();
    await loaded(world, 600, (second) => (second % 40 < 20 ? 12 : 4));
    const before = decisionsOf(world);
    await loaded(world, 3600, (second) => (second % 40 < 20 ? 12 : 4));
    expect(decisionsOf(world) - before).toBeLessThanOrEqual(1);
  });
});

describe("a replica that died with a load reported", () => {
  it("counts for a while, and then no more: the target goes back to the least", async () => {
    const world = worldWith();
    await world.run();
    await loaded(world, 300, () => 10);
    expect(targetOf(world)).toBe(5);
    // Nobody ever says anything again.
    await world.run(15 * 60_000);
    expect(targetOf(world)).toBe(1);
    await world.run(15 * 60_000);
    expect(world.alarmAtMs).toBeUndefined();
    expect((await world.model()).replica_states).toEqual({ RUNNING: 1 });
  });

  it("does not count beside those that work on", async () => {
    const world = worldWith();
    await world.run();
    await loaded(world, 300, () => 10);
    for (let second = 0; second < 900; second += 10) {
      await world.run(10_000);
      await world.load("app/Model/-/0.0", 2);
    }
    expect(targetOf(world)).toBe(1);
  });
});

describe("single requests, far apart, where there may be no replica", () => {
  it("each bring one up, which goes again after the delay, and never two", async () => {
    const world = worldWith({ minReplicas: 0, spillover: false });
    await world.run();
    expect(targetOf(world)).toBe(0);
    for (let use = 0; use < 5; use++) {
      const { incarnations } = world.stored!.deployments["Model"]!;
      const name = `app/Model/-/0.${incarnations[0] ?? 0}`;
      expect(await world.report(name, { kind: "woke", isSpill: true })).toMatchObject({ duty: "serving" });
      expect(targetOf(world)).toBe(1);
      await world.run(10_000);
      await world.load(name, 0.1);
      await world.run(10_000);
      await world.load(name, 0);
      expect(targetOf(world)).toBe(1);
      await world.run(10 * 60_000);
      expect(targetOf(world)).toBe(0);
      expect(world.alarmAtMs).toBeUndefined();
    }
  });

  it("keep it while they come more often than the delay", async () => {
    const world = worldWith({ minReplicas: 0, spillover: false });
    await world.run();
    const name = "app/Model/-/0.0";
    await world.report(name, { kind: "woke", isSpill: true });
    for (let minute = 0; minute < 60; minute++) {
      await world.load(name, 0.1);
      await world.run(10_000);
      await world.load(name, 0);
      await world.run(40_000);
      expect(targetOf(world)).toBe(1);
    }
  });
});
