/** What every store of tasks does. Run by the unit tests on memory, and in workerd on SQLite. */
import { expect } from "vitest";
import type { TaskStore } from "../../src/tasks/store.ts";
import type { TasksConfig } from "../../src/protocol/manifest.ts";
import { DEFAULT_TASKS } from "../../src/protocol/tasks.ts";
import type { TaskRow } from "../../src/tasks/task.ts";

const options: TasksConfig = DEFAULT_TASKS;
const place = { replica: "app/Mail/-/0.0", delivery: "d" };

/** A waiting task. */
export function waitingRow(id: string, more: Partial<TaskRow> = {}): TaskRow {
  return { id, deployment: "Mail", state: "PENDING", attempts: 0, run: 0, createdAt: 1, dueAt: 10, ...more };
}

/** A task that runs. */
export function runningRow(id: string, more: Partial<TaskRow> = {}): TaskRow {
  const { dueAt: _, ...row } = waitingRow(id);
  const flight = { number: 1, place, deadlineAt: 600, options, before: { dueAt: 10 } };
  return { ...row, state: "RUNNING", attempts: 1, run: 1, startedAt: 20, flight, ...more };
}

/** A finished task. */
export function finishedRow(id: string, expiresAt: number, more: Partial<TaskRow> = {}): TaskRow {
  const { dueAt: _, ...row } = waitingRow(id);
  return { ...row, state: "SUCCEEDED", attempts: 1, run: 1, startedAt: 20, finishedAt: 30, expiresAt, ...more };
}

const ids = (rows: readonly TaskRow[]) => rows.map(({ id }) => id);

