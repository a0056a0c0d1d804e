import { describe, expect, it } from "vitest";
import type { Passed } from "../../chaos/app/steps.ts";
import type { Disturbance, Outcome, Request } from "../../chaos/history.ts";
import { type Fault, reconcile } from "../../chaos/reconcile.ts";
import type { Row } from "../../chaos/rows.ts";

const [SENT_MS, SETTLED_MS] = [100_000, 100_050];

const requestBy = (route: string, outcome: Outcome | undefined, more: Partial<Request> = {}, passed?: readonly Passed[]): Request => ({
  id: "r1-7",
  route,
  app: "wide",
  count: 1,
  runs: 1,
  sentAtMs: SENT_MS,
  ...(outcome === undefined ? {} : { settledAtMs: SETTLED_MS, seen: { outcome, detail: "", ...(passed === undefined ? {} : { passed }) } }),
  ...more,
});

const ran = (id: string, kind: Row["kind"] = "run", who = "wide/Work/-/0.0"): Row => ({ kind, id, atMs: SENT_MS + 10, who, file: who });

const lost = (atMs: number, ...loses: Disturbance["loses"]): Disturbance => ({
  n: 0,
  kind: "act",
  detail: "",
  loses,
  fromMs: atMs,
  untilMs: atMs,
});

const answered = (id: string): Passed => ({ id, isAnswered: true, value: { id } });
const failedWith = (id: string, code?: string, retryAfterMs?: number): Passed => ({
  id,
  isAnswered: false,
  error: { message: "", ...(code === undefined ? {} : { code }), ...(retryAfterMs === undefined ? {} : { retryAfterMs }) },
});

interface History {
  readonly name: string;
  readonly request: Request;
  readonly rows: readonly Row[];
  readonly done?: readonly Disturbance[];
  readonly faults: readonly Fault[];
}

