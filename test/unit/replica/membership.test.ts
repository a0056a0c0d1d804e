import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { after } from "../../../src/context/with-timeout.ts";
import { type Assignment, LEASE_MS } from "../../../src/protocol/control.ts";
import { Membership } from "../../../src/replica/membership.ts";
import { assignmentAt, compiledOf, REPLICA, ScriptedControl } from "../../support/assignments.ts";

function member(control = new ScriptedControl(), version = "v1", isStarted = true) {
  let changes = 0;
  const membership = new Membership({
    control,
    deployment: "Model",
    replica: REPLICA,
    version,
    compiled: compiledOf({ userConfig: "compiled" }),
    now: Date.now,
    after,
    isStarted: () => isStarted,
    changed: async () => void changes++,
  });
  return { control, membership, changes: () => changes };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a replica without a lease", () => {
  it("[M2] asks before it serves, says what it knows, and is then left alone until its lease ends", async () => {
    const { control, membership } = member();
    await membership.renewal();
    expect(control.reports).toEqual([{ deployment: "Model", replica: REPLICA, version: "v1", epoch: 0, event: { kind: "woke" } }]);
    await vi.advanceTimersByTimeAsync(LEASE_MS - 11_000);
    expect(membership.renewal()).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1000);
    expect(membership.renewal()).toBeInstanceOf(Promise);
  });

  it("says whether its class is there: an object that is alive need not have one", async () => {
    const { control, membership } = member(new ScriptedControl(), "v1", false);
    await membership.report({ kind: "alive" });
    expect(control.reports).toEqual([expect.objectContaining({ event: { kind: "alive" }, isStarting: true })]);
  });

  it("[M1] has a lease that ends before the controller's, counted from when it asked and not from the answer", async () => {
    const { control, membership } = member();
    control.answer = () => new Promise((resolve) => setTimeout(() => resolve(undefined), 900));
    const asked = membership.renewal();
    await vi.advanceTimersByTimeAsync(900);
    await asked;
    await vi.advanceTimersByTimeAsync(LEASE_MS - 10_000 - 900);
    expect(membership.renewal()).toBeInstanceOf(Promise);
  });

  it("asks once for all requests that wait", async () => {
    const { control, membership } = member();
    await Promise.all([membership.renewal(), membership.renewal(), membership.ask()]);
    expect(control.reports).toHaveLength(1);
  });

  it("[M2] that was never told anything asks while it serves, where its caller knows no more", async () => {
    const { control, membership } = member();
    expect(membership.renewal({ epoch: 0 })).toBeUndefined();
    expect(control.reports).toHaveLength(1);
    expect(member().membership.renewal({ epoch: 1 })).toBeInstanceOf(Promise);
    expect(member().membership.renewal({ epoch: 0, isSpill: true })).toBeInstanceOf(Promise);
    const told = new ScriptedControl();
    told.remembered = { assignment: assignmentAt(3) };
    expect(member(told).membership.renewal({ epoch: 0 })).toBeInstanceOf(Promise);
  });

  it("says that a request found the others full", async () => {
    const { control, membership } = member();
    await membership.renewal({ isSpill: true });
    expect(control.reports[0]?.event).toEqual({ kind: "woke", isSpill: true });
  });

  it("[M2] waits a second at most for a controller that does not answer, and after that asks every five seconds without waiting", async () => {
    const { control, membership } = member();
    control.answer = () => new Promise(() => {});
    let isDone = false;
    void membership.renewal()?.then(() => (isDone = true));
    await vi.advanceTimersByTimeAsync(999);
    expect(isDone).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(isDone).toBe(true);
    for (let second = 1; second <= 60; second++) {
      expect(membership.renewal()).toBeUndefined();
      await vi.advanceTimersByTimeAsync(1000);
    }
    expect(control.reports).toHaveLength(11);
  });

  it("[M2] waits again for a controller that did not answer some time ago", async () => {
    const { control, membership } = member();
    control.answer = () => Promise.reject(new Error("The controller is broken."));
    await membership.renewal();
    await vi.advanceTimersByTimeAsync(5000 + LEASE_MS);
    control.answer = () => assignmentAt(2);
    await membership.renewal();
    expect(membership.set.epoch).toBe(2);
  });

  it("[M2] goes on at once, with what it was told last, when the controller throws", async () => {
    const control = new ScriptedControl();
    control.remembered = { assignment: assignmentAt(4, {}, { userConfig: "stored" }) };
    control.answer = () => {
      throw new Error("The controller is broken.");
    };
    const { membership } = member(control);
    await membership.renewal();
    expect([membership.config.userConfig, membership.set.epoch, membership.duty]).toEqual(["stored", 4, "serving"]);
    expect(membership.renewal()).toBeUndefined();
  });

  it("takes an answer that comes too late for the request, and has a lease from then on", async () => {
    const { control, membership } = member();
    control.answer = () => new Promise((resolve) => setTimeout(() => resolve(assignmentAt(2)), 3000));
    void membership.renewal();
    await vi.advanceTimersByTimeAsync(3000);
    expect(membership.set.epoch).toBe(2);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(membership.renewal()).toBeUndefined();
  });

  it("leaves no timer behind", async () => {
    const { membership } = member();
    await membership.renewal();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("what a replica knows", () => {
  it("is what was compiled, until its controller says otherwise", () => {
    const { membership } = member();
    expect([membership.config.userConfig, membership.set.epoch, membership.duty]).toEqual(["compiled", 0, "serving"]);
  });

  it("outlasts its object: assignment and configuration are stored", () => {
    const { control, membership } = member();
    membership.take(assignmentAt(3, { duty: "draining" }, { userConfig: 3 }));
    membership.keep({ k: 1 });
    const again = member(control).membership;
    expect([again.config.userConfig, again.set.epoch, again.duty, again.lastUserConfig]).toEqual([3, 3, "draining", { k: 1 }]);
  });

  it("is what was compiled again when newer code runs than the assignment is for", () => {
    const { control, membership } = member();
    membership.take(assignmentAt(3, {}, { userConfig: "of v1" }));
    expect(member(control, "v2").membership.config.userConfig).toBe("compiled");
  });

  it("is written only when it is new", async () => {
    const { control, membership, changes } = member();
    control.answer = () => assignmentAt(1);
    for (let count = 0; count < 3; count++) {
      await membership.report({ kind: "alive" });
      membership.keep({ k: 1 });
    }
    expect([control.saves, changes()]).toEqual([2, 1]);
  });

  it("[M3] only ever grows newer, in whatever order assignments arrive", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(20), { maxLength: 12 }), (epochs) => {
        const { membership } = member();
        let newest = 0;
        for (const epoch of epochs) {
          membership.take(assignmentAt(epoch));
          newest = Math.max(newest, epoch);
          expect(membership.set.epoch).toBe(newest);
        }
      }),
    );
  });

  it("[M3] only ever grows newer while two versions of the code alternate", () => {
    const versions = fc.constantFrom("v1", "v2");
    fc.assert(
      fc.property(fc.array(fc.record({ epoch: fc.nat(20), version: versions }), { maxLength: 12 }), versions, (arriving, own) => {
        const { membership } = member(new ScriptedControl(), own);
        let newest = 0;
        for (const { epoch, version } of arriving) {
          membership.take(assignmentAt(epoch, { version }, { userConfig: `of ${version}` }));
          newest = Math.max(newest, epoch);
          expect(membership.set.epoch).toBe(newest);
        }
      }),
    );
  });

  it("[M3] is not undone by an order that was under way when the controller got newer code", () => {
    const { membership } = member(new ScriptedControl(), "v2");
    membership.take(assignmentAt(6, { version: "v2" }));
    expect(membership.take(assignmentAt(5, { version: "v1", duty: "draining" }))).toBe(false);
    expect([membership.set.epoch, membership.duty]).toEqual([6, "serving"]);
  });

  it("[M3] follows a controller back to the code of before, which counts on", () => {
    const { membership } = member();
    membership.take(assignmentAt(5, {}, { userConfig: "of v1" }));
    membership.take(assignmentAt(6, { version: "v2" }, { userConfig: "of v2" }));
    expect([membership.set.epoch, membership.config.userConfig]).toEqual([6, "compiled"]);
    membership.take(assignmentAt(7, {}, { userConfig: "of v1 again" }));
    expect([membership.set.epoch, membership.config.userConfig]).toEqual([7, "of v1 again"]);
  });

  it("[M3] holds as well for an answer that an order has overtaken", async () => {
    const { control, membership, changes } = member();
    const answer = Promise.withResolvers<Assignment>();
    control.answer = () => answer.promise;
    const asked = membership.ask();
    membership.contacted();
    expect(membership.take(assignmentAt(5))).toBe(true);
    answer.resolve(assignmentAt(4, { duty: "draining" }));
    await asked;
    expect([membership.set.epoch, membership.duty, changes()]).toEqual([5, "serving", 0]);
  });
});

describe("an order", () => {
  it("[M1] is as good as an answer: whoever was told need not ask", () => {
    const { membership } = member();
    membership.contacted();
    expect(membership.renewal()).toBeUndefined();
  });
});
