/**
 * What is said to and by the objects that hold tasks.
 *
 * Callers and objects may run different versions of the code for a while after a deploy, so messages only grow: a field may be
 * added, never renamed, re-typed or made required.
 */
import type { ScheduleConfig, TasksConfig } from "./manifest.ts";

/** What holds where `tasks: {}` says nothing else. */
export const DEFAULT_TASKS: TasksConfig = {
  maxAttempts: 3,
  backoffMs: 1000,
  maxBackoffMs: 300_000,
  timeoutMs: 600_000,
  retentionMs: 86_400_000,
};

/** Where a task is in its life. `PENDING` waits for its time, for a retry, or for room; the last three are final. */
export const TASK_STATES = ["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"] as const;
/** See {@link TASK_STATES}. */
export type TaskState = (typeof TASK_STATES)[number];

/** What an author, an operator and a client see of a task. Times in milliseconds since the epoch. */
export interface TaskStatus {
  readonly id: string;
  readonly state: TaskState;
  readonly app: string;
  readonly deployment: string;
  /** `call` is the default method. */
  readonly method: string;
  /** Of a keyed deployment. */
  readonly key?: string;
  /** Attempts that have begun since it was enqueued, or retried by hand. */
  readonly attempts: number;
  readonly createdAt: number;
  /** When the newest attempt began. */
  readonly startedAt?: number;
  readonly finishedAt?: number;
  /** When the next attempt may begin; only while `PENDING`. */
  readonly nextAttemptAt?: number;
  /** Of the newest attempt that did not succeed. */
  readonly error?: { readonly name: string; readonly message: string };
}

/** A call that was enqueued. What it returns is kept for as long as the deployment's `tasks.retentionMs` says. */
export interface Task<T> {
  /** `getTask(id)` gives the task back. */
  readonly id: string;
  /**
   * Where it is in its life.
   *
   * @throws TaskNotFoundError if there is no such task, or none any more.
   */
  status(): Promise<TaskStatus>;
  /**
   * Waits for what the method returns.
   *
   * @param options `timeoutMs`: how long to wait, in milliseconds. The task goes on after it.
   * @throws RequestTimeoutError after `timeoutMs`; what the method threw in its last attempt; RequestCancelledError;
   * TaskNotFoundError.
   */
  result(options?: { readonly timeoutMs?: number }): Promise<T>;
  /**
   * Cancels it: a waiting task never runs, a running one sees its signal abort, and what it still returns is dropped.
   *
   * @returns Whether it was waiting or running.
   * @throws TaskNotFoundError
   */
  cancel(): Promise<boolean>;
}

/** How the result of a task is waited for. */
export interface ResultWait {
  /** In milliseconds; without it there is no end. */
  readonly timeoutMs?: number | undefined;
  /** Below which the stack of an error goes on. */
  readonly callerStack?: string | undefined;
}

/** The way to the tasks of a system. */
export interface TaskPort {
  /** Resolves with the id once the task is durable. */
  enqueue(call: TaskCall): Promise<string>;
  status(id: string): Promise<TaskStatus>;
  /** What it has returned, as soon as it has. */
  result(id: string, wait: ResultWait): Promise<unknown>;
  /** Waits at most so long for its outcome. */
  outcome(id: string, waitMs: number): Promise<TaskOutcome>;
  cancel(id: string): Promise<boolean>;
}

/** What the attempts of a task are routed by: the handle options of the same names. */
export interface TaskRouting {
  readonly key?: string;
  readonly multiplexedModelId?: string;
}

/** What a task calls, and how: the same from the enqueue to each attempt. */
export interface TaskInvocation {
  readonly deployment: string;
  /** `undefined` is the default method. */
  readonly method?: string;
  /** Of a keyed deployment. */
  readonly key?: string;
  /** What its attempts are routed by, as a call with these handle options is. */
  readonly routing?: TaskRouting;
  /** The enqueuer's: attempts continue its trace. */
  readonly traceparent?: string;
  readonly tracestate?: string;
}

/** A call that is to be a task. */
export interface TaskCall extends TaskInvocation {
  readonly app: string;
  readonly args: readonly unknown[];
  readonly idempotencyKey?: string;
  readonly delayMs?: number;
}

