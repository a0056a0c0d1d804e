/**
 * The schedules of one application.
 *
 * Owns: their next times, and that each of them gives one task. Does not own: when an expression fires (cron.ts), tasks
 * (shard.ts, which also refuses a time that it has had), the platform (`durable-objects/schedules.ts`).
 *
 * Invariants:
 *   P1. A next time is stored, and moves on only when its task is durable: it is neither lost nor given twice.
 *   P2. Times that passed while nothing ran give one task, for the first of them.
 *   P3. There is one alarm, for the earliest time; without schedules there is none.
 *   P4. A schedule whose task cannot be stored is tried again, and does not hold up the others.
 */
import type { Schedule, SchedulesRpc } from "../protocol/tasks.ts";
import { type CronTimes, parseCron } from "./cron.ts";

/** A schedule as it is stored. */
export interface ScheduleRow {
  readonly schedule: Schedule;
  readonly nextAt: number;
}

/** The schedules of an application, by name. */
export interface ScheduleStore {
  entries(): Iterable<readonly [name: string, row: ScheduleRow]>;
  put(name: string, row: ScheduleRow): void;
  delete(name: string): void;
  revision(): number | undefined;
  setRevision(revision: number): void;
}

/** What the schedules are given. */
export interface SchedulesPorts {
  readonly store: ScheduleStore;
  /**
   * Stores a task for a time of a schedule; resolves once it is durable, or was before. Settles within a minute.
   *
   * @param name Of the schedule: the task goes to the shard of this name (`shardFor(name)`), with it and `atMs` as `schedule`.
   */
  enqueue(name: string, schedule: Schedule, atMs: number): Promise<void>;
  /** Asks to be woken at this time; `undefined` takes back what was asked. Never throws. */
  wakeAt(timeMs: number | undefined): void;
  /** Writes to the log. */
  warn(deployment: string, message: string, fields: Readonly<Record<string, unknown>>): void;
  now(): number;
}

/** How long until a task that could not be stored is tried again: doubled each time. */
const RETRY_MS = 1000;
const MAX_RETRY_MS = 60_000;

export class Schedules implements SchedulesRpc {
  readonly #ports: SchedulesPorts;
  readonly #rows: Map<string, ScheduleRow>;
  /** Those whose task could not be stored. */
  readonly #failed = new Map<string, { readonly failures: number; readonly retryAt: number }>();

  constructor(ports: SchedulesPorts) {
    this.#ports = ports;
    this.#rows = new Map(ports.store.entries());
    this.#arm();
  }

  async adopt(revision: number, schedules: readonly Schedule[]): Promise<void> {
    const { store, now, wakeAt } = this.#ports;
    if (revision < (store.revision() ?? -Infinity)) return;
    const nowMs = now();
    // Should this be lost half-way, it is woken for what is stored.
    wakeAt(nowMs);
    const wanted = new Map(schedules.map((schedule) => [scheduleName(schedule), schedule]));
    for (const name of this.#rows.keys()) if (!wanted.has(name)) this.#forget(name);
    for (const [name, schedule] of wanted) {
      if (this.#rows.has(name)) continue;
      const nextAt = this.#timesOf(schedule)?.next(nowMs);
      if (nextAt !== undefined) this.#store(name, { schedule, nextAt });
    }
    store.setRevision(revision);
    this.#arm();
  }

  async upcoming(): Promise<readonly (Schedule & { readonly nextAt: number })[]> {
    return [...this.#rows.values()].map(({ schedule, nextAt }) => ({ ...schedule, nextAt })).toSorted((a, b) => a.nextAt - b.nextAt);
  }

  /** Gives the tasks that are due. */
  async alarm(): Promise<void> {
    const nowMs = this.#ports.now();
    const due = [...this.#rows].filter(([name, row]) => this.#dueAt(name, row) <= nowMs);
    await Promise.all(due.map(([name, row]) => this.#fire(name, row)));
    this.#arm();
  }

  async #fire(name: string, row: ScheduleRow): Promise<void> {
    const { schedule, nextAt } = row;
    try {
      await this.#ports.enqueue(name, schedule, nextAt);
    } catch (error) {
      const failures = this.#failed.get(name)?.failures ?? 0;
      const retryAt = this.#ports.now() + Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** failures);
      this.#failed.set(name, { failures: failures + 1, retryAt });
      this.#ports.warn(schedule.deployment, "The task of a schedule could not be stored. It is tried again.", {
        cron: schedule.cron,
        error,
      });
      return;
    }
    this.#failed.delete(name);
    // Gone, or gone and come again, meanwhile.
    if (this.#rows.get(name) !== row) return;
    const next = this.#timesOf(schedule)?.next(Math.max(nextAt, this.#ports.now()));
    if (next === undefined) this.#forget(name);
    else this.#store(name, { schedule, nextAt: next });
  }

  // What is stored was checked before, but perhaps by other code.
  #timesOf({ cron, timezone, deployment }: Schedule): CronTimes | undefined {
    try {
      return parseCron(cron, timezone, this.#ports.now());
    } catch (error) {
      this.#ports.warn(deployment, "A schedule has no next time.", { cron, timezone, error });
      return undefined;
    }
  }

  #store(name: string, row: ScheduleRow): void {
    this.#ports.store.put(name, row);
    this.#rows.set(name, row);
  }

  #forget(name: string): void {
    this.#ports.store.delete(name);
    this.#rows.delete(name);
    this.#failed.delete(name);
  }

  #dueAt(name: string, { nextAt }: ScheduleRow): number {
    return Math.max(nextAt, this.#failed.get(name)?.retryAt ?? nextAt);
  }

  #arm(): void {
    let first: number | undefined;
    for (const [name, row] of this.#rows) first = Math.min(first ?? Infinity, this.#dueAt(name, row));
    this.#ports.wakeAt(first);
  }
}

/** What a schedule is known by: another expression, method or argument makes another schedule. */
export function scheduleName({ deployment, cron, timezone = "UTC", method = "call", args = [] }: Schedule): string {
  return JSON.stringify([deployment, cron, timezone, method, args]);
}
