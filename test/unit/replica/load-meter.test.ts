import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LoadMeter } from "../../../src/replica/load-meter.ts";
import { Clock } from "../../support/clock.ts";

type Step = { readonly kind: "set"; readonly value: number } | { readonly kind: "wait"; readonly ms: number } | { readonly kind: "take" };

const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("set" as const), value: fc.nat(50) }),
    fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(40) }),
    fc.constant({ kind: "take" as const }),
  ),
  { maxLength: 60 },
);

describe("LoadMeter", () => {
  it("says what adding up every millisecond says, from one report to the next", () => {
    fc.assert(fc.property(steps, checkAgainstEveryMillisecond));
  });

  it("says the value of now where no time has passed", () => {
    const meter = new LoadMeter(new Clock().now);
    meter.set(3);
    expect(meter.mean()).toBe(3);
    expect(meter.take().mean).toBe(3);
  });

  it("forgets what was before a restart, and keeps the value", () => {
    const clock = new Clock();
    const meter = new LoadMeter(clock.now);
    meter.set(8);
    clock.advance(1000);
    meter.set(2);
    meter.restart();
    clock.advance(10);
    expect(meter.take()).toEqual({ sinceMs: clock.now() - 10, untilMs: clock.now(), mean: 2 });
  });
});

function checkAgainstEveryMillisecond(all: readonly Step[]): void {
  const clock = new Clock();
  const meter = new LoadMeter(clock.now);
  let value = 0;
  let sinceMs = clock.now();
  let values: number[] = [];
  for (const step of all) {
    if (step.kind === "set") {
      meter.set(step.value);
      value = step.value;
    } else if (step.kind === "wait") {
      clock.advance(step.ms);
      values.push(...Array.from({ length: step.ms }, () => value));
    } else {
      const mean = values.length === 0 ? value : values.reduce((sum, one) => sum + one, 0) / values.length;
      expect(meter.mean()).toBeCloseTo(mean, 8);
      const report = meter.take();
      expect(report).toEqual({ sinceMs, untilMs: clock.now(), mean: expect.closeTo(mean, 8) });
      sinceMs = clock.now();
      values = [];
    }
  }
}
