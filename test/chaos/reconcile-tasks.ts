/**
 * Holds what is said of tasks against what ran and what was stored. Pure.
 *
 * An attempt writes down when it begins and when it ends; one that is lost with its object does not end. The rows of all tasks are
 * looked at, also of those whose callers were not told that they are stored.
 */
import type { TaskStatus } from "../../src/protocol/tasks.ts";
import type { Request } from "./history.ts";
import { type Fault, requestOf, type Violation } from "./reconcile.ts";
import type { Row } from "./rows.ts";

/** What is known of the tasks at the end of a run. */
export interface KnownTasks {
  /** By their ids. */
  readonly statuses: ReadonlyMap<string, Pick<TaskStatus, "state" | "attempts">>;
  /** The ids of those of which an attempt was logged as overtaken: another one may have run beside it. */
  readonly overtaken: ReadonlySet<string>;
}

/** Everything that is wrong with tasks. */
export function reconcileTasks(requests: readonly Request[], rows: readonly Row[], known: KnownTasks): Violation[] {
  const byId = new Map(requests.map((request) => [request.id, request]));
  const attempts = Map.groupBy(
    rows.filter(({ kind }) => kind === "begun" || kind === "ended"),
    ({ id }) => attemptIn(id).step,
  );
  const outcomes = Map.groupBy(
    rows.filter(({ kind }) => kind === "outcome"),
    ({ id }) => id,
  );
  return [
    ...[...attempts].flatMap(([step, found]) => {
      const request = byId.get(requestOf(step));
      return faultsOfAttempts(found, known.overtaken).map((fault) => violation(fault, step, found, request));
    }),
    ...[...outcomes].flatMap(([task, found]) => (found.length > 1 ? violation("outcome stored twice", task, found) : [])),
    ...toldIn(requests).flatMap(({ step, task, request }) => {
      const found = attempts.get(step) ?? [];
      return faultsOf(known.statuses.get(task), found, outcomes.has(task)).map((fault) => violation(fault, step, found, request));
    }),
  ];
}

function violation(fault: Fault, id: string, rows: readonly Row[], request?: Request): Violation {
  return { fault, id, rows, ...(request === undefined ? {} : { request }) };
}

/** How many tasks the caller of a request was told of. */
export function storedBy(request: Request): number {
  return toldIn([request]).length;
}

function toldIn(requests: readonly Request[]): { readonly step: string; readonly task: string; readonly request: Request }[] {
  return requests
    .filter(({ route }) => route === "task")
    .flatMap((request) =>
      (request.seen?.passed ?? []).flatMap(({ id: step, isAnswered, value }) =>
        isAnswered ? { step, task: (value as { readonly task: string }).task, request } : [],
      ),
    );
}

function faultsOf(task: Pick<TaskStatus, "state" | "attempts"> | undefined, rows: readonly Row[], hasOutcome: boolean): Fault[] {
  if (task === undefined) return ["task lost"];
  return [
    ...(task.state === "SUCCEEDED" ? [] : (["task did not succeed"] as const)),
    ...(task.state === "SUCCEEDED" && !hasOutcome ? (["no outcome stored"] as const) : []),
    ...(rows.filter(({ kind }) => kind === "begun").length > task.attempts ? (["more runs than attempts"] as const) : []),
  ];
}

function faultsOfAttempts(rows: readonly Row[], overtaken: ReadonlySet<string>): Fault[] {
  const begun = rows.filter(({ kind }) => kind === "begun");
  const isOvertaken = begun.some(({ id }) => overtaken.has(attemptIn(id).task));
  return [
    ...(new Set(begun.map(({ id }) => id)).size < begun.length ? (["ran twice"] as const) : []),
    ...(!isOvertaken && overlap(begun, rows) ? (["two attempts at once"] as const) : []),
  ];
}

// One that a later one has overtaken ends after that has begun.
function overlap(begun: readonly Row[], rows: readonly Row[]): boolean {
  const ended = new Map(rows.filter(({ kind }) => kind === "ended").map(({ id, atMs }) => [id, atMs]));
  return begun.some(({ id, atMs }) =>
    begun.some((later) => attemptIn(later.id).number > attemptIn(id).number && later.atMs >= atMs && later.atMs < (ended.get(id) ?? 0)),
  );
}

/** What the row of an attempt says: `step#number#task`. */
function attemptIn(id: string): { readonly step: string; readonly number: number; readonly task: string } {
  const [step = "", number, task = ""] = id.split("#");
  return { step, number: Number(number), task };
}
