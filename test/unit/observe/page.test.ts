import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { DERIVED, MEASURED, REPLICA } from "../../../src/observe/metric-definitions.ts";
import { TASK_METRICS } from "../../../src/operator/task-metrics.ts";
import { systemMetrics } from "../../../src/operator/system-metrics.ts";
import { ControlledWorld, manifestOf } from "../../support/controlled-world.ts";
import { readPrometheus } from "../../support/prometheus.ts";

const PAGE = "docs/metrics.md";

/** A row of the table: the metric, its type and its labels beyond those of all. */
const ROW = /^\| `(serve_\w+)` \| (counter|gauge|histogram) \|(.*?)\|/gm;

const rows = [...readFileSync(PAGE, "utf8").matchAll(ROW)].map(([, name = "", type = "", labels = ""]) => ({
  name,
  type,
  labels: labels.split(",").flatMap((label) => /`(\w+)`/.exec(label)?.[1] ?? []),
}));

async function known(): Promise<Map<string, string>> {
  const world = new ControlledWorld(manifestOf({ Model: { autoscaling: { maxReplicas: 2 } } }));
  await world.run();
  const metrics = { startedAtMs: 1, series: {} };
  await world.controller.report({
    deployment: "Model",
    replica: "app/Model/-/0.0",
    version: "v1",
    epoch: 9,
    event: { kind: "alive" },
    metrics,
  });
  const text = systemMetrics([{ app: "app", metrics: await world.controller.metrics() }], [["app", "failed", 1]]);
  const ofReplicas = [...Object.values(MEASURED), ...DERIVED.map(([metric]) => metric)].map(({ name, type }) => [name, type] as const);
  const ofTasks = TASK_METRICS.map(({ name, type }) => [name, type] as const);
  return new Map([...[...readPrometheus(text)].map(([name, { type }]) => [name, type] as const), ...ofReplicas, ...ofTasks]);
}

describe(PAGE, () => {
  it("has every metric that there is, once and with its type, and no other", async () => {
    const shown = rows.map(({ name, type }) => [name, type]);
    expect(shown.toSorted()).toEqual([...(await known())].toSorted());
  });

  it("has the labels of what replicas measure, in their order", () => {
    for (const { name, labels } of [...Object.values(MEASURED), ...DERIVED.map(([metric]) => metric)]) {
      expect([name, rows.find((row) => row.name === name)?.labels]).toEqual([name, labels.slice(REPLICA.length)]);
    }
  });
});
