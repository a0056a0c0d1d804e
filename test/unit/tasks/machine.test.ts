import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { backoffMs, step, type TaskEvent } from "../../../src/tasks/machine.ts";
import { DEFAULT_TASKS as options } from "../../../src/protocol/tasks.ts";
import type { TaskRow } from "../../../src/tasks/task.ts";
import { finishedRow, runningRow, waitingRow } from "../../support/task-store-conformance.ts";

const error = { name: "Error", message: "x", whole: '"x"' };
const place = { replica: "r", delivery: "d" };
const lingering = { number: 1, place, untilAt: 500 };
const random = () => 0.5;

describe("the wait before an attempt", () => {
  it.each([[1, 1000], [2, 2000], [3, 4000], [9, 256_000], [10, 300_000], [100, 300_000], [2000, 300_000]])("after %i: %i ms, by a quarter more or less", (attempts, ms) => {
    expect(backoffMs(attempts, options, () => 0)).toBe(ms * 0.75);
    expect(backoffMs(attempts, options, () => 0.5)).toBe(ms);
    expect(backoffMs(attempts, options, () => 1)).toBe(ms * 1.25);
  }); // prettier-ignore
});

describe("[M1] [M4] what comes too late, too early or for another attempt", () => {
  const sending: TaskEvent = { kind: "sending", place, options };
  const value = (number: number): TaskEvent => ({ kind: "ended", number, end: { kind: "value", value: "1" } });
  const tick: TaskEvent = { kind: "tick", timeout: () => error };
  it.each<[string, TaskRow, TaskEvent, number]>([
    ["sending before its time", waitingRow("a", { dueAt: 10 }), sending, 9],
    ["sending beside an attempt that may still run", waitingRow("a", { lingering }), sending, 100],
    ["sending while it runs", runningRow("a"), sending, 100],
    ["sending when it is finished", finishedRow("a", 1000), sending, 100],
    ["the end of an attempt of before", runningRow("a", { run: 2 }), value(0), 100],
    ["the end of an attempt that was never begun", waitingRow("a"), value(1), 100],
    ["a second end", finishedRow("a", 1000), value(1), 100],
    ["a refusal of another attempt", runningRow("a"), { kind: "refused", number: 2 }, 100],
    ["a tick before the deadline", runningRow("a"), tick, 599],
    ["a tick before the end of waiting", waitingRow("a", { lingering }), tick, 499],
    ["cancelling when it is finished", finishedRow("a", 1000), { kind: "cancel", options }, 100],
    ["nothing to run it, when it runs", runningRow("a"), { kind: "missing", error, options }, 100],
    ["a retry of one that waits", waitingRow("a"), { kind: "retry" }, 100],
    ["a retry of one that runs", runningRow("a"), { kind: "retry" }, 100],
    ["a retry of one that succeeded", finishedRow("a", 1000), { kind: "retry" }, 100],
  ])("changes nothing: %s", (_, row, event, nowMs) => {
    expect(step(row, event, nowMs, random)).toBeUndefined();
  });

  it("is dropped when the attempt was given up, but says that it has ended", () => {
    const row = waitingRow("a", { lingering });
    expect(step(row, value(1), 100, random)).toEqual({ row: waitingRow("a"), effects: [] });
    expect(step(row, { kind: "refused", number: 1 }, 100, random)).toEqual({ row: waitingRow("a"), effects: [] });
  });
});

it("[M3] what was sent and did not begin leaves the row as it was, but for the number", () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.option(fc.nat(9), { nil: undefined }), fc.nat(5), (dueAt, startedAt, attempts) => {
      const before = waitingRow("a", {
        dueAt,
        attempts,
        run: attempts,
        ...(startedAt === undefined ? {} : { startedAt, error: { name: "E", message: "" } }),
      });
      const sent = step(before, { kind: "sending", place, options }, 2000, random)!.row;
      expect(sent).toMatchObject({ state: "RUNNING", attempts: attempts + 1, startedAt: 2000 });
      expect(step(sent, { kind: "refused", number: sent.run }, 3000, random)!.row).toEqual({ ...before, run: attempts + 1 });
    }),
  );
});
