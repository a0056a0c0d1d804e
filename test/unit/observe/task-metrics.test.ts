import { expect, it } from "vitest";
import { taskMetrics } from "../../../src/operator/task-metrics.ts";
import type { TaskCounters } from "../../../src/protocol/tasks.ts";

const part = (succeeded: number, waits: readonly number[], sumMs: number): TaskCounters => ({
  tasks: [{ deployment: "Jobs", state: "SUCCEEDED", count: succeeded }],
  attempts: [{ deployment: "Jobs", outcome: "succeeded", count: succeeded }],
  waits: [
    {
      deployment: "Jobs",
      buckets: [
        { upToMs: 10, count: waits[0]! },
        { upToMs: 100, count: waits[1]! },
      ],
      count: waits[2]!,
      sumMs,
    },
  ],
});

it("the metrics of tasks are the sums of what the shards have counted", () => {
  const text = taskMetrics([{ app: "shop", parts: [part(2, [1, 2, 2], 60), part(3, [0, 1, 3], 5000)] }]);
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  const labels = 'application="shop",deployment="Jobs"';
  expect(lines.filter((line) => !line.endsWith(" 0"))).toEqual([
    `serve_tasks{${labels},state="SUCCEEDED"} 5`,
    `serve_task_attempts_total{${labels},outcome="succeeded"} 5`,
    `serve_task_wait_ms_bucket{${labels},le="10"} 1`,
    `serve_task_wait_ms_bucket{${labels},le="100"} 3`,
    `serve_task_wait_ms_bucket{${labels},le="+Inf"} 5`,
    `serve_task_wait_ms_sum{${labels}} 5060`,
    `serve_task_wait_ms_count{${labels}} 5`,
  ]);
});

it("a system without tasks yet has none of these lines", () => {
  expect(taskMetrics([{ app: "shop", parts: [{ tasks: [], attempts: [], waits: [] }] }])).toBe("");
});