const HISTORIES: readonly History[] = [
  { name: "answered, and ran once", request: requestBy("get", "ok"), rows: [ran("r1-7")], faults: [] },
  {
    name: "answered, and ran in two objects",
    request: requestBy("get", "ok"),
    rows: [ran("r1-7"), ran("r1-7", "run", "other")],
    faults: ["ran twice"],
  },
  { name: "answered, and ran twice in one", request: requestBy("get", "ok"), rows: [ran("r1-7"), ran("r1-7")], faults: ["ran twice"] },
  { name: "answered, and did not run", request: requestBy("get", "ok"), rows: [], faults: ["answered, did not run"] },
  { name: "failed by its handler", request: requestBy("get", "failed", { act: "throw error" }), rows: [ran("r1-7")], faults: [] },
  {
    name: "failed by a handler that did not run",
    request: requestBy("get", "failed"),
    rows: [],
    faults: ["failed, did not run", "failed without cause"],
  },
  { name: "failed, and nobody asked it to", request: requestBy("get", "failed"), rows: [ran("r1-7")], faults: ["failed without cause"] },
  { name: "refused, and did not run", request: requestBy("get", "refused"), rows: [], faults: [] },
  { name: "refused, and ran", request: requestBy("get", "refused"), rows: [ran("r1-7")], faults: ["said not begun, ran"] },
  { name: "nobody listened, and it ran", request: requestBy("get", "unreachable"), rows: [ran("r1-7")], faults: ["said not begun, ran"] },
  {
    name: "refused, and what it calls ran",
    request: requestBy("call", "refused"),
    rows: [ran("r1-7.1")],
    faults: ["said not begun, ran"],
  },
  { name: "lost with its replica, row and all", request: requestBy("get", "lost"), rows: [], done: [lost(SENT_MS, "Front")], faults: [] },
  { name: "lost with its replica", request: requestBy("get", "lost"), rows: [ran("r1-7")], done: [lost(SENT_MS, "Front")], faults: [] },
  {
    name: "lost with its replica, and ran again",
    request: requestBy("get", "lost"),
    rows: [ran("r1-7"), ran("r1-7")],
    done: [lost(SENT_MS, "Front")],
    faults: ["ran twice"],
  },
  { name: "lost, and no replica was", request: requestBy("get", "lost"), rows: [ran("r1-7")], faults: ["lost without cause"] },
  {
    name: "lost, and the replica of another was",
    request: requestBy("get", "lost"),
    rows: [ran("r1-7")],
    done: [lost(SENT_MS, "Work")],
    faults: ["lost without cause"],
  },
  {
    name: "lost, and the replica was long before",
    request: requestBy("get", "lost"),
    rows: [ran("r1-7")],
    done: [lost(SENT_MS - 60_000, "Front")],
    faults: ["lost without cause"],
  },
  {
    name: "the connection broke, and nothing else did",
    request: requestBy("stream", "broken"),
    rows: [ran("r1-7")],
    faults: ["lost without cause"],
  },
  {
    name: "a stream that was asked to fail breaks",
    request: requestBy("stream", "broken", { act: "throw error" }),
    rows: [ran("r1-7")],
    faults: [],
  },
  {
    name: "a relayed stream breaks with its source",
    request: requestBy("relay", "broken"),
    rows: [ran("r1-7"), ran("r1-7.1")],
    done: [lost(SENT_MS, "Work")],
    faults: [],
  },
  { name: "a relayed stream whose source has no room", request: requestBy("relay", "refused"), rows: [ran("r1-7")], faults: [] },
  {
    name: "a relayed stream whose source says that it has not begun, and has",
    request: requestBy("relay", "refused"),
    rows: [ran("r1-7"), ran("r1-7.1")],
    faults: ["said not begun, ran"],
  },
  { name: "late", request: requestBy("get", "late"), rows: [ran("r1-7")], faults: [] },
  { name: "late before it began", request: requestBy("get", "late"), rows: [], faults: [] },
  { name: "late, and ran twice", request: requestBy("get", "late"), rows: [ran("r1-7"), ran("r1-7")], faults: ["ran twice"] },
  { name: "its client left", request: requestBy("get", "left"), rows: [], faults: [] },
  { name: "answered wrongly", request: requestBy("get", "wrong"), rows: [ran("r1-7")], faults: ["wrong answer"] },
  { name: "no end", request: requestBy("get", "stuck"), rows: [], faults: ["stuck"] },
  { name: "no outcome", request: requestBy("get", undefined), rows: [ran("r1-7")], faults: ["unaccounted"] },
  {
    name: "passed on, and all ran once",
    request: requestBy("call", "ok", {}, [answered("r1-7.1")]),
    rows: [ran("r1-7"), ran("r1-7.1")],
    faults: [],
  },
  {
    name: "passed on, and that ran twice",
    request: requestBy("call", "ok", {}, [answered("r1-7.1")]),
    rows: [ran("r1-7"), ran("r1-7.1"), ran("r1-7.1")],
    faults: ["ran twice"],
  },
  {
    name: "passed on with leave to run again",
    request: requestBy("eager", "ok", { runs: 3 }, [answered("r1-7.1")]),
    rows: [ran("r1-7"), ran("r1-7.1"), ran("r1-7.1"), ran("r1-7.1")],
    faults: [],
  },
  {
    name: "the front of what has leave has none",
    request: requestBy("eager", "ok", { runs: 3 }, [answered("r1-7.1")]),
    rows: [ran("r1-7"), ran("r1-7"), ran("r1-7.1")],
    faults: ["ran twice"],
  },
  {
    name: "passed on, refused, and ran",
    request: requestBy("call", "ok", {}, [failedWith("r1-7.1", "BACK_PRESSURE", 1000)]),
    rows: [ran("r1-7"), ran("r1-7.1")],
    faults: ["said not begun, ran"],
  },
  {
    name: "passed on, lost, and said that it may be repeated",
    request: requestBy("call", "ok", {}, [failedWith("r1-7.1", "REPLICA_UNAVAILABLE", 1000)]),
    rows: [ran("r1-7"), ran("r1-7.1")],
    done: [lost(SENT_MS, "Work")],
    faults: ["said not begun, ran"],
  },
  {
    name: "passed on, and lost",
    request: requestBy("call", "ok", {}, [failedWith("r1-7.1", "REPLICA_UNAVAILABLE")]),
    rows: [ran("r1-7"), ran("r1-7.1")],
    done: [lost(SENT_MS, "Work")],
    faults: [],
  },
  {
    name: "passed on, answered, and did not run",
    request: requestBy("call", "ok", {}, [answered("r1-7.1")]),
    rows: [ran("r1-7")],
    faults: ["answered, did not run"],
  },
  {
    name: "many passed on, the front lost, and one of them ran twice",
    request: requestBy("call", "lost", { count: 3 }),
    rows: [ran("r1-7"), ran("r1-7.3"), ran("r1-7.3")],
    done: [lost(SENT_MS, "Front")],
    faults: ["ran twice"],
  },
  {
    name: "an item that was in two batches",
    request: requestBy("batch", "ok", {}, [answered("r1-7.1")]),
    rows: [ran("r1-7"), ran("r1-7.1"), ran("r1-7.1", "item"), ran("r1-7.1", "item")],
    faults: ["ran twice"],
  },
  {
    name: "a run that nobody asked for",
    request: requestBy("get", "ok"),
    rows: [ran("r1-7"), ran("r1-8")],
    faults: ["ran, nobody asked"],
  },
  {
    name: "what else an object writes down is no run",
    request: requestBy("get", "ok"),
    rows: [ran("", "object"), ran("", "constructor"), ran("", "alarm"), ran("r1-7"), ran("m1", "load")],
    faults: [],
  },
];

describe("an account of a request", () => {
  it.each(HISTORIES)("$name", ({ request, rows, done = [], faults }) => {
    expect(reconcile([request], rows, done).map(({ fault }) => fault)).toEqual(faults);
  });

  it("names the step, and has its rows", () => {
    const request = requestBy("call", "ok", {}, [answered("r1-7.1")]);
    const rows = [ran("r1-7"), ran("r1-7.1"), ran("r1-7.1", "run", "wide/Work/-/1.0")];
    expect(reconcile([request], rows, [])).toEqual([{ fault: "ran twice", id: "r1-7.1", request, rows: rows.slice(1) }]);
  });
});
