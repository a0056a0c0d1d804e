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
  const text = taskMetrics([{ app: "shop", deployments: [], parts: [part(2, [1, 2, 2], 60), part(3, [0, 1, 3], 5000)] }]);
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

it("the series of a deployment that may have tasks are there, at 0, before it has one", () => {
  const none: TaskCounters = { tasks: [], attempts: [], waits: [] };
  const lines = taskMetrics([{ app: "shop", deployments: ["Jobs"], parts: [none] }])
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  const labels = 'application="shop",deployment="Jobs"';
  expect(lines).toEqual([
    ...["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"].map((state) => `serve_tasks{${labels},state="${state}"} 0`),
    ...["succeeded", "failed", "lost", "timed_out", "cancelled"].map((end) => `serve_task_attempts_total{${labels},outcome="${end}"} 0`),
    ...[10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 3_600_000, "+Inf"].map(
      (bound) => `serve_task_wait_ms_bucket{${labels},le="${bound}"} 0`,
    ),
    `serve_task_wait_ms_sum{${labels}} 0`,
    `serve_task_wait_ms_count{${labels}} 0`,
  ]);
});

it("an application without tasks has none of these lines", () => {
  expect(taskMetrics([{ app: "shop", deployments: [], parts: [{ tasks: [], attempts: [], waits: [] }] }])).toBe("");
});
