/** The Grafana dashboard, the alert rules and the questions of the page: each query asks for what there is. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { knownMetrics } from "../../support/known-metrics.ts";

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}

const read = (file: string) => readFileSync(file, "utf8");
const dashboard = JSON.parse(read("grafana/edge-serve.json")) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
};
const rules = (
  parse(read("grafana/alerts.yml")) as { groups: { rules: { alert: string; expr: string; annotations: { summary: string } }[] }[] }
).groups.flatMap((group) => group.rules);

const QUERIES: readonly (readonly [where: string, query: string])[] = [
  ...dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [`panel ${title}`, expr] as const)),
  ...dashboard.templating.list.flatMap(({ name, definition }) =>
    definition === undefined ? [] : [[`variable ${name}`, definition] as const],
  ),
  ...rules.map(({ alert, expr }) => [`alert ${alert}`, expr] as const),
  ...[...read("docs/metrics.md").matchAll(/^\| [^|]* \| `([^`]*)` \|$/gm)].map(([, query = ""]) => ["docs/metrics.md", query] as const),
];

const SUFFIX = /_(?:bucket|sum|count)$/;
/** PromQL's own words, and Grafana's. */
const WORDS = new Set(["sum", "max", "min", "by", "rate", "increase", "histogram_quantile", "label_values", "or", "le"]);

const known = await knownMetrics();

describe("a query", () => {
  it("is there for each panel, variable and alert", () => {
    expect(QUERIES.length).toBeGreaterThan(30);
    expect(dashboard.panels.filter(({ type, targets = [] }) => type !== "row" && targets.length === 0)).toEqual([]);
  });

  it.each(QUERIES)("asks for metrics and labels that exist: %s: %s", (_, query) => {
    const bare = query.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
    const names = [...bare.matchAll(/\bserve_\w+/g)].map(([name]) => name);
    expect(names.length).toBeGreaterThan(0);
    const metrics = names.map((name) => {
      const base = name.replace(SUFFIX, "");
      const isPart = known.get(base)?.type === "histogram" && SUFFIX.test(name);
      const metric = known.get(isPart ? base : name);
      expect(metric, `${name} is no metric`).toBeDefined();
      // Of a histogram there are lines of its parts only.
      expect(isPart, name).toBe(metric!.type === "histogram");
      return metric!;
    });
    const labels = new Set(metrics.flatMap((metric) => metric.labels));
    const words = [...bare.replaceAll(/\$\w+|\bserve_\w+|\[[^\]]*\]|\d[\d.]*/g, " ").matchAll(/[a-z_]\w*/g)].map(([word]) => word);
    expect(words.filter((word) => !WORDS.has(word) && !labels.has(word))).toEqual([]);
    // A counter is asked how it grows.
    for (const [index, metric] of metrics.entries()) {
      if (metric.type !== "gauge") expect(bare).toMatch(new RegExp(`(?:rate|increase)\\(${names[index]}(?:\\{[^}]*\\})?\\[`));
    }
  });
});

describe("the dashboard", () => {
  it("shows each panel once, at a place of its own", () => {
    const ids = dashboard.panels.map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)]);
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
    );
    expect(cells.length).toBe(new Set(cells).size);
    expect(dashboard.panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([]);
  });
});

describe("an alert", () => {
  it.each(rules.map(({ alert, annotations }) => [alert, annotations.summary] as const))("says what is so: %s", (alert, summary) => {
    expect(alert).toMatch(/^EdgeServe[A-Za-z]+$/);
    expect(summary).toContain("{{ $labels.application }}");
  });
});
