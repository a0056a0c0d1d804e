import { abortAllDurableObjects, evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { EnqueueRequest, Schedule, SchedulesRpc, TaskShardRpc } from "../../src/protocol/tasks.ts";
import { decodeErrorText, decodeResult, encodeArguments } from "../../src/tasks/payload.ts";
import { newTaskId } from "../../src/tasks/task-id.ts";
import { STORE_BEHAVIOURS } from "../support/task-store-conformance.ts";
import type { ScriptedTasks } from "./scripted-tasks.ts";

type Stub = TaskShardRpc & Pick<ScriptedTasks, "show" | "failHalfWay" | "rowsRead" | "end" | "stopped" | "begun" | "use" | "fail">;
type SchedulesStub = SchedulesRpc & {
  given(): Promise<{ cron: string; atMs: number }[]>;
  refuse(times: number): Promise<void>;
  backdate(ms: number): Promise<void>;
};
const namespaces = exports as unknown as {
  ScriptedTasks: { getByName(name: string): Stub };
  Schedules: { getByName(name: string): SchedulesStub };
};

let apps = 0;
let app: string;
let stub: Stub;
beforeEach(() => {
  app = `app-${apps++}`;
  stub = namespaces.ScriptedTasks.getByName(`tasks/${app}/0`);
});

const alarmAtMs = (object: unknown) =>
  runInDurableObject(object as never, (_: unknown, state: DurableObjectState) => state.storage.getAlarm());
async function enqueue(deployment: string, args: readonly unknown[] = [], more: Partial<EnqueueRequest> = {}): Promise<string> {
  const id = newTaskId({ app, shard: 0 }, Date.now(), Math.random);
  return stub.enqueue({ id, deployment, method: "send", arguments: await encodeArguments(args, `${deployment}.send`), ...more });
}
/** The object is gone from one moment to the next, with all that it waits for. */
async function crash(): Promise<void> {
  await abortAllDurableObjects();
  stub = namespaces.ScriptedTasks.getByName(`tasks/${app}/0`);
}
const stateOf = async (id: string) => (await stub.status(id))?.state;

describe("a store of tasks in SQLite", () => {
  it.each(STORE_BEHAVIOURS.map(([behaviour]) => behaviour))("%s", async (behaviour) => {
    await stub.show(behaviour);
  });

  it("stores all of a transaction, or nothing", async () => {
    expect(await stub.failHalfWay()).toEqual(["half-way", undefined, undefined, []]);
  });

  it("[Q1] reads nothing of 20,000 waiting tasks but what it is asked for", async () => {
    const reads = await stub.rowsRead(20_000);
    for (const [question, rows] of Object.entries(reads))
      expect([question, rows]).toEqual([question, expect.toSatisfy((n: number) => n <= 25)]);
  });
});

describe("the object of a shard", () => {
  it("runs a task from its alarm, at once, and tells its outcome to whoever waits", async () => {
    const value = [new Map([["a", new Date(5)]]), new Uint8Array([1, 2]), "\u{1f600}"];
    const id = await enqueue("Echo", value);
    const outcome = await stub.outcome(id, 10_000);
    expect(outcome?.state).toBe("SUCCEEDED");
    expect(decodeResult(outcome!.result!)).toEqual(value);
    expect(await stub.status(id)).toMatchObject({ app, deployment: "Echo", method: "send", attempts: 1 });
  });

  it("tries again, and stores the last error as the method threw it", async () => {
    await stub.use({ backoffMs: 5 });
    const [again, fails] = [await enqueue("Second"), await enqueue("Fails")];
    expect(decodeResult((await stub.outcome(again, 10_000))!.result!)).toBe("done");
    const outcome = await stub.outcome(fails, 10_000);
    expect(outcome?.state).toBe("FAILED");
    expect(decodeErrorText(outcome!.result!)).toMatchObject({ name: "RangeError", message: "attempt 3" });
    await stub.use({});
  });

  it("holds a task of nearly 1 MiB, and its result", async () => {
    const text = "\u20ac".repeat(349_000);
    const id = await enqueue("Echo", [text]);
    expect(decodeResult((await stub.outcome(id, 10_000))!.result!)).toEqual([text]);
  });

  it("runs what waits when it comes back, and is woken for it by its alarm alone", async () => {
    const id = await enqueue("Echo", [], { delayMs: 3_600_000 });
    await evictDurableObject(stub as never);
    expect(await alarmAtMs(stub)).toBeGreaterThan(Date.now() + 3_500_000);
    expect(await stateOf(id)).toBe("PENDING");
    const soon = await enqueue("Echo", [], { delayMs: 300 });
    await evictDurableObject(stub as never);
    await vi.waitFor(async () => expect(await stub.begun(soon)).toBe(1), { timeout: 10_000 });
    expect((await stub.outcome(soon, 10_000))?.state).toBe("SUCCEEDED");
    expect(await stub.begun(id)).toBe(0);
  });

  it("asks after a crash for the attempts that it had, and does not begin them beside themselves", async () => {
    await stub.use({ backoffMs: 5 });
    const id = await enqueue("Holds");
    await vi.waitFor(async () => expect(await stateOf(id)).toBe("RUNNING"), { timeout: 10_000 });
    await crash();
    expect(await runDurableObjectAlarm(stub as never)).toBe(true);
    expect([await stateOf(id), await stub.begun(id)]).toEqual(["RUNNING", 1]);
    expect(await stub.cancel(id)).toBe(true);
    await vi.waitFor(async () => expect(await stub.stopped()).toEqual([true]), { timeout: 10_000 });
    await stub.end("too late");
    expect(await stub.outcome(id, 0)).toEqual({ state: "CANCELLED" });
    // Its replica knows nothing of the attempt any more: another life of the shard finds that out.
    await crash();
    expect(await runDurableObjectAlarm(stub as never)).toBe(true);
    expect(await stub.retry(id)).toBe(true);
    await vi.waitFor(async () => expect(await stub.begun(id)).toBe(2), { timeout: 10_000 });
    await stub.end("second");
    expect(decodeResult((await stub.outcome(id, 10_000))!.result!)).toBe("second");
    await stub.use({});
  });

  it("is armed again each time when it cannot be made, more often than the platform would try", async () => {
    const errors = vi.spyOn(console, "error").mockImplementation(() => {});
    const id = await enqueue("Echo", [], { delayMs: 3_600_000 });
    await evictDurableObject(stub as never);
    await stub.fail(8);
    for (let n = 0; n < 8; n++) {
      expect([n, await runDurableObjectAlarm(stub as never)]).toEqual([n, true]);
      expect(await alarmAtMs(stub)).toBeGreaterThan(Date.now());
    }
    expect(await runDurableObjectAlarm(stub as never)).toBe(true);
    expect(await alarmAtMs(stub)).toBeGreaterThan(Date.now() + 3_500_000);
    expect(await stateOf(id)).toBe("PENDING");
    errors.mockRestore();
  });

  it("has no alarm when it has nothing to do", async () => {
    const id = await enqueue("Echo", [], { delayMs: 3_600_000 });
    await stub.use({ retentionMs: 0 });
    expect(await stub.cancel(id)).toBe(true);
    await stub.use({});
    await runDurableObjectAlarm(stub as never);
    expect(await alarmAtMs(stub)).toBeNull();
    expect(await stub.list({ limit: 10 })).toEqual([]);
  });

  it("lists and counts what it has", async () => {
    const ids = [await enqueue("Echo"), await enqueue("Fails", [], { delayMs: 3_600_000 }), await enqueue("Echo")];
    await Promise.all([stub.outcome(ids[0]!, 10_000), stub.outcome(ids[2]!, 10_000)]);
    expect((await stub.list({ limit: 10 })).map(({ id }) => id)).toEqual(ids.toReversed());
    expect((await stub.list({ limit: 10, state: "PENDING" })).map(({ id }) => id)).toEqual([ids[1]]);
    await stub.cancelWaiting();
    expect((await stub.counters()).tasks).toEqual([
      { deployment: "Echo", state: "SUCCEEDED", count: 2 },
      { deployment: "Fails", state: "CANCELLED", count: 1 },
    ]);
  });

  it("lets callers reach its RPC methods and nothing else of it", async () => {
    const names = await runInDurableObject(stub as never, (instance: object) =>
      Object.getOwnPropertyNames(Object.getPrototypeOf(Object.getPrototypeOf(instance))),
    );
    const rpc = ["enqueue", "status", "outcome", "cancel", "retry", "list", "cancelWaiting", "counters"];
    expect(names.toSorted()).toEqual(["alarm", "constructor", ...rpc].toSorted());
  });
});

describe("the object of an application's schedules", () => {
  const minutely: Schedule = { deployment: "Mail", cron: "* * * * *", method: "sweep" };

  it("holds one alarm for the next time, gives its task once, also when its object was lost, and then waits for the next", async () => {
    const schedules = namespaces.Schedules.getByName("app-a");
    await schedules.adopt(1, [minutely, { deployment: "Mail", cron: "@yearly" }]);
    const [first] = await schedules.upcoming();
    expect(await alarmAtMs(schedules)).toBe(first!.nextAt);
    await schedules.backdate(600_000);
    await evictDurableObject(schedules as never);
    await schedules.refuse(1);
    expect(await runDurableObjectAlarm(schedules as never)).toBe(true);
    expect(await schedules.given()).toEqual([]);
    expect(await runDurableObjectAlarm(schedules as never)).toBe(true);
    await vi.waitFor(async () => expect(await schedules.given()).toEqual([{ cron: "* * * * *", atMs: first!.nextAt - 600_000 }]), {
      timeout: 10_000,
    });
    const [next] = await schedules.upcoming();
    expect(next!.nextAt).toBeGreaterThan(Date.now() - 1000);
    expect(await alarmAtMs(schedules)).toBe(next!.nextAt);
    await schedules.adopt(2, []);
    expect(await alarmAtMs(schedules)).toBeNull();
  });
});
