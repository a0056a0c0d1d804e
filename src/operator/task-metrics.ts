/**
 * What is scraped of tasks. In the bundles of systems with tasks only. Pure.
 */
import type { Series } from "../protocol/metrics.ts";
import { TASK_STATES, type TaskCounters } from "../protocol/tasks.ts";
import { counter, DEPLOYMENT, gauge, type Metric } from "../observe/metric-definitions.ts";
import { expose } from "./exposition.ts";

const TASKS = gauge("serve_tasks", "Tasks that are kept, by state.", [...DEPLOYMENT, "state"]);
const ATTEMPTS = counter("serve_task_attempts", "Attempts of tasks that have ended, or were given up.", [...DEPLOYMENT, "outcome"]);
const waits = (bounds: readonly number[]): Metric => ({
  name: "serve_task_wait_ms",
  type: "histogram",
  help: "From due to begun.",
  labels: DEPLOYMENT,
  bounds,
});

/** The metrics of tasks. Waits have the bounds that the shards count by. */
export const TASK_METRICS: readonly Metric[] = [TASKS, ATTEMPTS, waits([])];

/** Writes what the shards of each application have counted. */
export function taskMetrics(applications: readonly { readonly app: string; readonly parts: readonly TaskCounters[] }[]): string {
  const tasks = new Sums();
  const attempts = new Sums();
  const waited = new Sums();
  let bounds: readonly number[] = [];
  for (const { app, parts } of applications) {
    for (const part of parts) {
      for (const { deployment, state, count } of part.tasks) {
        for (const each of TASK_STATES) tasks.add([app, deployment, each], [each === state ? count : 0]);
      }
      for (const { deployment, outcome, count } of part.attempts) attempts.add([app, deployment, outcome], [count]);
      for (const { deployment, buckets, count, sumMs } of part.waits) {
        bounds = buckets.map(({ upToMs }) => upToMs);
        const upTo = [0, ...buckets.map((bucket) => bucket.count), count];
        waited.add([app, deployment], [sumMs, ...upTo.slice(1).map((value, index) => value - upTo[index]!)]);
      }
    }
  }
  return expose([
    [TASKS, tasks.series],
    [ATTEMPTS, attempts.series],
    [waits(bounds), waited.series],
  ]);
}

class Sums {
  readonly #sums = new Map<string, { readonly labels: readonly string[]; readonly numbers: number[] }>();

  add(labels: readonly string[], numbers: readonly number[]): void {
    const key = labels.join(" ");
    const sum = this.#sums.get(key);
    if (sum === undefined) this.#sums.set(key, { labels, numbers: [...numbers] });
    else for (const [index, number] of numbers.entries()) sum.numbers[index]! += number;
  }

  get series(): Series[] {
    return [...this.#sums.values()].map(({ labels, numbers }) => [labels, numbers] as const);
  }
}
