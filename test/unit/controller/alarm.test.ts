import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Alarm } from "../../../durable-objects/alarm.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: 10_000 });
  vi.spyOn(console, "error").mockImplementation(() => {});
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** An alarm, and what is stored of it; the first `failures` writes fail. */
function alarmWith(failures = 0) {
  const world = { atMs: undefined as number | undefined, writes: 0 };
  const write = async (timeMs: number | undefined) => {
    if (world.writes++ < failures) throw new Error("no storage");
    world.atMs = timeMs;
  };
  return { world, alarm: new Alarm({ setAlarm: write, deleteAlarm: () => write(undefined) }) };
}

const failing: Record<string, () => void | Promise<void>> = {
  throws: () => {
    throw new Error("no");
  },
  rejects: () => Promise.reject(new Error("no")),
};

describe("an alarm that fires", () => {
  it("[A1] has armed the next one before it works", async () => {
    const { world, alarm } = alarmWith();
    let during: number | undefined;
    await alarm.fire(() => {
      during = world.atMs;
      alarm.setAt(undefined);
    });
    expect([during, world.atMs]).toEqual([11_000, undefined]);
  });

  it.each(Object.keys(failing))("[A2] lets nothing out whose work %s, and is tried again ever later", async (how) => {
    const { world, alarm } = alarmWith();
    const delays: number[] = [];
    for (let n = 0; n < 8; n++) {
      await alarm.fire(failing[how]!);
      delays.push(world.atMs! - Date.now());
    }
    expect(delays).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    await alarm.fire(() => alarm.setAt(undefined));
    await alarm.fire(failing[how]!);
    expect(world.atMs! - Date.now()).toBe(1000);
  });

  it("[A2] comes again when its work never ends", async () => {
    const { world, alarm } = alarmWith();
    void alarm.fire(() => new Promise(() => {}));
    await vi.advanceTimersByTimeAsync(0);
    expect(world.atMs).toBe(11_000);
  });
});

describe("an alarm that cannot be stored", () => {
  it("[A3] is asked for again until it is, and leaves no timer", async () => {
    const { world, alarm } = alarmWith(3);
    alarm.setAt(50_000);
    await vi.advanceTimersByTimeAsync(7000);
    expect([world.atMs, world.writes, vi.getTimerCount()]).toEqual([50_000, 4, 0]);
  });

  it("[A3] is not asked for any more once another one is", async () => {
    const { world, alarm } = alarmWith(1);
    alarm.setAt(50_000);
    alarm.setAt(60_000);
    await vi.advanceTimersByTimeAsync(60_000);
    expect([world.atMs, world.writes, vi.getTimerCount()]).toEqual([60_000, 2, 0]);
  });

  it("is asked for anew by whoever asks next, where it could not be stored for long", async () => {
    const { world, alarm } = alarmWith(15);
    alarm.setAt(50_000);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect([world.atMs, vi.getTimerCount()]).toEqual([undefined, 0]);
    alarm.setAt(50_000);
    await vi.advanceTimersByTimeAsync(0);
    expect(world.atMs).toBe(50_000);
  });
});

it("is written only when it changes", () => {
  const { world, alarm } = alarmWith();
  for (const timeMs of [1, 1, 2, undefined, undefined]) alarm.setAt(timeMs);
  expect(world.writes).toBe(3);
});
