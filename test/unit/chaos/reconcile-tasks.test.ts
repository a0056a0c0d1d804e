import { expect, it } from "vitest";
import type { TaskState } from "../../../src/protocol/tasks.ts";
import type { Passed } from "../../chaos/app/steps.ts";
import type { Request } from "../../chaos/history.ts";
import type { Fault } from "../../chaos/reconcile.ts";
import { reconcileTasks, storedBy } from "../../chaos/reconcile-tasks.ts";
import type { Row } from "../../chaos/rows.ts";

type Written = readonly [kind: "begun" | "ended", attempt: number, atMs: number];

interface History {
  readonly name: string;
  /** What is known of the task; `undefined` if it is not known at all. */
  readonly task: readonly [state: TaskState, attempts: number] | undefined;
  readonly written: readonly Written[];
  /** How often an outcome was stored; once by default where it succeeded. */
  readonly outcomes?: number;
  /** Whether an attempt was logged as overtaken. */
  readonly isOvertaken?: true;
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
  {
    name: "ran two attempts at once, of which the first was logged as overtaken",
    task: ["SUCCEEDED", 2],
    written: [
      ["begun", 1, 10],
      ["begun", 2, 15],
      ["ended", 1, 20],
      ["ended", 2, 25],
    ],
    isOvertaken: true,
    faults: [],
  },
  {
    name: "got a second outcome",
    task: ["SUCCEEDED", 2],
    written: [
      ["begun", 1, 10],
      ["begun", 2, 12],
    ],
    outcomes: 2,
    faults: ["outcome stored twice"],
  },
  { name: "succeeded by its state alone", task: ["SUCCEEDED", 1], written: [["begun", 1, 10]], outcomes: 0, faults: ["no outcome stored"] },
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
const TOLD = requestThat({ id: "r1-7.1", isAnswered: true, value: { id: "r1-7.1", task: "t" } });
const NOT_TOLD = requestThat({ id: "r1-7.1", isAnswered: false, error: { message: "" } });

const rowOf = (kind: Row["kind"], id: string, atMs: number): Row => ({ kind, id, atMs, who: "a", file: "a" });
const rowsOf = ({ task, written, outcomes = task?.[0] === "SUCCEEDED" ? 1 : 0 }: History): Row[] => [
  ...written.map(([kind, attempt, atMs]) => rowOf(kind, `r1-7.1#${attempt}#t`, atMs)),
  ...Array.from({ length: outcomes }, (_, n) => rowOf("outcome", "t", 50 + n)),
];

it.each(HISTORIES)("a task that $name: $faults", (history) => {
  const { task, isOvertaken, faults } = history;
  const known = {
    statuses: new Map(task === undefined ? [] : [["t", { state: task[0], attempts: task[1] }] as const]),
    overtaken: new Set(isOvertaken === true ? ["t"] : []),
  };
  expect(reconcileTasks([TOLD], rowsOf(history), known).map(({ fault }) => fault)).toEqual(faults);
});

const UNKNOWN = { statuses: new Map(), overtaken: new Set<string>() };

it("one whose caller was not told that it is stored may be lost", () => {
  expect(reconcileTasks([NOT_TOLD], [], UNKNOWN)).toEqual([]);
});

it("one whose caller was not told that it is stored may not run twice at once, nor have two outcomes", () => {
  const rows = [
    ...[10, 30].map((atMs) => rowOf("begun", "r1-7.1#1#t", atMs)),
    rowOf("begun", "r1-7.1#2#t", 40),
    rowOf("ended", "r1-7.1#1#t", 50),
    ...[60, 70].map((atMs) => rowOf("outcome", "t", atMs)),
  ];
  const found = reconcileTasks([NOT_TOLD], rows, UNKNOWN);
  expect(found.map(({ fault }) => fault)).toEqual(["ran twice", "two attempts at once", "outcome stored twice"]);
});

it("counts the tasks that a caller was told of", () => {
  expect([TOLD, NOT_TOLD].map(storedBy)).toEqual([1, 0]);
});
