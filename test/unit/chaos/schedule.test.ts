import { describe, expect, it } from "vitest";
import { routesFor } from "../../chaos/shapes.ts";
import { type Kind, scheduleOf } from "../../chaos/schedule.ts";

describe("a schedule", () => {
  it("is the same for a seed, and another for another", () => {
    expect(scheduleOf(7, 200)).toEqual(scheduleOf(7, 200));
    expect(scheduleOf(7, 200)).not.toEqual(scheduleOf(8, 200));
  });

  it("begins as a shorter one of the same seed: a failure is found again with fewer faults", () => {
    expect(scheduleOf(7, 200).slice(0, 50)).toEqual(scheduleOf(7, 50));
  });

  it("has every kind of fault in 300", () => {
    const kinds: readonly Kind[] = [
      "act",
      "abort while queued",
      "abort while full",
      "abort draining",
      "abort idle",
      "leave",
      "bad frame",
      "scale",
      "apply",
      "swap",
      "controller",
      "config",
      "task shard",
      "kill",
      "rebuild",
    ];
    const planned = scheduleOf(2, 500);
    expect(new Set(planned.map(({ kind }) => kind))).toEqual(new Set(kinds));
    expect(new Set(planned.map((one) => (one.kind === "act" ? one.act.split(" ")[0] : one.kind)))).toEqual(
      new Set([...kinds.filter((kind) => kind !== "act"), "abort", "throw", "answer", "hang", "fall"]),
    );
  });

  it("asks for nothing that its route cannot do", () => {
    for (const planned of scheduleOf(3, 2000)) if (planned.kind === "act") expect(routesFor(planned.act)).toContain(planned.route);
  });
});
