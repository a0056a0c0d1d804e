/**
 * What must hold once nothing goes wrong any more.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { connectHandle as ConnectHandle } from "../../src/client/connection.ts";
import type { DeploymentHandle } from "../../src/index.ts";
import type { TaskStatus } from "../../src/protocol/tasks.ts";
import type { Clients } from "./clients.ts";
import { APPS, type App, LIMITS, PARTS, type Part } from "./project.ts";
import type { System } from "./system.ts";

const BUILT = new URL("../../dist/src/client/connection.js", import.meta.url).href;
const { connectHandle } = (await import(BUILT)) as { readonly connectHandle: typeof ConnectHandle };

const RECOVERY_MS = 30_000;
const POLL_MS = 250;
/** p99 afterwards by p99 before, and what a slow machine may add. */
const SLOWER = 1.5;
const FLOOR_MS = 8;
const WINDOWS = { before: 3, after: 6 } as const;
const CLIENTS = 4;
const WINDOW = 300;
/** When nothing has happened for so long, what the load left behind is over. */
const QUIET_MS = 4000;
const SETTLE_MS = 60_000;
const WHOLE_S = 60;

/** Empty if all is well; otherwise what is not. */
export type Findings = readonly string[];

interface Fronts {
  fill(part: string, slots: number, replicas: number): Promise<string[]>;
  meet(token: string, count: number): Promise<boolean>;
}

/** Waits until every application runs, with as many replicas as it should have. */
export async function allRunning(system: System): Promise<Findings> {
  return eventually(async () => (await Promise.all(APPS.map((app) => notRunning(system, app)))).flat());
}

async function notRunning(system: System, app: App): Promise<string[]> {
  const { status, message, deployments } = await system.application(app);
  const wrong = PARTS.filter((part) => {
    const { replica_states: states, target_num_replicas: target } = deployments[part];
    const expected = part === "Elastic" ? target : LIMITS[part].replicas;
    return states["RUNNING"] !== (expected === 0 ? undefined : expected) || Object.keys(states).length > (expected === 0 ? 0 : 1);
  });
  return [
    ...(status === "RUNNING" ? [] : [`${app} is ${status}: ${message}`]),
    ...wrong.map((part) => `${app}/${part} has ${JSON.stringify(deployments[part].replica_states)}: ${deployments[part].message}`),
  ];
}

/** Waits until every task has its outcome. @returns All tasks, and what is wrong with some of them. */
export async function tasksOver(system: System): Promise<{ tasks: readonly TaskStatus[]; findings: Findings }> {
  let tasks: readonly TaskStatus[] = [];
  const findings = await eventually(async () => {
    tasks = await system.tasks();
    const open = tasks.filter(({ state }) => state === "PENDING" || state === "RUNNING");
    return open.length === 0 ? [] : [`${open.length} of ${tasks.length} tasks have no outcome: ${JSON.stringify(open[0])}`];
  });
  return { tasks, findings };
}

/** Fills every slot of every replica at once. */
export async function allSlotsFree(system: System): Promise<Findings> {
  const found: string[] = [];
  for (const app of APPS) for (const part of PARTS) found.push(...(await eventually(() => lostSlots(system, app, part))));
  return found;
}

async function lostSlots(system: System, app: App, part: Part): Promise<string[]> {
  const { slots, replicas } = part === "Front" && app === "narrow" ? { slots: 3, replicas: 2 } : LIMITS[part];
  if (replicas === 0) return [];
  const front = connectHandle({ url: system.url, token: system.testToken, app }) as unknown as DeploymentHandle<Fronts>;
  const rounds = async (): Promise<string[]> => {
    if (part !== "Front") return front.options({ timeoutMs: 20_000 }).fill.remote(part.toLowerCase(), slots, replicas);
    const token = `${app} ${Date.now()}`;
    const all = await Promise.all(
      Array.from({ length: slots }, () => front.options({ timeoutMs: 20_000 }).meet.broadcast(token, slots * replicas)),
    );
    return all.flat().map((one) => (one.status === "fulfilled" ? (one.value ? "met" : "alone") : String(one.reason)));
  };
  const met = await rounds();
  const others = met.filter((one) => one !== "met");
  if (others.length === 0 && met.length === slots * replicas) return [];
  return [
    `${app}/${part}: ${met.length - others.length} of ${slots * replicas} slots were filled at once${others.length === 0 ? "" : `; ${others[0]}`}`,
  ];
}

