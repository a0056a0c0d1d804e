/**
 * The tasks of a shard, as they are stored and as they change.
 *
 * Owns: that a step and what belongs to it is stored as one, when rows must be looked at, who waits for outcomes, counters.
 * Does not own: what a step is (machine.ts), what else follows from one (the shard, as `Follower`).
 *
 * Invariants:
 *   L1. The alarm for what a step makes necessary is asked for before the step is stored.
 *   L2. What follows from a step (a message, an answer) comes after it has been stored; but a line in the log comes before: it
 *       may be written twice, and is never missing.
 */
import { TASK_WAIT_BOUNDS_MS, type TaskCounters, type TaskOutcome } from "../protocol/tasks.ts";
import { type Effect, step, type Step, type TaskEvent } from "./machine.ts";
import type { TaskShardPorts } from "./ports.ts";
import { isBusy, isExpired } from "./store.ts";
import { isFinished, readyAt, type TaskRow } from "./task.ts";

/** What else follows from a step. */
export interface Follower {
  /** Something is to be done by then: asks for the alarm. */
  wakeBy(timeMs: number): void;
  follow(effect: Effect, row: TaskRow): void;
}

export class Ledger {
  readonly #ports: TaskShardPorts;
  readonly #follower: Follower;
  /** When busy rows are to be looked at. */
  readonly #looks = new Map<string, { readonly atMs: number; readonly deployment: string; readonly isFlight: boolean }>();
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(ports: TaskShardPorts, follower: Follower) {
    this.#ports = ports;
    this.#follower = follower;
    for (const row of ports.store.busy()) this.#watch(row);
  }

  /** When the first of the busy rows is to be looked at. */
  get nextLookAt(): number | undefined {
    let first: number | undefined;
    for (const { atMs } of this.#looks.values()) first = Math.min(first ?? atMs, atMs);
    return first;
  }

  /** The deployment of each attempt that may be running and whose outcome counts. */
  *flights(): Iterable<string> {
    for (const { deployment, isFlight } of this.#looks.values()) if (isFlight) yield deployment;
  }

  /** The ids of the busy rows. */
  get busy(): readonly string[] {
    return [...this.#looks.keys()];
  }

  /** A task, unless its time is over. */
  get(id: string): TaskRow | undefined {
    const row = this.#ports.store.get(id);
    return row === undefined || isExpired(row, this.#ports.now()) ? undefined : row;
  }

  /** Lets the time that has passed take effect on the busy rows. */
  tick(event: TaskEvent): void {
    const nowMs = this.#ports.now();
    for (const [id, { atMs }] of this.#looks) if (atMs <= nowMs && this.apply(id, event) === undefined) this.#lookAgain(id);
  }

  #lookAgain(id: string): void {
    const row = this.#ports.store.get(id);
    if (row === undefined) this.#looks.delete(id);
    else this.#watch(row);
  }

  /** Applies an event; `undefined` when it changes nothing. */
  apply(id: string, event: TaskEvent): TaskRow | undefined {
    const before = this.#ports.store.get(id);
    const made = before === undefined ? undefined : step(before, event, this.#ports.now(), this.#ports.random);
    if (made === undefined) return undefined;
    const { row, effects } = made;
    const atMs = lookAt(row) ?? readyAt(row);
    if (atMs !== undefined) this.#follower.wakeBy(atMs);
    for (const effect of effects) if (effect.kind === "overtaken") this.#follower.follow(effect, row);
    this.#ports.store.transaction(() => this.#store(made));
    this.#watch(row);
    if (isFinished(row)) this.#tell(id);
    for (const effect of effects) if (effect.kind !== "overtaken") this.#follower.follow(effect, row);
    return row;
  }

  #store({ row, effects, result, isArgumentsDone }: Step): void {
    const { store } = this.#ports;
    store.put(row);
    if (result !== undefined) store.setPayload(row.id, "result", result);
    if (isArgumentsDone === true) store.setPayload(row.id, "arguments", null);
    for (const effect of effects) {
      if (effect.kind !== "count") continue;
      const waitedMs = Math.max(0, effect.waitedMs);
      store.add(`attempts ${row.deployment} ${effect.outcome}`, 1);
      store.add(`wait ${row.deployment} ${TASK_WAIT_BOUNDS_MS.find((bound) => waitedMs <= bound) ?? "more"}`, 1);
      store.add(`waited ${row.deployment}`, waitedMs);
    }
  }

  #watch(row: TaskRow): void {
    const atMs = lookAt(row);
    if (atMs === undefined) this.#looks.delete(row.id);
    else this.#looks.set(row.id, { atMs, deployment: row.deployment, isFlight: row.flight !== undefined });
  }

  /** The outcome of a task that is finished. */
  outcomeOf({ id, state }: TaskRow): TaskOutcome {
    const result = state === "SUCCEEDED" || state === "FAILED" ? this.#ports.store.payload(id, "result") : undefined;
    return result === undefined ? { state } : { state, result };
  }

  /** Calls back once the task is finished; what it returns takes that back. */
  whenFinished(id: string, callback: () => void): () => void {
    const callbacks = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, callbacks.add(callback));
    return () => {
      callbacks.delete(callback);
      if (callbacks.size === 0 && this.#waiting.get(id) === callbacks) this.#waiting.delete(id);
    };
  }

  #tell(id: string): void {
    const callbacks = this.#waiting.get(id);
    this.#waiting.delete(id);
    for (const callback of callbacks ?? []) callback();
  }

  /** What has been counted. */
  counters(): TaskCounters {
    const { store } = this.#ports;
    const attempts = [...store.marks("attempts ")].map(([name, count]) => {
      const [, deployment = "", outcome = ""] = name.split(" ");
      return { deployment, outcome, count };
    });
    const waits = [...store.marks("waited ")].map(([name, sumMs]) => {
      const deployment = name.slice("waited ".length);
      const own = (bound: number | "more") => store.mark(`wait ${deployment} ${bound}`) ?? 0;
      let count = 0;
      const buckets = TASK_WAIT_BOUNDS_MS.map((upToMs) => ({ upToMs, count: (count += own(upToMs)) }));
      return { deployment, buckets, count: count + own("more"), sumMs };
    });
    return { tasks: store.counts(), attempts, waits };
  }
}

// When a busy row changes by itself.
function lookAt(row: TaskRow): number | undefined {
  return isBusy(row) ? (row.flight?.deadlineAt ?? row.lingering?.untilAt) : undefined;
}
