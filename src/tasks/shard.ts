/**
 * A shard: some of the tasks of one application.
 *
 * Owns: what is asked of it, and when to look again. Does not own: what becomes of a task (machine.ts), how that is stored
 * (ledger.ts), which is next (line.ts), attempts under way (attempts.ts), the platform (`durable-objects/tasks.ts`).
 *
 * Invariants:
 *   S1. A task is stored before `enqueue` resolves, and from then on there is an alarm until it is finished.
 *   S2. An attempt begins from an alarm only: whoever enqueues is not above it in the platform's tree of calls.
 *   S3. With nothing that is due, in flight or to be forgotten there is no alarm, and what waits is not read.
 *   S4. While something is in flight the alarm is at most ten seconds away: an object that is lost is not woken by anything else.
 */
import { RequestCancelledError, RequestTimeoutError } from "../protocol/errors.ts";
import {
  type EnqueueRequest,
  MAX_LISTED,
  type TaskCounters,
  type TaskOutcome,
  type TaskQuery,
  type TaskShardRpc,
  type TaskStatus,
} from "../protocol/tasks.ts";
import { encodeError } from "../protocol/error-codec.ts";
import { Attempts } from "./attempts.ts";
import { Gates } from "./gates.ts";
import { Ledger } from "./ledger.ts";
import { Line } from "./line.ts";
import type { Effect, TaskEvent } from "./machine.ts";
import { errorText } from "./payload.ts";
import type { TaskShardPorts } from "./ports.ts";
import { isExpired } from "./store.ts";
import { invocationIn, isFinished, statusOf, type TaskRow } from "./task.ts";

const WATCH_MS = 10_000;
/** Tasks are forgotten once a minute, and so many at a time. Nobody sees them from their time on. */
const SWEEP_MS = 60_000;
const SWEEP_SIZE = 500;
/** So many waiting tasks are cancelled at a time. */
const CANCEL_SIZE = 500;
const MAX_WAIT_MS = 30_000;

/** Until when tasks that have been created by then, and wait, are to be cancelled. */
const CANCEL_MARK = "cancel waiting";
/** Before the name of a schedule: its last time that gave a task. */
const FIRED_MARK = "fired ";

export class TaskShard implements TaskShardRpc {
  readonly #ports: TaskShardPorts;
  readonly #ledger: Ledger;
  readonly #attempts: Attempts;
  readonly #line: Line;
  /** The alarm, as far as this life has asked for it. */
  #wakesAt: number | undefined;
  /** When this life looks again at the latest, while something is in flight. */
  #watchAt = 0;
  #isArming = false;