/** Nobody waits, and nothing runs, as replicas have told last: once they are quiet they have told everything. */
async function noQueues(system: System): Promise<Findings> {
  return eventually(async () => {
    const text = await system.metrics();
    return text
      .split("\n")
      .filter((line) => /^(serve_deployment_queued_queries|serve_replica_processing_queries)\{/.test(line) && !line.endsWith(" 0"));
  });
}

/** How long requests take, a window after another: p99 in milliseconds. */
export async function latencyBefore(clients: Clients): Promise<number> {
  // What has just started is slow.
  await clients.measure(CLIENTS, WINDOW);
  const windows: number[] = [];
  for (let n = 0; n < WINDOWS.before; n++) windows.push(p99Of(await clients.measure(CLIENTS, WINDOW)));
  return windows.toSorted((a, b) => a - b)[WINDOWS.before >> 1]!;
}

/** Whatever else the machine does makes a window slower, never faster: one good window of a few is proof enough. */
export async function latencyAfter(clients: Clients, beforeMs: number): Promise<{ afterMs: number; findings: Findings }> {
  const allowedMs = Math.max(beforeMs * SLOWER, beforeMs + FLOOR_MS);
  let afterMs = Infinity;
  for (let n = 0; n < WINDOWS.after && afterMs > allowedMs; n++) afterMs = Math.min(afterMs, p99Of(await clients.measure(CLIENTS, WINDOW)));
  const isSlow = afterMs > allowedMs;
  return { afterMs, findings: isSlow ? [`p99 is ${afterMs.toFixed(1)} ms, and was ${beforeMs.toFixed(1)} ms before the faults`] : [] };
}

const p99Of = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length * 0.99)]!;

/**
 * What happens in a system that nobody asks for anything.
 *
 * What a load leaves behind takes up to 44 s: replicas tell what they have measured. A short run does not wait for that, and kills
 * the system, so that only what is stored can go on.
 */
export async function idle(system: System, seconds: number): Promise<Findings> {
  const isWhole = seconds >= WHOLE_S;
  if (!isWhole) await system.restart();
  const running = isWhole ? [] : await allRunning(system);
  const restless = await untilQuiet(system);
  if (restless.length > 0) return [...running, ...restless];
  const fromMs = Date.now();
  await sleep(seconds * 1000);
  const seen = await system.seen();
  const said = system.log.filter(({ timestamp }) => timestamp > fromMs);
  return [
    ...running,
    ...(seen.length === 0 ? [] : [`in ${seconds} s without load: ${told(seen)}`]),
    ...said.map(({ level, message }) => `logged without load: ${level} ${message.slice(0, 300)}`),
    ...(isWhole ? await noQueues(system) : []),
  ];
}

async function untilQuiet(system: System): Promise<Findings> {
  const untilMs = Date.now() + SETTLE_MS;
  for (;;) {
    await system.watch();
    await sleep(QUIET_MS);
    const seen = await system.seen();
    if (seen.length === 0) return [];
    if (Date.now() > untilMs) return [`${SETTLE_MS} ms after the load had ended, in ${QUIET_MS} ms: ${told(seen)}`];
  }
}

function told(seen: Awaited<ReturnType<System["seen"]>>): string {
  const counts = Map.groupBy(seen, ({ kind, who }) => `${kind} of ${who}`);
  return [...counts].map(([what, all]) => `${all.length} x ${what}`).join(", ");
}

async function eventually(look: () => Promise<string[]>): Promise<string[]> {
  const untilMs = Date.now() + RECOVERY_MS;
  for (;;) {
    const found = await look().catch((error: unknown) => [String(error)]);
    if (found.length === 0 || Date.now() > untilMs) return found;
    await sleep(POLL_MS);
  }
}
