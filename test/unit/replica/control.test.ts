import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Assignment } from "../../../src/protocol/control.ts";
import { assignmentAt, ScriptedControl } from "../../support/assignments.ts";
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

describe("a replica that is taken out of the set", () => {
  it("[K4] gives up its sockets and its alarm once the class has cleaned up, and each time that an event comes after that", async () => {
    const { world, replica, hold } = controlled();
    const a = hold("a");
    await after(0);
    await replica.assign(assignmentAt(2, { duty: "draining" }), false);
    await after(0);
    expect([world.disposed, world.released]).toEqual([0, 0]);
    world.ends.get("a")?.();
    expect(valueOf(await a)).toBe("a");
    await after(0);
    expect([world.disposed, world.released]).toEqual([1, 1]);
    await replica.events.alarm(undefined);
    expect([world.made, world.released]).toEqual([1, 2]);
  });

  it("[K1] refuses what is new with the newest set, finishes what it has, and cleans up once", async () => {
    const { world, replica, hold } = controlled();
    const [a, b] = [hold("a"), hold("b")];
    await after(0);
    expect(await replica.assign(assignmentAt(2, { duty: "draining" }), false)).toEqual({ kind: "done", version: "v1" });
    expect(await replica.call(callOf())).toMatchObject({ kind: "refused", set: { epoch: 2 } });
    world.ends.get("a")?.();
    expect(valueOf(await a)).toBe("a");
    expect(world.disposed).toBe(0);
    world.ends.get("b")?.();
    expect(valueOf(await b)).toBe("b");
    await after(0);
    expect([world.disposed, world.aborted, world.terminated]).toEqual([1, [], []]);
    expect(world.control.kinds).toEqual(["woke", "drained"]);
  });

  it("[K1] says once that it has drained, although the answer is that it is gone", async () => {
    const { world, replica, call } = controlled();
    await call();
    world.control.answer = ({ event }) => (event.kind === "drained" ? GONE(3) : undefined);
    await replica.assign(assignmentAt(2, { duty: "draining" }), false);
    await after(60_000);
    expect(world.control.kinds.filter((kind) => kind === "drained")).toHaveLength(1);
    expect(world.disposed).toBe(1);
    expect(replica.newsWith(new Response(), 0).set?.epoch).toBe(3);
  });

  it("[K1] says again that it has drained when it is ordered again, since that was lost", async () => {
    const { world, replica, call } = controlled();
    await call();
    const order = assignmentAt(2, { duty: "draining" });
    await replica.assign(order, false);
    await after(0);
    await replica.assign(order, false);
    await after(0);
    expect(world.control.kinds).toEqual(["woke", "drained", "drained"]);
    expect(world.disposed).toBe(1);
  });

  it("[K2] aborts what still runs after gracefulShutdownTimeoutMs, and not before", async () => {
    const { world, replica, hold } = controlled({ gracefulShutdownTimeoutMs: 5000 });
    const held = hold("a");
    await after(0);
    await replica.assign(assignmentAt(2, { duty: "draining" }, { gracefulShutdownTimeoutMs: 5000 }), false);
    await after(4999);
    expect(world.aborted).toEqual([]);
    await after(1);
    expect(world.aborted).toEqual([expect.objectContaining({ message: expect.stringContaining("within 5000 ms") })]);
    expect(valueOf(await held)).toBe("aborted");
    await after(0);
    expect([world.disposed, world.terminated]).toEqual([1, []]);
  });

  it("[K2] ends its object with what pays no heed to the signal", async () => {
    const { world, replica, hold } = controlled();
    void hold("deaf", false);
    await after(0);
    await replica.assign(assignmentAt(2, { duty: "draining" }, { gracefulShutdownTimeoutMs: 1000 }), false);
    await after(1000);
    expect([world.disposed, world.terminated.length]).toEqual([1, 1]);
  });

  it("drains although its controller cannot be told", async () => {
    const { world, replica, call } = controlled();
    await call();
    world.control.answer = () => Promise.reject(new Error("gone"));
    await replica.assign(assignmentAt(2, { duty: "draining" }), false);
    await after(0);
    expect(world.disposed).toBe(1);
  });
});

