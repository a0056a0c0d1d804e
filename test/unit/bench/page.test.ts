import { describe, expect, it } from "vitest";
import type { Comparison, Sample } from "../../../bench/micro/measure.ts";
import { tableOf } from "../../../bench/micro/page.ts";
import { markdownOf } from "../../../bench/simulation/page.ts";
import { plotOf } from "../../../bench/simulation/plot.ts";
import { median } from "../../../bench/statistics.ts";

const figure = { name: "calls", unit: "calls", path: "/", connections: 1, perRequest: 1, aim: 0.95 };
const samples = (...perSecond: number[]): Sample[] => perSecond.map((value) => ({ perSecond: value, p99Ms: 1, cpuUs: 10_000 / value }));

describe("the tables", () => {
  it("compare round by round, so that what slowed down both sides in a round counts for nothing", () => {
    const comparison: Comparison = { figure, ours: samples(90, 180, 45), byHand: samples(100, 200, 50), alike: samples(60, 120, 30) };
    const [, , row = ""] = tableOf([comparison]).split("\n");
    expect(row).toContain("| 90 calls/s | 100 calls/s | **0.90** (0.90 to 0.90) | >= 0.95 |");
    expect(row).toMatch(/\| \*\*0\.90\*\* \(0\.90 to 0\.90\) \| \*\*1\.50\*\* \(1\.50 to 1\.50\) \|$/);
  });

  it("take the middle of an odd number of rounds, and the lower of two middles", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2);
  });

  it("have a cell for each column", () => {
    const lines = markdownOf({ title: "Sizes", text: "Text.", head: ["a", "b"], rows: [["1", "2"]] }).split("\n");
    expect(lines).toEqual(["## Sizes", "", "Text.", "", "| a | b |", "| --- | --- |", "| 1 | 2 |", ""]);
  });
});

describe("the plot", () => {
  it("draws what waits longer higher, and keeps what hardly waits on the axis", () => {
    const line = (name: string, ...p99Ms: number[]) => ({
      name,
      points: p99Ms.map((ms, index) => ({ load: 0.5 + index / 10, p99Ms: ms })),
    });
    const svg = plotOf([line("ours", 10, 20), line("bound", 0, 1)], "waiting");
    const heights = [...svg.matchAll(/polyline points="([^"]*)"/g)].map(([, points = ""]) =>
      points.split(" ").map((point) => Number(point.split(",")[1])),
    );
    expect(heights[0]![1]).toBeLessThan(heights[0]![0]!);
    expect(heights[1]![0]).toBe(heights[1]![1]);
    expect(svg).not.toContain("NaN");
  });
});
