import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { assignmentAt } from "../../support/assignments.ts";
import { controlled } from "../../support/controlled-replica.ts";
import { callOf, delivered, valueOf } from "../../support/model-replica.ts";

const GONE = (epoch: number) => assignmentAt(epoch, { duty: "gone" });

const after = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
  for (const method of ["log", "warn", "error"] as const) vi.spyOn(console, method).mockImplementation(() => {});
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});
describe("a replica that was taken out of the set, and is wanted again", () => {
  it("[K4] keeps them when it is wanted again meanwhile", async () => {
    const { world, replica, hold } = controlled();
    const a = hold("a");
    await after(0);
    await replica.assign(assignmentAt(2, { duty: "draining" }), false);
    await replica.assign(assignmentAt(3), false);
    world.ends.get("a")?.();
    expect(valueOf(await a)).toBe("a");
    await after(60_000);
    expect([world.disposed, world.released]).toEqual([0, 0]);
  });

  it("serves again with an instance of its own when it is wanted again", async () => {
    const { world, replica, call } = controlled();
    await call();
    await replica.assign(assignmentAt(2, { duty: "draining" }), false);
    await after(0);
    expect(await replica.assign(assignmentAt(3), true)).toEqual({ kind: "done", version: "v1" });
    expect(await call()).toBe("none");
    expect([world.made, world.disposed]).toEqual([2, 1]);
  });

  it("keeps its instance when it is wanted again before the last request has ended", async () => {
    const { world, replica, hold } = controlled();
    const held = hold("a");
    await after(0);
    await replica.assign(assignmentAt(2, { duty: "draining" }), false);
    await replica.assign(assignmentAt(3), true);
    await after(60_000);
    expect([world.made, world.disposed, world.aborted]).toEqual([1, 0, []]);
    world.ends.get("a")?.();
    expect(valueOf(await held)).toBe("a");
    await after(0);
    expect(world.disposed).toBe(0);
  });

  it("has all of its time again when it leaves a second time", async () => {
    const { world, replica, hold } = controlled({ gracefulShutdownTimeoutMs: 5000 });
    const leave = (epoch: number) => replica.assign(assignmentAt(epoch, { duty: "draining" }, { gracefulShutdownTimeoutMs: 5000 }), false);
    const held = hold("a");
    await after(0);
    await leave(2);
    await after(4000);
    await replica.assign(assignmentAt(3), true);
    await leave(4);
    await after(4999);
    expect([world.aborted, world.disposed]).toEqual([[], 0]);
    await after(1);
    expect(valueOf(await held)).toBe("aborted");
    await after(0);
    expect(world.disposed).toBe(1);
  });

  it("asks while it drains for a request from whoever knows a newer set, and for no other", async () => {
    const { world, replica, hold } = controlled();
    const held = hold("a");
    await after(0);
    await replica.assign(assignmentAt(2, { duty: "draining" }), false);
    world.control.answer = () => assignmentAt(3);
    const from = (epoch: number) => replica.call(delivered({ id: `b${epoch}`, mode: "queue", epoch }, undefined));
    expect((await from(2)).kind).toBe("refused");
    expect(valueOf(await from(3))).toBe("none");
    world.ends.get("a")?.();
    expect(valueOf(await held)).toBe("a");
  });

  it("asks for each request once it is gone, and is let in again when the controller says so", async () => {
    const { world, replica, call } = controlled();
    await call();
    await replica.assign(GONE(2), false);
    await after(0);
    expect((await replica.call(callOf())).kind).toBe("refused");
    world.control.answer = () => assignmentAt(3);
    expect(await call()).toBe("none");
  });
});