/** What is enqueued. */
export interface EnqueueRequest extends TaskInvocation {
  /** By `newTaskId`. Sent a second time it is the same task. */
  readonly id: string;
  /** By `identityOf`: another task that has it is given back instead. */
  readonly identity?: string;
  /** How long the first attempt waits at least, in milliseconds. */
  readonly delayMs?: number;
  /** By `encodeArguments`. */
  readonly arguments: string;
  /** The time of a schedule for which it is. A time that is not later than the last one of the schedule gives no task. */
  readonly schedule?: { readonly name: string; readonly atMs: number };
}

/** What has become of a task. */
export interface TaskOutcome {
  readonly state: TaskState;
  /** Of `SUCCEEDED` by `encodeResult`, of `FAILED` the error by `errorText`; missing otherwise. */
  readonly result?: string;
}

/** How many tasks are listed at most, whatever is asked for. */
export const MAX_LISTED = 1000;

/** Which tasks are listed. */
export interface TaskQuery {
  readonly deployment?: string;
  readonly state?: TaskState;
  readonly limit: number;
  /** Only those whose id sorts before it. */
  readonly before?: string;
}

/** A page of a list. */
export interface TaskPage {
  readonly tasks: readonly TaskStatus[];
  /** Where the next page begins; missing on the last one. */
  readonly cursor?: string;
}

/** How many tasks of a deployment are in a state. */
export interface TaskCount {
  readonly deployment: string;
  readonly state: TaskState;
  readonly count: number;
}

/** The label `outcome` of `serve_task_attempts_total`. */
export const ATTEMPT_OUTCOMES = ["succeeded", "failed", "lost", "timed_out", "cancelled"] as const;

/** The bounds of `serve_task_wait_ms`, in milliseconds. */
export const TASK_WAIT_BOUNDS_MS: readonly number[] = [
  10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 3_600_000,
];

/** What a shard has counted since it began. */
export interface TaskCounters {
  readonly tasks: readonly TaskCount[];
  /** Attempts that have ended or were given up, by deployment and the label `outcome`. */
  readonly attempts: readonly { readonly deployment: string; readonly outcome: string; readonly count: number }[];
  /** How long tasks waited from due to begun, by deployment: how many up to each of the bounds, in milliseconds, and their sum. */
  readonly waits: readonly {
    readonly deployment: string;
    readonly buckets: readonly { readonly upToMs: number; readonly count: number }[];
    readonly count: number;
    readonly sumMs: number;
  }[];
}

/**
 * What the object of a shard is called by. `undefined` stands for a task that it does not have, because it never had it or its
 * time is over.
 */
export interface TaskShardRpc {
  /** Resolves once the task is durable, with its id: another than was asked for where its identity has one already. */
  enqueue(request: EnqueueRequest): Promise<string>;
  status(id: string): Promise<TaskStatus | undefined>;
  /** Resolves when the task is finished, or after `waitMs` (at most 30,000) with the state that it then is in. */
  outcome(id: string, waitMs: number): Promise<TaskOutcome | undefined>;
  /** `true` if it was waiting or running, and is now `CANCELLED`. */
  cancel(id: string): Promise<boolean | undefined>;
  /** `true` if it was `FAILED` or `CANCELLED`, and now begins again. */
  retry(id: string): Promise<boolean | undefined>;
  /** Newest first. */
  list(query: TaskQuery): Promise<readonly TaskStatus[]>;
  /** Cancels all tasks that wait: their application is deleted. */
  cancelWaiting(): Promise<void>;
  counters(): Promise<TaskCounters>;
}

/** A schedule, and whose it is. */
export interface Schedule extends ScheduleConfig {
  readonly deployment: string;
}

/** What the object of an application's schedules is called by. */
export interface SchedulesRpc {
  /**
   * Takes the schedules that the application has from now on: those that it had keep their next times, and those that are gone
   * fire no more. A revision that is older than one that it has seen is ignored. Resolves once they are stored.
   */
  adopt(revision: number, schedules: readonly Schedule[]): Promise<void>;
  /** The next times, in milliseconds since the epoch; for whoever looks. */
  upcoming(): Promise<readonly (Schedule & { readonly nextAt: number })[]>;
}
