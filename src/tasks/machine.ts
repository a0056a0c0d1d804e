/**
 * What becomes of a task: `(row, event, now, random) -> row and effects`. Pure.
 *
 * Owns: states, attempts and their numbers, back-off, what is final. Does not own: which task is next and how many run
 * (shard.ts), where rows are (store.ts), how an attempt reaches a replica (a port).
 *
 * Invariants:
 *   M1. At most one outcome is stored: only the newest attempt can store one, and only while it is not given up.
 *   M2. An attempt begins only when none is known to run: the last one has ended, or was waited for as long as its own
 *       deadline once more. That is logged.
 *   M3. What did not begin is no attempt: a refusal leaves the row as it was.
 *   M4. A finished task changes only when it is retried by hand.
 */
import type { TasksConfig } from "../protocol/manifest.ts";
import type { ATTEMPT_OUTCOMES } from "../protocol/tasks.ts";
import type { Flight, Lingering, Place, TaskRow } from "./task.ts";
import { isFinished, readyAt } from "./task.ts";

/** How an attempt that has begun ended. Payloads are texts of `payload.ts`. */
export type AttemptEnd =
  | { readonly kind: "value"; readonly value: string }
  /** @param isFinal Whether another attempt would be of no use. */
  | { readonly kind: "error"; readonly error: ErrorText; readonly isFinal: boolean }
  /** Its replica is gone, and the attempt with it. */
  | { readonly kind: "lost"; readonly error: ErrorText };

/** An error as it is stored: in the status, and whole. */
export interface ErrorText {
  readonly name: string;
  readonly message: string;
  /** As `encodeError` and `payload.ts` write it. */
  readonly whole: string;
}

/** What happens to a task. */
export type TaskEvent =
  /** An attempt is about to be sent to a replica that may run it. */
  | { readonly kind: "sending"; readonly place: Place; readonly options: TasksConfig }
  /** The replica did not begin it. */
  | { readonly kind: "refused"; readonly number: number }
  /** There is nothing that could ever run it. */
  | { readonly kind: "missing"; readonly error: ErrorText; readonly options: TasksConfig }
  | { readonly kind: "ended"; readonly number: number; readonly end: AttemptEnd }
  /** Time has passed. */
  | { readonly kind: "tick"; readonly timeout: (flight: Flight) => ErrorText }
  | { readonly kind: "cancel"; readonly options: TasksConfig }
  | { readonly kind: "retry" };

/** What is to be done when the row has been stored. */
export type Effect =
  /** The attempt is to be stopped: its signal aborts. */
  | { readonly kind: "stop"; readonly number: number; readonly place: Place; readonly why: "cancelled" | "timed out" }
  /** The attempt does not end, and is not waited for any longer. */
  | { readonly kind: "overtaken"; readonly lingering: Lingering }
  /** An attempt that has begun is over, or was given up. */
  | { readonly kind: "count"; readonly outcome: AttemptOutcomeLabel; readonly waitedMs: number };

/** See {@link ATTEMPT_OUTCOMES}. */
export type AttemptOutcomeLabel = (typeof ATTEMPT_OUTCOMES)[number];

/** What an event makes of a task. */
export interface Step {
  readonly row: TaskRow;
  readonly effects: readonly Effect[];
  /** What is stored beside the row: a text, or `null` for what is deleted. */
  readonly result?: string | null;
  /** Whether the arguments are needed no more. */
  readonly isArgumentsDone?: true;
}

/** What an event makes of a task; `undefined` when it changes nothing, because it came too late or too early. */
export function step(row: TaskRow, event: TaskEvent, nowMs: number, random: () => number): Step | undefined {
  switch (event.kind) {
    case "sending":
      return sending(row, event.place, event.options, nowMs);
    case "refused":
      return refused(row, event.number);
    case "missing":
      return row.state === "PENDING" ? finish(row, "FAILED", event.options, { nowMs, error: event.error }) : undefined;
    case "ended":
      return ended(row, event.number, event.end, { nowMs, random });
    case "tick":
      return tick(row, event.timeout, { nowMs, random });
    case "cancel":
      return cancel(row, event.options, nowMs);
    case "retry":
      return retry(row, nowMs);
  }
}

/** How long the next attempt waits after `attempts` of them, in milliseconds. */
export function backoffMs(attempts: number, options: Pick<TasksConfig, "backoffMs" | "maxBackoffMs">, random: () => number): number {
  return Math.round(Math.min(options.maxBackoffMs, options.backoffMs * 2 ** (attempts - 1)) * (0.75 + random() / 2));
}

interface Chance {
  readonly nowMs: number;
  readonly random: () => number;
}

