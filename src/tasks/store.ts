/**
 * Where the tasks of a shard are: the port, for SQLite in an object and memory in a local run.
 *
 * One suite of tests runs every implementation: `test/support/task-store-conformance.ts`.
 */
import type { TaskCount, TaskState } from "../protocol/tasks.ts";
import { compareTexts, isFinished, readyAt, type TaskRow } from "./task.ts";

/** What is stored beside a task, each in rows of its own. */
export type PayloadKind = "arguments" | "result";

/** Which tasks are listed: newest first, that is by falling id. */
export interface ListQuery {
  readonly deployment?: string | undefined;
  readonly state?: TaskState | undefined;
  readonly limit: number;
  /** Only those whose id sorts before it. */
  readonly before?: string | undefined;
  /** Those that are forgotten by then are left out. */
  readonly nowMs: number;
}

/** The tasks of one shard. Nothing here is asynchronous, so that nothing comes between a look and a change. */
export interface TaskStore {
  /** Runs what writes as one: all of it is stored, or none. */
  transaction(act: () => void): void;
  get(id: string): TaskRow | undefined;
  byIdentity(identity: string): TaskRow | undefined;
  /** Stores a row in place of the one with its id, if there is one. */
  put(row: TaskRow): void;
  /** Stores a row whose id it does not have, with its arguments. */
  insert(row: TaskRow, argumentsText: string): void;
  /** Deletes a row, with what is stored beside it. */
  delete(id: string): void;
  payload(id: string, kind: PayloadKind): string | undefined;
  /** @param text `null` deletes. */
  setPayload(id: string, kind: PayloadKind, text: string | null): void;
  /** The deployments that have tasks in this state. */
  deployments(state: TaskState): readonly string[];
  /**
   * Those of a deployment that wait for a time, by {@link readyAt} and then by id.
   *
   * @param except The ids of those that are left out: at most 64.
   */
  ready(deployment: string, limit: number, except: readonly string[]): readonly TaskRow[];
  /** Those with an attempt that runs, or is not known to have ended. */
  busy(): readonly TaskRow[];
  /** When the next one is forgotten, in milliseconds since the epoch. */
  nextExpiry(): number | undefined;
  /** Those that are forgotten by then. */
  expired(nowMs: number, limit: number): readonly string[];
  list(query: ListQuery): readonly TaskRow[];
  counts(): readonly TaskCount[];
  /** A number that is kept under a name. */
  mark(name: string): number | undefined;
  /** @param value `undefined` deletes. */
  setMark(name: string, value: number | undefined): void;
  /** Counts up what is kept under a name. */
  add(name: string, amount: number): void;
  /** All that {@link setMark} and {@link add} keep whose names begin so. */
  marks(prefix: string): ReadonlyMap<string, number>;
}

/** Whether an attempt of a task runs, or is not known to have ended. */
export function isBusy({ flight, lingering }: TaskRow): boolean {
  return flight !== undefined || lingering !== undefined;
}

/** Whether a task's time is over by then. */
export function isExpired({ expiresAt }: TaskRow, nowMs: number): boolean {
  return expiresAt !== undefined && expiresAt <= nowMs;
}

/** Tasks in the memory of a process: of a local run, and of tests. */
export class MemoryTaskStore implements TaskStore {
  readonly #rows = new Map<string, TaskRow>();
  readonly #payloads = new Map<string, string>();
  readonly #marks = new Map<string, number>();

  // Nothing here fails half-way.
  transaction(act: () => void): void {
    act();
  }

  get(id: string): TaskRow | undefined {
    return this.#rows.get(id);
  }

  byIdentity(identity: string): TaskRow | undefined {
    return this.#where((row) => row.identity === identity)[0];
  }

  put(row: TaskRow): void {
    this.#rows.set(row.id, structuredClone(row));
  }

  insert(row: TaskRow, argumentsText: string): void {
    this.put(row);
    this.setPayload(row.id, "arguments", argumentsText);
  }

  delete(id: string): void {
    this.#rows.delete(id);
    this.setPayload(id, "arguments", null);
    this.setPayload(id, "result", null);
  }

  payload(id: string, kind: PayloadKind): string | undefined {
    return this.#payloads.get(`${kind} ${id}`);
  }

  setPayload(id: string, kind: PayloadKind, text: string | null): void {
    if (text === null) this.#payloads.delete(`${kind} ${id}`);
    else this.#payloads.set(`${kind} ${id}`, text);
  }

  deployments(state: TaskState): readonly string[] {
    return [...new Set(this.#where((row) => row.state === state).map(({ deployment }) => deployment))].toSorted();
  }

  ready(deployment: string, limit: number, except: readonly string[]): readonly TaskRow[] {
    const waiting = this.#where((row) => row.deployment === deployment && readyAt(row) !== undefined && !except.includes(row.id));
    return waiting.toSorted((a, b) => readyAt(a)! - readyAt(b)! || compareTexts(a.id, b.id)).slice(0, limit);
  }

  busy(): readonly TaskRow[] {
    return this.#where(isBusy);
  }

  nextExpiry(): number | undefined {
    const times = this.#where(isFinished).map(({ expiresAt }) => expiresAt!);
    return times.length === 0 ? undefined : times.reduce((a, b) => Math.min(a, b));
  }

  expired(nowMs: number, limit: number): readonly string[] {
    return this.#where((row) => isExpired(row, nowMs))
      .toSorted((a, b) => a.expiresAt! - b.expiresAt! || compareTexts(a.id, b.id))
      .slice(0, limit)
      .map(({ id }) => id);
  }

  list({ deployment, state, limit, before, nowMs }: ListQuery): readonly TaskRow[] {
    return this.#where(
      (row) =>
        (deployment === undefined || row.deployment === deployment) &&
        (state === undefined || row.state === state) &&
        (before === undefined || row.id < before) &&
        !isExpired(row, nowMs),
    )
      .toSorted((a, b) => compareTexts(b.id, a.id))
      .slice(0, limit);
  }

  counts(): readonly TaskCount[] {
    const counts = new Map<string, TaskCount>();
    for (const { deployment, state } of this.#rows.values()) {
      const name = `${deployment} ${state}`;
      counts.set(name, { deployment, state, count: (counts.get(name)?.count ?? 0) + 1 });
    }
    return [...counts.values()].toSorted((a, b) => compareTexts(a.deployment, b.deployment) || compareTexts(a.state, b.state));
  }

  mark(name: string): number | undefined {
    return this.#marks.get(name);
  }

  setMark(name: string, value: number | undefined): void {
    if (value === undefined) this.#marks.delete(name);
    else this.#marks.set(name, value);
  }

  add(name: string, amount: number): void {
    this.#marks.set(name, (this.#marks.get(name) ?? 0) + amount);
  }

  marks(prefix: string): ReadonlyMap<string, number> {
    return new Map([...this.#marks].filter(([name]) => name.startsWith(prefix)).toSorted(([a], [b]) => compareTexts(a, b)));
  }

  #where(isWanted: (row: TaskRow) => boolean): TaskRow[] {
    return [...this.#rows.values()].filter(isWanted);
  }
}
