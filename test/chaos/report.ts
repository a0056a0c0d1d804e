/**
 * What a run found, as text. Pure.
 */
import type { RuntimeLog } from "../../src/cli/runtime/log-record.ts";
import type { Disturbance, Outcome, Request } from "./history.ts";
import type { Violation } from "./reconcile.ts";

const SHOWN = 12;
const SHOWN_AT_MOST = 10_000;
const AROUND_MS = 400;
const LINES = 12;

/** Counts by two names, as a table. */
export function countsOf<T>(all: readonly T[], rowOf: (one: T) => string, columnOf: (one: T) => string, head: string): string {
  const rows = Map.groupBy(all, rowOf);
  const columns = [...new Set(all.map(columnOf))].toSorted();
  const cells = [...rows]
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([name, ones]) => {
      const counts = Map.groupBy(ones, columnOf);
      return [name, ...columns.map((column) => String(counts.get(column)?.length ?? "")), String(ones.length)];
    });
  return table([[head, ...columns, "all"], ...cells]);
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, n) => Math.max(...rows.map((row) => row[n]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, n) => (n === 0 ? cell.padEnd(widths[n]!) : cell.padStart(widths[n]!)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export const outcomeOf = ({ seen }: Request): Outcome | "none" => seen?.outcome ?? "none";

/** What there is to tell of. */
export interface Found {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly done: readonly Disturbance[];
  readonly log: readonly RuntimeLog[];
}

/** How often each kind of thing is wrong, and the history of the first of each, or of all. */
export function historiesOf(found: Found, isVerbose: boolean): string {
  const kinds = Map.groupBy(found.violations, ({ fault, request }) => `${fault} (${request?.route ?? "no route"})`);
  const shown = isVerbose ? found.violations.slice(0, SHOWN_AT_MOST) : [...kinds.values()].map(([first]) => first!).slice(0, SHOWN);
  return [
    ...[...kinds].map(([kind, ones]) => `${ones.length} x ${kind}`),
    ...shown.map((violation) => `\n${historyOf(violation, found)}`),
  ].join("\n");
}

type Line = readonly [ms: number, text: string];

function historyOf(violation: Violation, { seed, done, log }: Found): string {
  const { fault, id, request, rows } = violation;
  const fromMs = request?.sentAtMs ?? rows[0]?.atMs ?? 0;
  const untilMs = request?.settledAtMs ?? rows.at(-1)?.atMs ?? fromMs;
  const near = done.filter((one) => one.fromMs >= fromMs - AROUND_MS && one.fromMs <= untilMs + AROUND_MS);
  const lines: Line[] = [
    ...clientLines(request, fromMs, untilMs),
    ...rows.map(({ atMs, kind, who, id: step }): Line => [atMs, `${kind} of ${step} in ${who}`]),
    ...near.map((one): Line => [one.fromMs, `fault ${one.n}: ${one.kind}, ${one.detail}`]),
    ...log
      .filter(({ message }) => request !== undefined && message.includes(`"${request.id}`))
      .slice(0, LINES)
      .map(({ timestamp, message }): Line => [timestamp, `log: ${message.slice(0, 300)}`]),
  ];
  const told = lines.toSorted(([a], [b]) => a - b).map(([ms, text]) => `  ${`${ms - fromMs} ms`.padStart(9)}  ${text}`);
  return [`${fault}: ${id} (seed ${seed})`, ...told].join("\n");
}

function clientLines(request: Request | undefined, fromMs: number, untilMs: number): Line[] {
  if (request === undefined) return [];
  const { route, app, act, count, seen } = request;
  const asked = `${count === 1 ? "" : `, ${count} at once`}${act === undefined ? "" : `, asked to ${act}`}`;
  return [
    [fromMs, `sent by ${route} to ${app}${asked}`],
    ...(seen === undefined ? [] : [[untilMs, `the client saw: ${seen.outcome}; ${seen.detail}`] as const]),
    ...(seen?.passed ?? []).map((passed): Line => [untilMs, `passed on: ${JSON.stringify(passed)}`]),
  ];
}
