import { describe, expect, it } from "vitest";
import { WorkerPulse } from "../../../src/inline/worker-pulse.ts";

/** A clock, and the sleeps that wait for it. */
function world(busy: () => boolean = () => false) {
  let nowMs = 0;
  const told: number[] = [];
  const sleeps: { atMs: number; wake: () => void }[] = [];
  const pulse = new WorkerPulse({
    now: () => nowMs,
    isBusy: busy,
    sleep: (ms) => new Promise<void>((wake) => sleeps.push({ atMs: nowMs + ms, wake })),
    exchange: async () => void told.push(nowMs),
  });
  const pass = async (ms: number) => {
    const untilMs = nowMs + ms;
    for (let next = due(untilMs); next !== undefined; next = due(untilMs)) {
      nowMs = next.atMs;
      sleeps.splice(sleeps.indexOf(next), 1);
      next.wake();
      for (let turn = 0; turn < 10; turn++) await Promise.resolve();
    }
    nowMs = untilMs;
  };
  const due = (untilMs: number) => sleeps.filter(({ atMs }) => atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs)[0];
  return { pulse, told, pass, sleeps };
}

describe("what a Worker tells", () => {
  it("is told soon after the first request, and at most each 5 s", async () => {
    const { pulse, told, pass } = world();
    for (let n = 0; n < 100; n++) {
      void pulse.beat();
      await pass(100);
    }
    expect(told).toEqual([500, 5500]);
  });

  it("is told after the last request, and then no more", async () => {
    const { pulse, told, pass, sleeps } = world();
    void pulse.beat();
    await pass(60_000);
    expect([told, sleeps]).toEqual([[500], []]);
  });

  it("waits for the end of what is going on", async () => {
    let isBusy = true;
    const { pulse, told, pass } = world(() => isBusy);
    void pulse.beat();
    await pass(7000);
    isBusy = false;
    await pass(60_000);
    expect(told).toEqual([500, 5500, 10_500]);
  });

  it("is gone on with by a later request where the platform has ended the one that kept it going", async () => {
    const { pulse, told, pass, sleeps } = world();
    void pulse.beat();
    sleeps.length = 0;
    expect(pulse.beat()).toBeUndefined();
    await pass(3000);
    expect(pulse.beat()).toBeInstanceOf(Promise);
    await pass(1000);
    expect(told).toEqual([3500]);
  });
});
