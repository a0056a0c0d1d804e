/**
 * Holds what is said of tasks against what ran. Pure.
 *
 * An attempt writes down when it begins and when it ends; one that is lost with its object does not end.
 */
import type { TaskStatus } from "../../src/protocol/tasks.ts";
import type { Request } from "./history.ts";
import type { Fault, Violation } from "./reconcile.ts";
import type { Row } from "./rows.ts";

/** Everything that is wrong with the tasks whose callers were told that they are stored. */
export function reconcileTasks(
  requests: readonly Request[],
  rows: readonly Row[],
  tasks: ReadonlyMap<string, Pick<TaskStatus, "state" | "attempts">>,
): Violation[] {
  const all = Map.groupBy(
    rows.filter(({ kind }) => kind === "begun" || kind === "ended"),
    ({ id }) => id.split("#", 1)[0]!,
  );
  return requests
    .filter(({ route }) => route === "task")
    .flatMap((request) =>
      (request.seen?.passed ?? []).flatMap(({ id, isAnswered, value }) => {
        if (!isAnswered) return [];
        const found = all.get(id) ?? [];
        const faults = faultsOf(tasks.get((value as { readonly task: string }).task), found);
        return faults.map((fault): Violation => ({ fault, id, request, rows: found }));
      }),
    );
}

function faultsOf(task: Pick<TaskStatus, "state" | "attempts"> | undefined, rows: readonly Row[]): Fault[] {
  if (task === undefined) return ["task lost"];
  const begun = rows.filter(({ kind }) => kind === "begun");
  return [
    ...(task.state === "SUCCEEDED" ? [] : (["task did not succeed"] as const)),
    ...(new Set(begun.map(({ id }) => id)).size < begun.length ? (["ran twice"] as const) : []),
    ...(begun.length > task.attempts ? (["more runs than attempts"] as const) : []),
    ...(overlap(begun, rows) ? (["two attempts at once"] as const) : []),
  ];
}

// One that a later one has overtaken ends after that has begun.
function overlap(begun: readonly Row[], rows: readonly Row[]): boolean {
  const ended = new Map(rows.filter(({ kind }) => kind === "ended").map(({ id, atMs }) => [id, atMs]));
  return begun.some(({ id, atMs }) =>
    begun.some((later) => numberOf(later.id) > numberOf(id) && later.atMs >= atMs && later.atMs < (ended.get(id) ?? 0)),
  );
}

const numberOf = (id: string): number => Number(id.split("#")[1]);
