import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findStuck, HealthCount } from "../../../src/replica/health.ts";

describe("HealthCount", () => {
  it("complains at the third failure in a row, with the last one's reason, and goes on complaining", () => {
    const count = new HealthCount();
    expect([count.note("a"), count.note("b")]).toEqual([undefined, undefined]);
    expect(count.note("c")).toBe("checkHealth failed 3 times in a row. The last time: c");
    expect(count.note("d")).toBe("checkHealth failed 4 times in a row. The last time: d");
    expect(count.note(undefined)).toBeUndefined();
  });

  it("complains exactly when the last three all failed", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 30 }), (failures) => {
        const count = new HealthCount();
        for (const [index, isFailure] of failures.entries()) {
          const lastThree = failures.slice(Math.max(0, index - 2), index + 1);
          const isSick = lastThree.length === 3 && lastThree.every(Boolean);
          expect(count.note(isFailure ? "no" : undefined) !== undefined).toBe(isSick);
        }
      }),
    );
  });
});

describe("findStuck", () => {
  const NOW = { nowMs: 10_000, lastFinishedAtMs: 0, maxOngoingRequests: 100, graceMs: 2000 };
  const overdue = (count: number, startedAtMs = 1000) => Array.from({ length: count }, () => ({ startedAtMs, deadline: 9000 }));

  it("wants three requests that run past their deadline", () => {
    expect(findStuck(overdue(2), NOW)).toBeUndefined();
    expect(findStuck(overdue(3), NOW)).toBe(
      "3 requests still run after their deadline, or long after their caller has left, and none has finished since the first of them began.",
    );
  });

  it("is content with fewer where the replica runs fewer at once", () => {
    expect(findStuck(overdue(1), { ...NOW, maxOngoingRequests: 1 })).toContain("1 requests");
    expect(findStuck([], { ...NOW, maxOngoingRequests: 1 })).toBeUndefined();
  });

  it("does not hold slowness against a replica: not without a deadline, not before it, not while others finish", () => {
    const long = Array.from({ length: 5 }, () => ({ startedAtMs: 1000, deadline: undefined }));
    expect(findStuck(long, NOW)).toBeUndefined();
    expect(findStuck(overdue(5), { ...NOW, nowMs: 9000 })).toBeUndefined();
    expect(findStuck(overdue(5), { ...NOW, lastFinishedAtMs: 1500 })).toBeUndefined();
  });

  it.each([
    ["whose callers left long ago", 7999, true],
    ["whose callers left lately", 8000, false],
    ["whose callers are there", undefined, false],
  ])("knows of requests without a deadline %s", (_, abandonedAtMs, isStuck) => {
    const running = Array.from({ length: 3 }, () => ({ startedAtMs: 1000, deadline: undefined, abandonedAtMs }));
    expect(findStuck(running, NOW) !== undefined).toBe(isStuck);
    expect(findStuck(running, { ...NOW, lastFinishedAtMs: 1500 })).toBeUndefined();
  });

  it("counts only what began after the last that finished", () => {
    const mixed = [...overdue(5, 1000), ...overdue(2, 2000)];
    expect(findStuck(mixed, { ...NOW, lastFinishedAtMs: 1500 })).toBeUndefined();
    expect(findStuck([...mixed, ...overdue(1, 2000)], { ...NOW, lastFinishedAtMs: 1500 })).toContain("3 requests");
  });
});