  constructor(ports: TaskShardPorts) {
    this.#ports = ports;
    const gates = new Gates(ports.random);
    this.#ledger = new Ledger(ports, {
      wakeBy: (timeMs) => this.#wakeBy(timeMs),
      follow: (effect, row) => this.#follow(effect, row),
    });
    this.#attempts = new Attempts(ports, this.#ledger, gates, () => this.#armSoon());
    this.#line = new Line(ports, this.#attempts, gates);
    this.#arm();
  }

  async enqueue(request: EnqueueRequest): Promise<string> {
    const { store, now } = this.#ports;
    const { id, identity, schedule, delayMs = 0 } = request;
    const nowMs = now();
    const known = store.get(id) ?? (identity === undefined ? undefined : store.byIdentity(identity));
    if (known !== undefined && !isExpired(known, nowMs)) return known.id;
    const fired = schedule === undefined ? undefined : store.mark(FIRED_MARK + schedule.name);
    if (fired !== undefined && fired >= schedule!.atMs) return id;
    // One that comes after all that waited were to be cancelled is none of those.
    const createdAt = Math.max(nowMs, (store.mark(CANCEL_MARK) ?? 0) + 1);
    const row = newRow(request, createdAt, nowMs + delayMs);
    this.#wakeBy(nowMs + delayMs);
    store.transaction(() => {
      if (known !== undefined) store.delete(known.id);
      store.insert(row, request.arguments);
      if (schedule !== undefined) store.setMark(FIRED_MARK + schedule.name, schedule.atMs);
    });
    return id;
  }

  async status(id: string): Promise<TaskStatus | undefined> {
    const row = this.#ledger.get(id);
    return row === undefined ? undefined : statusOf(this.#ports.app, row);
  }

  async outcome(id: string, waitMs: number): Promise<TaskOutcome | undefined> {
    const row = this.#ledger.get(id);
    if (row === undefined) return undefined;
    if (!isFinished(row) && waitMs > 0) await this.#untilFinished(id, Math.min(waitMs, MAX_WAIT_MS));
    // Also where its time was over at once.
    const then = this.#ports.store.get(id);
    return then === undefined ? undefined : this.#ledger.outcomeOf(then);
  }

  async #untilFinished(id: string, waitMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const forget = this.#ledger.whenFinished(id, () => done());
      const done = () => {
        forget();
        resolve();
      };
      // Not cleared: an object keeps memory for each timer that is, and none for one that finds nothing to do.
      setTimeout(done, waitMs);
    });
  }

  async cancel(id: string): Promise<boolean | undefined> {
    const row = this.#ledger.get(id);
    return row === undefined ? undefined : this.#cancel(row);
  }

  async retry(id: string): Promise<boolean | undefined> {
    if (this.#ledger.get(id) === undefined) return undefined;
    return this.#ledger.apply(id, { kind: "retry" }) !== undefined;
  }

  async list(query: TaskQuery): Promise<readonly TaskStatus[]> {
    const { store, app, now } = this.#ports;
    return store.list({ ...query, limit: Math.min(query.limit, MAX_LISTED), nowMs: now() }).map((row) => statusOf(app, row));
  }

  async cancelWaiting(): Promise<void> {
    const nowMs = this.#ports.now();
    this.#wakeBy(nowMs);
    this.#ports.store.setMark(CANCEL_MARK, nowMs);
    this.#cancelMarked();
  }

  async counters(): Promise<TaskCounters> {
    return this.#ledger.counters();
  }

  /** Does what is due. Throws what storing throws: it is tried again. */
  alarm(): void {
    // One that has fired is gone.
    this.#wakesAt = undefined;
    try {
      this.#sweep();
      this.#cancelMarked();
      this.#ledger.tick(TICK);
      this.#attempts.ask();
      // What is to be cancelled must not run before it is its turn.
      if (this.#ports.store.mark(CANCEL_MARK) === undefined) this.#line.send();
    } finally {
      this.#arm(true);
    }
  }

  #cancel(row: TaskRow): boolean {
    const cancelled = this.#ledger.apply(row.id, { kind: "cancel", options: this.#ports.options(row.deployment) });
    if (cancelled === undefined) return false;
    // One that is looking for a replica.
    if (row.flight === undefined) this.#attempts.stop(cancelled, undefined, cancelledError(row.id));
    return true;
  }

  #cancelMarked(): void {
    const { store, now } = this.#ports;
    const mark = store.mark(CANCEL_MARK);
    if (mark === undefined) return;
    let left = CANCEL_SIZE;
    for (const deployment of store.deployments("PENDING")) {
      for (let before: string | undefined; ;) {
        const page = store.list({ deployment, state: "PENDING", limit: CANCEL_SIZE, before, nowMs: now() });
        for (const row of page) {
          if (row.createdAt > mark) continue;
          if (left-- === 0) return this.#wakeBy(now());
          this.#cancel(row);
        }
        if (page.length < CANCEL_SIZE) break;
        before = page.at(-1)!.id;
      }
    }
    store.setMark(CANCEL_MARK, undefined);
  }

  #sweep(): void {
    const { store, now } = this.#ports;
    const ids = store.expired(now(), SWEEP_SIZE);
    if (ids.length === 0) return;
    store.transaction(() => {
      for (const id of ids) store.delete(id);
    });
  }

  #follow(effect: Effect, row: TaskRow): void {
    if (effect.kind === "stop") {
      const reason =
        effect.why === "cancelled" ? cancelledError(row.id) : new RequestTimeoutError(`An attempt of task ${row.id} has run out of time.`);
      this.#attempts.stop(row, effect, reason);
    } else if (effect.kind === "overtaken") {
      const { number, place } = effect.lingering;
      this.#attempts.forget(row.id, number);
      this.#ports.warn(
        row.deployment,
        "An attempt of a task ignores its signal. It is not waited for any longer: the next attempt may run beside it.",
        { task: row.id, run: number, attemptReplica: place.replica, delivery: place.delivery },
      );
    }
  }

  #wakeBy(timeMs: number): void {
    if (this.#wakesAt !== undefined && this.#wakesAt <= timeMs) return;
    this.#wakesAt = timeMs;
    this.#ports.wakeAt(timeMs);
  }

  // Once for all that changes together. Until then there is the alarm of what is in flight.
  #armSoon(): void {
    if (this.#isArming) return;
    this.#isArming = true;
    this.#ports.keepAlive(this.#armThen());
  }

  async #armThen(): Promise<void> {
    await Promise.resolve();
    this.#isArming = false;
    try {
      this.#arm();
    } catch (error) {
      this.#ports.warn("", "The tasks cannot be read. The next alarm tries again.", { error });
    }
  }

  /** @param isFired Whether what was asked for before is gone. */
  #arm(isFired = false): void {
    const timeMs = this.#nextAt();
    if (timeMs === this.#wakesAt && !isFired) return;
    this.#wakesAt = timeMs;
    this.#ports.wakeAt(timeMs);
  }

  #nextAt(): number | undefined {
    const { store, now } = this.#ports;
    const nowMs = now();
    const times = [this.#ledger.nextLookAt, this.#attempts.nextAskAt];
    if (this.#line.inFlight > 0 || times.some((time) => time !== undefined)) {
      if (this.#watchAt <= nowMs) this.#watchAt = nowMs + WATCH_MS;
      times.push(this.#watchAt);
    }
    times.push(this.#line.nextAt());
    const expiry = store.nextExpiry();
    if (expiry !== undefined) times.push(expiry <= nowMs ? nowMs : Math.ceil(expiry / SWEEP_MS) * SWEEP_MS);
    if (store.mark(CANCEL_MARK) !== undefined) times.push(nowMs);
    const known = times.filter((time) => time !== undefined);
    return known.length === 0 ? undefined : Math.max(nowMs, Math.min(...known));
  }
}

const TICK: TaskEvent = {
  kind: "tick",
  timeout: ({ number, place, options }) =>
    errorText(
      encodeError(new RequestTimeoutError(`Attempt ${number} has not ended within ${options.timeoutMs} ms on replica ${place.replica}.`)),
    ),
};

function cancelledError(id: string): RequestCancelledError {
  return new RequestCancelledError(`Task ${id} was cancelled.`);
}

function newRow(request: EnqueueRequest, createdAt: number, dueAt: number): TaskRow {
  const { id, identity } = request;
  return {
    id,
    ...invocationIn(request),
    ...(identity === undefined ? {} : { identity }),
    state: "PENDING",
    attempts: 0,
    run: 0,
    createdAt,
    dueAt,
  };
}
