/**
 * Waiting for applications to run.
 *
 * Owns: when a wait is over, and what it says meanwhile.
 * Does not own: the rule by which an application is RUNNING, which is the controllers'.
 */
import { setTimeout as after } from "node:timers/promises";
import type { ApplicationDetails } from "../../protocol/status.ts";
import type { Io, OptionSpec } from "../command.ts";
import { EXIT, Failure } from "../failure.ts";
import { type OperatorClient, OperatorFailure } from "./client.ts";
import { messagesOf, replicasOf } from "./status-table.ts";

/** What every command takes that waits. */
export const WAIT_OPTIONS: readonly OptionSpec[] = [
  { flags: "--no-wait", summary: "do not wait until the applications are RUNNING" },
  { flags: "--timeout <seconds>", summary: "how long to wait (default: 600)" },
];

/** What is waited for. */
export interface WaitGoal {
  readonly apps: readonly string[];
  /** The code that they have to run; any by default. */
  readonly version?: string;
  readonly timeoutMs: number;
  /** How long to leave between two looks. @default 500 */
  readonly intervalMs?: number;
}

/** Longer than the 300 s that the platform leaves an object the code of before. */
const DEFAULT_TIMEOUT_MS = 600_000;
const INTERVAL_MS = 500;
/** What a deployment does not get out of by itself. */
const FINAL_TRIGGERS: readonly string[] = ["RECONFIGURE_FAILED", "REPLICA_STARTUP_FAILED"];

/** Resolves once every application is RUNNING. Throws a `Failure` when one has failed, or the time is over. */
export async function waitForRunning(client: Pick<OperatorClient, "status">, goal: WaitGoal, io: Io): Promise<void> {
  const deadlineMs = performance.now() + goal.timeoutMs;
  const tell = progress(io);
  while (true) {
    const views = await look(client, goal);
    for (const { app, text } of views) tell(app, text);
    const failed = views.flatMap(({ failure }) => failure ?? []);
    if (failed.length > 0) throw new Failure(failed.join("\n"));
    if (views.every(({ isRunning }) => isRunning)) return;
    if (performance.now() >= deadlineMs) throw new Failure(lateMessage(views, goal));
    await pause(goal.intervalMs ?? INTERVAL_MS, io.signal);
  }
}

/** `--timeout`, in milliseconds. */
export function timeoutOf(text: unknown): number {
  if (text === undefined) return DEFAULT_TIMEOUT_MS;
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds > 0) return seconds * 1000;
  throw new Failure(`--timeout must be a number of seconds above 0, got ${JSON.stringify(text)}.`, EXIT.usage);
}

interface View {
  readonly app: string;
  readonly isRunning: boolean;
  /** In a few words. */
  readonly text: string;
  /** In full, if nothing more is to be expected. */
  readonly failure?: string;
}

async function look(client: Pick<OperatorClient, "status">, { apps, version }: WaitGoal): Promise<View[]> {
  try {
    const { applications } = await client.status();
    return apps.map((app) => viewOf(app, Object.hasOwn(applications, app) ? applications[app] : undefined, version));
  } catch (error) {
    // A new address takes a moment until it answers, and a controller may be on its way.
    if (!(error instanceof OperatorFailure && error.isPassing)) throw error;
    return apps.map((app) => ({ app, isRunning: false, text: error.message }));
  }
}

function viewOf(app: string, details: ApplicationDetails | undefined, version: string | undefined): View {
  if (details === undefined) return { app, isRunning: false, text: "not there yet" };
  if (version !== undefined && details.version !== version) return { app, isRunning: false, text: `still version ${details.version}` };
  const { status } = details;
  const deployments = Object.values(details.deployments);
  const counts = deployments.map((one) => `${one.name} ${replicasOf(one)}`).join("; ");
  const isFinal =
    status === "DEPLOY_FAILED" ||
    (status === "UNHEALTHY" && deployments.some((one) => one.status === "UNHEALTHY" && FINAL_TRIGGERS.includes(one.status_trigger)));
  const failure = [`Application ${JSON.stringify(app)} is ${status}.`, ...messagesOf(details)].join("\n");
  return { app, isRunning: status === "RUNNING", text: `${status} (${counts})`, ...(isFinal ? { failure } : {}) };
}

// A line for each change, so that a log of it can be read too.
function progress({ err }: Io): (app: string, text: string) => void {
  const last = new Map<string, string>();
  return (app, text) => {
    if (last.get(app) !== text) err(`${app}: ${text}\n`);
    last.set(app, text);
  };
}

function lateMessage(views: readonly View[], { timeoutMs }: WaitGoal): string {
  const left = views.filter(({ isRunning }) => !isRunning).map(({ app, text }) => `\n  ${app}: ${text}`);
  return `Not everything is RUNNING after ${timeoutMs / 1000} s:${left.join("")}\nIt goes on without being waited for; edge-serve status shows how.`;
}

async function pause(intervalMs: number, signal: AbortSignal): Promise<void> {
  try {
    await after(intervalMs, undefined, { signal });
  } catch {
    // Only an abort rejects it.
    throw new Failure("Interrupted. What was begun goes on without being waited for; edge-serve status shows how.");
  }
}
