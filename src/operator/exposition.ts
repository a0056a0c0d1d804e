/**
 * Prometheus text, format 0.0.4.
 */
import type { Label } from "../protocol/metrics.ts";
import type { Metric } from "../observe/metric-definitions.ts";
import { countOf } from "../observe/series.ts";

/** What is answered with {@link expose}'s text. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** A series as it is scraped: `undefined` is a label that it does not have. */
export type Shown = readonly [labels: readonly (Label | undefined)[], numbers: readonly number[]];

/** A metric and all its series. */
export type Family = readonly [Metric, readonly Shown[]];

/**
 * Writes families; one without series is left out. Those of one name stand together, have one type, and the first one's help is
 * written. No two series of one name have the same labels.
 */
export function expose(families: readonly Family[]): string {
  let text = "";
  let begun: string | undefined;
  for (const [metric, series] of families) {
    if (series.length === 0) continue;
    const { name, type, help } = metric;
    if (name !== begun) text += `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${type}\n`;
    begun = name;
    for (const [values, numbers] of series) text += linesOf(metric, values, numbers);
  }
  return text;
}

function linesOf({ name, labels, bounds }: Metric, values: Shown[0], [first = 0, ...counts]: readonly number[]): string {
  const pairs = labels.flatMap((label, index) => {
    const value = values[index];
    // What an older version has not told is empty.
    return value === undefined && index < values.length ? [] : pair(label, value ?? "");
  });
  if (bounds === undefined) return line(name, pairs, first);
  const bucket = (bound: Label, count: number) => line(`${name}_bucket`, [...pairs, pair("le", bound)], count);
  let text = "";
  let below = 0;
  for (const [index, bound] of bounds.entries()) text += bucket(bound, (below += counts[index] ?? 0));
  const total = countOf([first, ...counts]);
  return text + bucket("+Inf", total) + line(`${name}_sum`, pairs, first) + line(`${name}_count`, pairs, total);
}

function line(name: string, pairs: readonly string[], value: number): string {
  return `${name}{${pairs.join()}} ${Number.isFinite(value) ? value : value > 0 ? "+Inf" : "-Inf"}\n`;
}

function pair(label: string, value: Label): string {
  return `${label}="${escaped(String(value)).replaceAll('"', '\\"')}"`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
