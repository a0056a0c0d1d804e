/**
 * Holds what the objects of keys have counted against what their callers were told. Pure.
 *
 * Each key has one object, which counts its runs from 1. What it counted last is how often it ran: nothing was lost, and nothing was
 * counted by two.
 */
import type { Request } from "./history.ts";
import type { Violation } from "./reconcile.ts";
import type { Row } from "./rows.ts";

/** How much was counted, and by how many objects: each application has one for each key. */
export function countedIn(rows: readonly Row[]): { readonly increments: number; readonly objects: number } {
  const counted = rows.filter(({ kind }) => kind === "counted");
  return { increments: counted.length, objects: new Set(counted.map(({ who }) => who)).size };
}

/** Everything that is wrong with the counts. */
export function reconcileCounts(requests: readonly Request[], rows: readonly Row[]): Violation[] {
  const counted = rows.filter(({ kind }) => kind === "counted");
  const byStep = Map.groupBy(counted, ({ id }) => id.split("#", 1)[0]!);
  return [
    ...[...Map.groupBy(counted, ({ who }) => who)].flatMap(([who, all]) => faultsOfObject(who, all)),
    ...requests
      .filter(({ route }) => route === "object")
      .flatMap((request) =>
        (request.seen?.passed ?? []).flatMap(({ id, isAnswered, value }): Violation | [] => {
          if (!isAnswered) return [];
          const found = byStep.get(id) ?? [];
          const told = `${id}#${(value as { readonly count?: unknown } | undefined)?.count}`;
          return found.some((row) => row.id === told) ? [] : { fault: "told another count", id, request, rows: found };
        }),
      ),
  ];
}

function faultsOfObject(who: string, rows: readonly Row[]): Violation[] {
  const counts = rows.map(({ id }) => Number(id.split("#")[1])).toSorted((a, b) => a - b);
  const violations: Violation[] = [];
  if (new Set(counts).size < counts.length) violations.push({ fault: "counted twice", id: who, rows });
  if (counts.at(-1) !== counts.length) violations.push({ fault: "count lost", id: who, rows });
  return violations;
}