describe("a configuration", () => {
  it("[K3] that the class refuses leaves everything else as it was, and the order says so", async () => {
    const { replica, call } = controlled({ userConfig: "good" });
    expect(await call()).toBe("good");
    expect(await replica.assign(assignmentAt(2, {}, { userConfig: "bad" }), false)).toEqual({
      kind: "reconfigureFailed",
      version: "v1",
      message: "reconfigure() threw Error: a bad configuration",
      stack: expect.stringMatching(/^Error: a bad configuration\n +at .*reconfigure/),
    });
    expect(await call()).toBe("good");
  });

  it("[K3] that the class refuses when it is started by an order is no success, though it serves with the one before", async () => {
    const control = new ScriptedControl();
    control.remembered = { userConfig: "good" };
    const { replica, call, world } = controlled({ userConfig: "good" }, control);
    expect(await replica.assign(assignmentAt(2, {}, { userConfig: "bad" }), true)).toMatchObject({
      kind: "reconfigureFailed",
      message: expect.stringContaining("a bad configuration"),
    });
    expect(await call()).toBe("good");
    expect(world.control.kinds).not.toContain("refused");
  });

  it("that the class refuses when a request starts it is told to the controller", async () => {
    const control = new ScriptedControl();
    control.remembered = { userConfig: "good", assignment: assignmentAt(2, {}, { userConfig: "bad" }) };
    const { call, world } = controlled({}, control);
    expect(await call()).toBe("good");
    expect(world.control.reports.at(-1)).toMatchObject({
      epoch: 2,
      event: { kind: "refused", failure: expect.stringContaining("bad"), stack: expect.stringContaining("reconfigure") },
    });
  });

  it("that comes with the answer to a waking replica's question is there before the request runs", async () => {
    const { call, world } = controlled({ userConfig: "compiled" });
    world.control.answer = () => assignmentAt(1, {}, { userConfig: "newest" });
    expect(await call()).toBe("newest");
  });

  it("changes how many requests run at once, now and after the object has slept", async () => {
    const { replica, world, call } = controlled();
    await call();
    await replica.assign(assignmentAt(2, {}, { maxOngoingRequests: 1 }), false);
    const again = controlled({}, world.control);
    // Nothing is new, so its answer is that nothing is.
    world.control.answer = () => assignmentAt(2, {}, { maxOngoingRequests: 1 });
    void again.hold("a");
    await after(0);
    const refusal = await again.replica.call(delivered({ id: "b", mode: "claim" }));
    expect(refusal).toMatchObject({ kind: "refused", load: { ongoing: 1 } });
  });
});

describe("a start that is ordered", () => {
  it("answers with what went wrong, and tells the controller nothing besides", async () => {
    const { replica, world } = controlled({ userConfig: "ill" });
    const outcome = await replica.assign(assignmentAt(1, {}, { userConfig: "ill" }), true);
    expect(outcome).toMatchObject({
      kind: "startFailed",
      message: expect.stringContaining("its first checkHealth() threw Error: ill"),
      stack: expect.stringMatching(/^Error: ill\n +at .*checkHealth/),
    });
    expect(world.control.reports).toEqual([]);
  });

  it("does not start one that is to drain", async () => {
    const { replica, world } = controlled();
    await replica.assign(assignmentAt(1, { duty: "draining" }), true);
    expect(world.made).toBe(0);
  });
});

describe("the news", () => {
  it("goes to callers that know an older set, and the controller is asked where one knows a newer", async () => {
    const { replica, world, call } = controlled();
    await call();
    await replica.assign(assignmentAt(4), false);
    expect([replica.newsWith(new Response(), 3).set?.epoch, replica.newsWith(new Response(), 4).set]).toEqual([4, undefined]);
    const { length } = world.control.reports;
    world.control.answer = (): Assignment => assignmentAt(5);
    expect(replica.newsWith(new Response(), 5).set).toBeUndefined();
    await after(0);
    expect(world.control.reports).toHaveLength(length + 1);
    expect(replica.newsWith(new Response(), 4).set?.epoch).toBe(5);
  });
});
