/**
 * What a task is: its row, and what is said about it.
 *
 * Rows are stored as JSON and outlive the code that wrote them: a field may be added, never renamed or re-typed.
 */

import type { TasksConfig } from "../protocol/manifest.ts";
import type { TaskInvocation, TaskState, TaskStatus } from "../protocol/tasks.ts";

/** Where an attempt runs: the name of the replica's object, and the id of the delivery to it. */
export interface Place {
  readonly replica: string;
  readonly delivery: string;
}

/** An attempt that may be running and whose outcome counts. */
export interface Flight {
  /** Counts all attempts of the task, through retries by hand too. */
  readonly number: number;
  readonly place: Place;
  readonly deadlineAt: number;
  /** Those of the moment when it began: changes hold for attempts that begin later. */
  readonly options: TasksConfig;
  /** What the row goes back to when the attempt turns out not to have begun. */
  readonly before: { readonly dueAt: number; readonly startedAt?: number };
}

/** An attempt that was given up and may still be running: its outcome counts no more, and the next attempt waits for its end. */
export interface Lingering {
  readonly number: number;
  readonly place: Place;
  /** When it is not waited for any longer. */
  readonly untilAt: number;
}

/** One task. Times in milliseconds since the epoch. */
export interface TaskRow extends TaskInvocation {
  /** By `newTaskId`: those of a shard sort by the time at which they were made. */
  readonly id: string;
  /** What makes it the same task as another enqueue: see `identityOf`. */
  readonly identity?: string;
  readonly state: TaskState;
  /** Attempts that have begun since it was enqueued, or retried by hand. */
  readonly attempts: number;
  /** The number of the newest attempt: see {@link Flight.number}. */
  readonly run: number;
  readonly createdAt: number;
  /** When the newest attempt began. */
  readonly startedAt?: number;
  readonly finishedAt?: number;
  /** When the next attempt may begin; only while `PENDING`. */
  readonly dueAt?: number;
  /** When a finished task is forgotten. */
  readonly expiresAt?: number;
  /** Of the newest attempt that did not succeed. */
  readonly error?: { readonly name: string; readonly message: string };
  readonly flight?: Flight;
  readonly lingering?: Lingering;
}

/** The part of a message or a row that says what is called. */
export function invocationIn({ deployment, method, key, routing, traceparent, tracestate }: TaskInvocation): TaskInvocation {
  return {
    deployment,
    ...(method === undefined ? {} : { method }),
    ...(key === undefined ? {} : { key }),
    ...(routing === undefined ? {} : { routing }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(tracestate === undefined ? {} : { tracestate }),
  };
}

/** What is said of a row. */
export function statusOf(app: string, row: TaskRow): TaskStatus {
  const { id, state, deployment, method = "call", key, attempts, createdAt, startedAt, finishedAt, dueAt, error } = row;
  return {
    id,
    state,
    app,
    deployment,
    method,
    ...(key === undefined ? {} : { key }),
    attempts,
    createdAt,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(finishedAt === undefined ? {} : { finishedAt }),
    ...(dueAt === undefined ? {} : { nextAttemptAt: dueAt }),
    ...(error === undefined ? {} : { error }),
  };
}

/** By code units: the order of ids, in memory as in SQLite. */
export function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Whether a task has its outcome. */
export function isFinished({ state }: Pick<TaskRow, "state">): boolean {
  return state !== "PENDING" && state !== "RUNNING";
}

/** When a row is to be looked at for its next attempt; `undefined` while it has nothing to wait for but another attempt's end. */
export function readyAt(row: TaskRow): number | undefined {
  return row.state === "PENDING" && row.lingering === undefined ? row.dueAt : undefined;
}
