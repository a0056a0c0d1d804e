/**
 * What is scraped of tasks. In the bundles of systems with tasks only. Pure.
 */
import type { Series } from "../protocol/metrics.ts";
import { ATTEMPT_OUTCOMES, TASK_STATES, TASK_WAIT_BOUNDS_MS, type TaskCounters } from "../protocol/tasks.ts";
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

/** The metrics of tasks. */
export const TASK_METRICS: readonly Metric[] = [TASKS, ATTEMPTS, waits(TASK_WAIT_BOUNDS_MS)];

/** What there is to say of an application's tasks. */
export interface CountedTasks {
  readonly app: string;
  /** Those that may have tasks: their series are there before the first task is, so that whoever scrapes sees them grow. */
  readonly deployments: readonly string[];
  /** A part for each shard. */
  readonly parts: readonly TaskCounters[];
}

/** Writes what the shards of each application have counted. */
export function taskMetrics(applications: readonly CountedTasks[]): string {
  const tasks = new Sums();
  const attempts = new Sums();
  const waited = new Sums();
  // Of other code, for a while after a deploy.
  const [told] = applications.flatMap(({ parts }) => parts.flatMap((part) => part.waits));
  const bounds = told === undefined ? TASK_WAIT_BOUNDS_MS : told.buckets.map(({ upToMs }) => upToMs);
  for (const { app, deployments, parts } of applications) {
    for (const deployment of new Set([...deployments, ...parts.flatMap((part) => part.tasks.map((count) => count.deployment))])) {
      for (const state of TASK_STATES) tasks.add([app, deployment, state], [0]);
      for (const outcome of ATTEMPT_OUTCOMES) attempts.add([app, deployment, outcome], [0]);
      waited.add([app, deployment], [0, ...bounds.map(() => 0), 0]);
    }
    for (const part of parts) {
      for (const { deployment, state, count } of part.tasks) tasks.add([app, deployment, state], [count]);
      for (const { deployment, outcome, count } of part.attempts) attempts.add([app, deployment, outcome], [count]);
      for (const { deployment, buckets, count, sumMs } of part.waits) {
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
