import { expect, it } from "vitest";
import type { TaskState } from "../../../src/protocol/tasks.ts";
import type { Passed } from "../../chaos/app/steps.ts";
import type { Request } from "../../chaos/history.ts";
import type { Fault } from "../../chaos/reconcile.ts";
import { reconcileTasks } from "../../chaos/reconcile-tasks.ts";
import type { Row } from "../../chaos/rows.ts";

type Written = readonly [kind: "begun" | "ended", attempt: number, atMs: number];

interface History {
  readonly name: string;
  /** What is known of the task; `undefined` if it is not known at all. */
  readonly task: readonly [state: TaskState, attempts: number] | undefined;
  readonly written: readonly Written[];
  readonly faults: readonly Fault[];
}

const HISTORIES: readonly History[] = [
  {
    name: "ran once",
    task: ["SUCCEEDED", 1],
    written: [
      ["begun", 1, 10],
      ["ended", 1, 20],
    ],
    faults: [],
  },
  {
    name: "was lost with its replica, and ran again",
    task: ["SUCCEEDED", 2],
    written: [
      ["begun", 1, 10],
      ["begun", 2, 12],
      ["ended", 2, 20],
    ],
    faults: [],
  },
  {
    name: "failed, and was tried again in the same millisecond",
    task: ["SUCCEEDED", 2],
    written: [
      ["begun", 1, 10],
      ["ended", 1, 10],
      ["begun", 2, 10],
      ["ended", 2, 11],
    ],
    faults: [],
  },
  { name: "is not known any more", task: undefined, written: [], faults: ["task lost"] },
  { name: "failed", task: ["FAILED", 1], written: [["begun", 1, 10]], faults: ["task did not succeed"] },
  {
    name: "ran one attempt in two objects",
    task: ["SUCCEEDED", 2],
    written: [
      ["begun", 1, 10],
      ["begun", 1, 30],
    ],
    faults: ["ran twice"],
  },
  {
    name: "ran more often than it was tried",
    task: ["SUCCEEDED", 1],
    written: [
      ["begun", 1, 10],
      ["begun", 2, 30],
    ],
    faults: ["more runs than attempts"],
  },
  {
    name: "ran two attempts at once",
    task: ["SUCCEEDED", 2],
    written: [
      ["begun", 1, 10],
      ["begun", 2, 15],
      ["ended", 1, 20],
      ["ended", 2, 25],
    ],
    faults: ["two attempts at once"],
  },
];

const requestThat = (passed: Passed): Request => ({
  id: "r1-7",
  route: "task",
  app: "wide",
  count: 1,
  runs: 50,
  sentAtMs: 0,
  settledAtMs: 5,
  seen: { outcome: "ok", detail: "", passed: [passed] },
});

it.each(HISTORIES)("a task that $name: $faults", ({ task, written, faults }) => {
  const request = requestThat({ id: "r1-7.1", isAnswered: true, value: { id: "r1-7.1", task: "t" } });
  const rows = written.map(([kind, attempt, atMs]): Row => ({ kind, id: `r1-7.1#${attempt}`, atMs, who: "a", file: "a" }));
  const known = new Map(task === undefined ? [] : [["t", { state: task[0], attempts: task[1] }] as const]);
  expect(reconcileTasks([request], rows, known).map(({ fault }) => fault)).toEqual(faults);
});

it("one whose caller was not told that it is stored may be lost", () => {
  const request = requestThat({ id: "r1-7.1", isAnswered: false, error: { message: "" } });
  expect(reconcileTasks([request], [], new Map())).toEqual([]);
});
