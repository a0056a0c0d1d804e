/**
 * Prometheus text, format 0.0.4.
 */
import type { Label, Series } from "../protocol/metrics.ts";
import type { Metric } from "../observe/metric-definitions.ts";
import { countOf } from "../observe/series.ts";

/** What is answered with {@link expose}'s text. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** A metric and all its series. */
export type Family = readonly [Metric, readonly Series[]];

/** Writes families, whose numbers are finite; one without series is left out. No two may have one name, and no two series of one the same labels. */
export function expose(families: readonly Family[]): string {
  let text = "";
  for (const [metric, series] of families) {
    if (series.length === 0) continue;
    const { name, type, help } = metric;
    text += `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${type}\n`;
    for (const [values, numbers] of series) text += linesOf(metric, values, numbers);
  }
  return text;
}

function linesOf({ name, labels, bounds }: Metric, values: readonly Label[], [first = 0, ...counts]: readonly number[]): string {
  const pairs = labels.map((label, index) => pair(label, values[index] ?? ""));
  if (bounds === undefined) return line(name, pairs, first);
  const bucket = (bound: Label, count: number) => line(`${name}_bucket`, [...pairs, pair("le", bound)], count);
  let text = "";
  let below = 0;
  for (const [index, bound] of bounds.entries()) text += bucket(bound, (below += counts[index] ?? 0));
  const total = countOf([first, ...counts]);
  return text + bucket("+Inf", total) + line(`${name}_sum`, pairs, first) + line(`${name}_count`, pairs, total);
}

function line(name: string, pairs: readonly string[], value: number): string {
  return `${name}{${pairs.join()}} ${value}\n`;
}

function pair(label: string, value: Label): string {
  return `${label}="${escaped(String(value)).replaceAll('"', '\\"')}"`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}
