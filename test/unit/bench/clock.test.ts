import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../bench/simulation/clock.ts";

describe("virtual time", () => {
  it("[V1] stands still while promises can settle", async () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    const deep = async (depth: number): Promise<void> => (depth === 0 ? undefined : await deep(depth - 1));
    clock.at(1, () => void deep(500).then(() => seen.push(`settled at ${clock.now()}`)));
    clock.at(1, () => void seen.push("the next event"));
    await clock.run();
    expect(seen).toEqual(["settled at 1", "the next event"]);
  });

  it("[V2] brings events in the order of their times, and of being asked for", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(5)), async (times) => {
        const clock = new VirtualClock();
        const seen: { readonly time: number; readonly index: number }[] = [];
        for (const [index, time] of times.entries()) clock.at(time, () => void seen.push({ time: clock.now(), index }));
        await clock.run();
        const expected = times.map((time, index) => ({ time, index })).toSorted((a, b) => a.time - b.time || a.index - b.index);
        expect(seen).toEqual(expected);
      }),
    );
  });

  it("lets code sleep", async () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    const sleeper = async () => {
      for (const ms of [5, 10, 0]) {
        await clock.sleep(ms);
        seen.push(clock.now());
      }
    };
    clock.at(100, () => void sleeper());
    await clock.run();
    expect(seen).toEqual([105, 115, 115]);
  });

  it("ends with what an event throws", async () => {
    const clock = new VirtualClock();
    clock.at(1, () => {
      throw new RangeError("broken");
    });
    await expect(clock.run()).rejects.toThrow(new RangeError("broken"));
  });
});
