/**
 * What a run found, as text. Pure.
 */
import type { RuntimeLog } from "../../src/cli/runtime/worker-runtime.ts";
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

/** The history of the first of each kind of violation, or of all. */
export function historiesOf(
  seed: number,
  violations: readonly Violation[],
  done: readonly Disturbance[],
  log: readonly RuntimeLog[],
  isVerbose: boolean,
): string {
  const kinds = Map.groupBy(violations, ({ fault, request }) => `${fault} (${request?.route ?? "no route"})`);
  const shown = isVerbose ? violations : [...kinds.values()].map(([first]) => first!);
  return [
    ...[...kinds].map(([kind, ones]) => `${ones.length} x ${kind}`),
    ...shown.slice(0, isVerbose ? SHOWN_AT_MOST : SHOWN).map((violation) => `\n${historyOf(seed, violation, done, log)}`),
  ].join("\n");
}

function historyOf(
  seed: number,
  { fault, id, request, rows }: Violation,
  done: readonly Disturbance[],
  log: readonly RuntimeLog[],
): string {
  const fromMs = request?.sentAtMs ?? rows[0]?.atMs ?? 0;
  const untilMs = request?.settledAtMs ?? rows.at(-1)?.atMs ?? fromMs;
  const at = (ms: number) => `${ms - fromMs} ms`.padStart(9);
  const near = done.filter((one) => one.fromMs >= fromMs - AROUND_MS && one.fromMs <= untilMs + AROUND_MS);
  const lines: (readonly [ms: number, text: string])[] = [
    ...(request === undefined
      ? []
      : [[fromMs, `sent by ${request.route} to ${request.app}${request.act === undefined ? "" : `, asked to ${request.act}`}`] as const]),
    ...(request?.seen === undefined ? [] : [[untilMs, `the client saw: ${request.seen.outcome}; ${request.seen.detail}`] as const]),
    ...(request?.seen?.passed ?? []).map((passed) => [untilMs, `passed on: ${JSON.stringify(passed)}`] as const),
    ...rows.map(({ atMs, kind, who, id: step }) => [atMs, `${kind} of ${step} in ${who}`] as const),
    ...near.map((one) => [one.fromMs, `fault ${one.n}: ${one.kind}, ${one.detail}`] as const),
    ...log
      .filter(({ message }) => request !== undefined && message.includes(`"${request.id}`))
      .slice(0, LINES)
      .map(({ timestamp, message }) => [Number(timestamp), `log: ${message.slice(0, 300)}`] as const),
  ];
  const told = lines.toSorted(([a], [b]) => a - b).map(([ms, text]) => `  ${at(ms)}  ${text}`);
  return [`${fault}: ${id} (seed ${seed})`, ...told].join("\n");
}