/** Behaviour by behaviour: a sentence, and what shows it on a store that is empty. */
export const STORE_BEHAVIOURS: readonly (readonly [behaviour: string, shows: (store: TaskStore) => void])[] = [
  [
    "gives back a row as it was put, and nothing for an id that it does not have",
    (store) => {
      const row = runningRow("a", { key: "k\ud800\u{1f600}\"'", method: "send", error: { name: "Error", message: "line\nline\u0000" } });
      store.put(row);
      expect(store.get("a")).toEqual(row);
      expect(store.get("b")).toBeUndefined();
    },
  ],
  [
    "inserts a row with its arguments, also after one with its id has been deleted",
    (store) => {
      const long = "\u{1f600}".repeat(400_000);
      store.insert(waitingRow("a"), long);
      expect([store.get("a"), store.payload("a", "arguments")]).toEqual([waitingRow("a"), long]);
      store.delete("a");
      store.insert(runningRow("a"), "[]");
      expect([store.get("a"), store.payload("a", "arguments")]).toEqual([runningRow("a"), "[]"]);
      expect(store.counts()).toEqual([{ deployment: "Mail", state: "RUNNING", count: 1 }]);
    },
  ],
  [
    "keeps the row that was put last",
    (store) => {
      store.put(waitingRow("a"));
      store.put(runningRow("a"));
      expect(store.get("a")).toEqual(runningRow("a"));
      expect(store.list({ limit: 10, nowMs: 0 })).toHaveLength(1);
    },
  ],
  [
    "is not changed by what becomes of a row that was put",
    (store) => {
      const row = waitingRow("a");
      store.put(row);
      (row as { attempts: number }).attempts = 7;
      expect(store.get("a")!.attempts).toBe(0);
    },
  ],
  [
    "finds a row by its identity",
    (store) => {
      store.put(waitingRow("a", { identity: '["Mail",null,null,"k"]' }));
      store.put(waitingRow("b"));
      expect(store.byIdentity('["Mail",null,null,"k"]')?.id).toBe("a");
      expect(store.byIdentity("k")).toBeUndefined();
    },
  ],
  [
    "gives those that wait for a time, the first first, and none that runs, lingers or is finished",
    (store) => {
      const lingering = { number: 1, place, untilAt: 50 };
      for (const row of [
        waitingRow("c", { dueAt: 5 }),
        waitingRow("b", { dueAt: 20 }),
        waitingRow("a", { dueAt: 20 }),
        waitingRow("other", { deployment: "Other", dueAt: 1 }),
        waitingRow("lingering", { dueAt: 2, lingering }),
        runningRow("running"),
        finishedRow("finished", 100),
      ])
        store.put(row);
      expect(ids(store.ready("Mail", 10, []))).toEqual(["c", "a", "b"]);
      expect(ids(store.ready("Mail", 2, []))).toEqual(["c", "a"]);
      expect(ids(store.ready("Mail", 2, ["c", "b", "other"]))).toEqual(["a"]);
      expect(ids(store.ready("Nobody", 2, []))).toEqual([]);
      expect(ids(store.busy()).toSorted()).toEqual(["lingering", "running"]);
      const { lingering: _, ...quiet } = waitingRow("lingering", { dueAt: 2, lingering });
      store.put(quiet);
      expect(ids(store.ready("Mail", 1, []))).toEqual(["lingering"]);
    },
  ],
  [
    "counts by deployment and state, through every change",
    (store) => {
      for (const id of ["a", "b", "c"]) store.put(waitingRow(id));
      store.put(waitingRow("d", { deployment: "Other" }));
      store.put(runningRow("a"));
      store.put(runningRow("a", { attempts: 2 }));
      store.put(finishedRow("b", 100));
      store.delete("c");
      store.delete("nothing");
      expect(store.counts()).toEqual([
        { deployment: "Mail", state: "RUNNING", count: 1 },
        { deployment: "Mail", state: "SUCCEEDED", count: 1 },
        { deployment: "Other", state: "PENDING", count: 1 },
      ]);
      expect(store.deployments("PENDING")).toEqual(["Other"]);
      expect(store.deployments("FAILED")).toEqual([]);
    },
  ],
  [
    "knows when the next one is forgotten, and which are by then",
    (store) => {
      expect(store.nextExpiry()).toBeUndefined();
      store.put(finishedRow("a", 300));
      store.put(finishedRow("b", 100));
      store.put(finishedRow("c", 200));
      store.put(waitingRow("d"));
      expect(store.nextExpiry()).toBe(100);
      expect(store.expired(200, 10)).toEqual(["b", "c"]);
      expect(store.expired(300, 1)).toEqual(["b"]);
      expect(store.expired(99, 10)).toEqual([]);
    },
  ],
  [
    "lists the newest first, by deployment and state, from any place on, without those whose time is over",
    (store) => {
      const states = [
        waitingRow,
        runningRow,
        (id: string) => finishedRow(id, 100),
        (id: string) => finishedRow(id, 100, { state: "FAILED" }),
      ];
      for (let n = 0; n < 40; n++) {
        const row = states[n % 4]!(`t${String(n).padStart(2, "0")}`);
        store.put({ ...row, deployment: n % 3 === 0 ? "Mail" : "Other" });
      }
      const all = Array.from({ length: 40 }, (_, n) => `t${String(39 - n).padStart(2, "0")}`);
      const isOf = (id: string, deployment?: string, state?: number) =>
        (deployment === undefined || (Number(id.slice(1)) % 3 === 0) === (deployment === "Mail")) &&
        (state === undefined || Number(id.slice(1)) % 4 === state);
      const stateNames = ["PENDING", "RUNNING", "SUCCEEDED", "FAILED"] as const;
      for (const deployment of [undefined, "Mail", "Other"])
        for (const state of [undefined, 0, 1, 2, 3]) {
          const expected = all.filter((id) => isOf(id, deployment, state));
          const query = { deployment, state: state === undefined ? undefined : stateNames[state], nowMs: 50 };
          expect(ids(store.list({ ...query, limit: 100 }))).toEqual(expected);
          expect(ids(store.list({ ...query, limit: 3, before: expected[2]! }))).toEqual(expected.slice(3, 6));
          const lasting = expected.filter((id) => isOf(id, undefined, 0) || isOf(id, undefined, 1));
          expect(ids(store.list({ ...query, limit: 100, nowMs: 100 }))).toEqual(lasting);
        }
      expect(store.list({ deployment: "Nobody", limit: 10, nowMs: 50 })).toEqual([]);
    },
  ],
  [
    "keeps texts beside a row, of any length and with any characters, until it is deleted",
    (store) => {
      store.put(waitingRow("a"));
      const long = `${"x".repeat(499_999)}${"\u{1f600}".repeat(600_000)}${"\u20ac".repeat(100_000)}`;
      store.setPayload("a", "arguments", long);
      store.setPayload("a", "result", "");
      expect(store.payload("a", "arguments") === long).toBe(true);
      expect(store.payload("a", "result")).toBe("");
      store.setPayload("a", "arguments", "short");
      expect(store.payload("a", "arguments")).toBe("short");
      store.setPayload("a", "arguments", null);
      expect(store.payload("a", "arguments")).toBeUndefined();
      store.delete("a");
      expect([store.get("a"), store.payload("a", "result")]).toEqual([undefined, undefined]);
    },
  ],
  [
    "keeps numbers under names",
    (store) => {
      expect(store.mark("a")).toBeUndefined();
      store.setMark("a", 1_800_000_000_000);
      store.add("n x", 1);
      store.add("n x", 2.5);
      store.add("n y", 1);
      expect([store.mark("a"), store.mark("n x")]).toEqual([1_800_000_000_000, 3.5]);
      expect([...store.marks("n ")]).toEqual([["n x", 3.5], ["n y", 1]]); // prettier-ignore
      store.setMark("a", undefined);
      expect(store.mark("a")).toBeUndefined();
    },
  ],
];
