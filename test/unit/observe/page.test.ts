import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DERIVED, MEASURED, REPLICA } from "../../../src/observe/metric-definitions.ts";
import { knownMetrics } from "../../support/known-metrics.ts";

const PAGE = "docs/metrics.md";

/** A row of the table: the metric, its type and its labels beyond those of all. */
const ROW = /^\| `(serve_\w+)` \| (counter|gauge|histogram) \|(.*?)\|/gm;

const rows = [...readFileSync(PAGE, "utf8").matchAll(ROW)].map(([, name = "", type = "", labels = ""]) => ({
  name,
  type,
  labels: labels.split(",").flatMap((label) => /`(\w+)`/.exec(label)?.[1] ?? []),
}));

describe(PAGE, () => {
  it("has every metric that there is, once and with its type, and no other", async () => {
    const shown = rows.map(({ name, type }) => [name, type]);
    const known = [...(await knownMetrics())].map(([name, { type }]) => [name, type]);
    expect(shown.toSorted()).toEqual(known.toSorted());
  });

  it("has the labels of what replicas measure, in their order", () => {
    for (const { name, labels } of [...Object.values(MEASURED), ...DERIVED.map(([metric]) => metric)]) {
      expect([name, rows.find((row) => row.name === name)?.labels]).toEqual([name, labels.slice(REPLICA.length)]);
    }
  });
});
