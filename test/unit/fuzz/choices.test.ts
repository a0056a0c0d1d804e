import { describe, expect, it } from "vitest";
import { Choices, shrunk } from "../../fuzz/choices.ts";

const rowOf = (choices: Choices) => Array.from({ length: 20 }, () => choices.below(1000));
const BUDGET = { attempts: 10_000, untilMs: Infinity };

describe("choices", () => {
  it("are the same for the same seed, kind and number, and others for another", () => {
    const row = rowOf(Choices.seeded(1, "a", 7));
    expect(rowOf(Choices.seeded(1, "a", 7))).toEqual(row);
    for (const other of [Choices.seeded(2, "a", 7), Choices.seeded(1, "b", 7), Choices.seeded(1, "a", 8)])
      expect(rowOf(other)).not.toEqual(row);
  });

  it("give the same again when what they took is played", () => {
    const first = Choices.seeded(3, "a", 1);
    const row = rowOf(first);
    expect(rowOf(Choices.replayed(first.taken))).toEqual(row);
  });

  it("are 0 past the end of a row, and never beyond the limit", () => {
    const choices = Choices.replayed([7]);
    expect([choices.below(5), choices.below(5)]).toEqual([2, 0]);
  });

  it("give options by weight", () => {
    const choices = Choices.seeded(1, "weights", 0);
    const drawn = Array.from({ length: 10_000 }, () => choices.weighted([[9, "often"], [1, "seldom"]])); // prettier-ignore
    expect(drawn.filter((option) => option === "seldom").length / drawn.length).toBeCloseTo(0.1, 1);
  });
});

describe("shrinking", () => {
  it.each([
    ["a large number among others", (row: readonly number[]) => row.some((number) => number >= 10), [10]],
    ["three numbers", (row: readonly number[]) => row.length >= 3, [0, 0, 0]],
    ["a sum", (row: readonly number[]) => row.reduce((sum, number) => sum + number, 0) >= 30, [30]],
  ])("finds the smallest row with %s", async (_, fails, smallest) => {
    const row = Array.from({ length: 30 }, (_item, at) => at);
    const best = await shrunk(row, async (candidate) => fails(candidate), BUDGET);
    expect(fails(best)).toBe(true);
    expect(best.length).toBeLessThanOrEqual(Math.max(3, smallest.length));
    expect(best.reduce((sum, number) => sum + number, 0)).toBe(smallest.reduce((sum, number) => sum + number, 0));
  });

  it("keeps to its budget", async () => {
    let attempts = 0;
    await shrunk([1, 2, 3, 4, 5, 6, 7, 8], async () => ++attempts < 0, { attempts: 5, untilMs: Infinity });
    expect(attempts).toBe(5);
  });
});
