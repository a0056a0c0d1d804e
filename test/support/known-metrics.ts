/** Every metric of the framework's, by name: as a system with tasks, shadows and autoscaling is scraped. */
import { DERIVED, MEASURED, type Metric } from "../../src/observe/metric-definitions.ts";
import { systemMetrics } from "../../src/operator/system-metrics.ts";
import { TASK_METRICS } from "../../src/operator/task-metrics.ts";
import { ControlledWorld, manifestOf } from "./controlled-world.ts";
import { readPrometheus } from "./prometheus.ts";

export type KnownMetric = Pick<Metric, "type" | "labels">;

export async function knownMetrics(): Promise<Map<string, KnownMetric>> {
  const world = new ControlledWorld(manifestOf({ Model: { autoscaling: { maxReplicas: 2 } } }));
  await world.run();
  await world.report("app/Model/-/0.0", { kind: "alive" }, { epoch: 9, metrics: { startedAtMs: 1, series: {} } });
  const text = systemMetrics([{ app: "app", metrics: await world.controller.metrics() }], [["app", "failed", 1]]);
  const scraped = [...readPrometheus(text)].map(([name, { type, samples }]) => {
    const labels = Object.keys(samples[0]!.labels);
    return [name, { type: type as Metric["type"], labels }] as const;
  });
  const defined = [...Object.values(MEASURED), ...DERIVED.map(([metric]) => metric), ...TASK_METRICS];
  return new Map<string, KnownMetric>([...scraped, ...defined.map((metric) => [metric.name, metric] as const)]);
}