function sending(row: TaskRow, place: Place, options: TasksConfig, nowMs: number): Step | undefined {
  const dueAt = readyAt(row);
  if (dueAt === undefined || dueAt > nowMs) return undefined;
  const { startedAt, dueAt: _, ...rest } = row;
  const number = row.run + 1;
  const before = startedAt === undefined ? { dueAt } : { dueAt, startedAt };
  const flight: Flight = { number, place, deadlineAt: nowMs + options.timeoutMs, options, before };
  return { row: { ...rest, state: "RUNNING", attempts: row.attempts + 1, run: number, startedAt: nowMs, flight }, effects: [] };
}

function refused(row: TaskRow, number: number): Step | undefined {
  const { flight, startedAt: _, ...rest } = row;
  // Given up meanwhile: what did not begin need not be waited for.
  if (flight?.number !== number) return quiet(row, number);
  return { row: { ...rest, state: "PENDING", attempts: row.attempts - 1, ...flight.before }, effects: [] };
}

function ended(row: TaskRow, number: number, end: AttemptEnd, chance: Chance): Step | undefined {
  const { flight } = row;
  if (flight?.number !== number) return quiet(row, number);
  if (end.kind === "value") {
    const step = finish(row, "SUCCEEDED", flight.options, chance);
    return { ...step, result: end.value, isArgumentsDone: true, effects: [counted(flight, "succeeded")] };
  }
  const outcome = end.kind === "error" ? "failed" : "lost";
  const step = failedAttempt(row, flight, end, chance);
  return { ...step, effects: [counted(flight, outcome)] };
}

// An attempt that was given up has ended.
function quiet(row: TaskRow, number: number): Step | undefined {
  if (row.lingering?.number !== number) return undefined;
  const { lingering: _, ...rest } = row;
  return { row: rest, effects: [] };
}

function tick(row: TaskRow, timeout: (flight: Flight) => ErrorText, chance: Chance): Step | undefined {
  const { flight, lingering } = row;
  if (flight !== undefined && flight.deadlineAt <= chance.nowMs) {
    const { number, place } = flight;
    const { row: next, ...step } = failedAttempt(row, flight, { error: timeout(flight), isFinal: false }, chance);
    return {
      ...step,
      row: { ...next, lingering: lingeringOf(flight, chance.nowMs) },
      effects: [{ kind: "stop", number, place, why: "timed out" }, counted(flight, "timed_out")],
    };
  }
  if (lingering === undefined || lingering.untilAt > chance.nowMs) return undefined;
  const { lingering: _, ...rest } = row;
  return { row: rest, effects: [{ kind: "overtaken", lingering }] };
}

function counted({ deadlineAt, options, before }: Flight, outcome: AttemptOutcomeLabel): Effect {
  return { kind: "count", outcome, waitedMs: deadlineAt - options.timeoutMs - before.dueAt };
}

function lingeringOf({ number, place, options }: Flight, nowMs: number): Lingering {
  return { number, place, untilAt: nowMs + options.timeoutMs };
}

function failedAttempt(
  row: TaskRow,
  { options }: Flight,
  { error, isFinal = false }: { readonly error: ErrorText; readonly isFinal?: boolean },
  { nowMs, random }: Chance,
): Step {
  if (isFinal || row.attempts >= options.maxAttempts) return finish(row, "FAILED", options, { nowMs, error });
  const { flight: _, ...rest } = row;
  const dueAt = nowMs + backoffMs(row.attempts, options, random);
  return { row: { ...rest, state: "PENDING", dueAt, error: shown(error) }, effects: [] };
}

function finish(
  row: TaskRow,
  state: "SUCCEEDED" | "FAILED" | "CANCELLED",
  { retentionMs }: TasksConfig,
  { nowMs, error }: { readonly nowMs: number; readonly error?: ErrorText },
): Step {
  const { flight: _, dueAt: __, error: ___, ...rest } = row;
  const finished = { ...rest, state, finishedAt: nowMs, expiresAt: nowMs + retentionMs };
  if (error === undefined) return { row: finished, effects: [] };
  return { row: { ...finished, error: shown(error) }, effects: [], result: error.whole };
}

function shown({ name, message }: ErrorText): { name: string; message: string } {
  return { name, message };
}

function cancel(row: TaskRow, options: TasksConfig, nowMs: number): Step | undefined {
  if (isFinished(row)) return undefined;
  const { flight } = row;
  const step = finish(row, "CANCELLED", flight?.options ?? options, { nowMs });
  if (flight === undefined) return step;
  const { number, place } = flight;
  return {
    row: { ...step.row, lingering: lingeringOf(flight, nowMs) },
    effects: [{ kind: "stop", number, place, why: "cancelled" }, counted(flight, "cancelled")],
  };
}

function retry(row: TaskRow, nowMs: number): Step | undefined {
  if (row.state !== "FAILED" && row.state !== "CANCELLED") return undefined;
  const { startedAt: _, finishedAt: __, expiresAt: ___, error: ____, ...rest } = row;
  return { row: { ...rest, state: "PENDING", attempts: 0, dueAt: nowMs }, effects: [], result: null };
}
