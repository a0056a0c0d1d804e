/**
 * `npm run chaos`: faults by the hundred, under load, and then an account of every request.
 *
 * Its options are in docs/chaos.md. Exits with 1 if anything is wrong, and prints the seed and the history of what is.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { TaskStatus } from "../../src/protocol/tasks.ts";
import { Clients } from "./clients.ts";
import { Inflictor, restore } from "./inflict.ts";
import { KEYS, Project } from "./project.ts";
import { allRunning, allSlotsFree, idle, latencyAfter, latencyBefore, tasksOver } from "./recovery.ts";
import { reconcile } from "./reconcile.ts";
import { countedIn, reconcileCounts } from "./reconcile-counts.ts";
import { reconcileTasks } from "./reconcile-tasks.ts";
import { countsOf, historiesOf, outcomeOf } from "./report.ts";
import { rowsIn } from "./rows.ts";
import { APART_MS, scheduleOf } from "./schedule.ts";
import { System } from "./system.ts";

/** Of the rest of a run, and of a fault: generously. */
const LIMIT = { restMinutes: 6, perFaultMinutes: 0.5 / 60 } as const;

const { values } = parseArgs({
  options: {
    faults: { type: "string", default: "300" },
    seed: { type: "string", default: "1" },
    "idle-seconds": { type: "string", default: "10" },
    minutes: { type: "string" },
    only: { type: "string" },
    routes: { type: "string" },
    keys: { type: "string", default: String(KEYS) },
    calls: { type: "string", default: "1" },
    clients: { type: "string", default: "10" },
    "apart-ms": { type: "string", default: String(APART_MS) },
    tasks: { type: "string", default: "0" },
    verbose: { type: "boolean", default: false },
    history: { type: "string" },
  },
});
const faults = natural(values.faults);
const seed = natural(values.seed);
const idleSeconds = natural(values["idle-seconds"]);
const apartMs = natural(values["apart-ms"]);
const tasksWanted = natural(values.tasks);
const keys = natural(values.keys);
const calls = natural(values.calls);
const minutes = values.minutes === undefined ? LIMIT.restMinutes + faults * LIMIT.perFaultMinutes : Number(values.minutes);

const [only, routes] = [values.only, values.routes].map((names) => names?.split(",").map((name) => name.trim()));
const schedule = scheduleOf(seed, faults, apartMs).filter(({ kind }) => only === undefined || only.includes(kind));

const project = new Project();
const system = new System(project);
const clients = new Clients(system, seed, { keys, routes, calls });
const inflictor = new Inflictor(system, clients);
const findings: string[] = [];
const startedAtMs = performance.now();
let phase = "starting";
let tasks: readonly TaskStatus[] = [];

const limit = setTimeout(() => void giveUp(`It took longer than ${minutes} minutes.`), minutes * 60_000);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void giveUp(`It was stopped by ${signal}.`));
process.exitCode = (await run()) ? 0 : 1;
clearTimeout(limit);

async function run(): Promise<boolean> {
  try {
    await system.start();
    findings.push(...(await allRunning(system)));
    enter("measuring before the faults");
    const beforeMs = await latencyBefore(clients);
    enter(`${schedule.length} faults under load`);
    await underLoad();
    enter("recovering");
    await restore(system);
    findings.push(...(await allRunning(system)));
    const over = await tasksOver(system);
    findings.push(...over.findings);
    ({ tasks } = over);
    enter("measuring after the faults");
    const { afterMs, findings: slower } = await latencyAfter(clients, beforeMs);
    findings.push(...slower);
    enter("filling every slot");
    findings.push(...(await allSlotsFree(system)));
    enter(`${idleSeconds} s without load`);
    findings.push(...(await idle(system, idleSeconds)), ...(await allRunning(system)));
    console.log(`p99 ${beforeMs.toFixed(1)} ms before, ${afterMs.toFixed(1)} ms after.`);
  } catch (error) {
    findings.push(`${phase}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
  enter("reading what ran");
  return conclude();
}

async function underLoad(): Promise<void> {
  const over = new AbortController();
  const load = clients.load(natural(values.clients), over.signal);
  // The faults are spread over the tasks: how many are stored between two of them does not depend on how fast the machine is.
  const isDue = (index: number) => clients.untilStored(Math.floor((tasksWanted * index) / schedule.length));
  try {
    await inflictor.run(schedule, over.signal, isDue);
    await isDue(schedule.length);
  } finally {
    over.abort();
    await load;
  }
}

async function conclude(): Promise<boolean> {
  await system.kill();
  const rows = rowsIn(project.storage);
  const violations = [
    ...reconcile(clients.requests, rows, inflictor.done),
    ...reconcileCounts(clients.requests, rows),
    ...reconcileTasks(clients.requests, rows, { statuses: new Map(tasks.map((task) => [task.id, task])), overtaken: system.overtaken }),
  ];
  if (values.history !== undefined)
    writeFileSync(values.history, JSON.stringify({ requests: clients.requests, rows, done: inflictor.done, log: system.log, violations }));
  project[Symbol.dispose]();
  const bugs = system.log.filter(({ message }) => message.includes("This is a bug in edge-serve"));
  findings.push(...bugs.slice(0, 3).map(({ message }) => `logged: ${message.slice(0, 500)}`));
  console.log(
    `\n${countsOf(
      inflictor.done,
      ({ kind }) => kind,
      () => "done",
      "fault",
    )}`,
  );
  console.log(`\n${countsOf(clients.requests, ({ route }) => route, outcomeOf, "route")}`);
  if (violations.length > 0) console.log(`\n${historiesOf({ seed, violations, done: inflictor.done, log: system.log }, values.verbose)}`);
  for (const finding of findings) console.log(`\n${finding}`);
  const wrong = violations.length + findings.length;
  const tookS = Math.round((performance.now() - startedAtMs) / 1000);
  const { increments, objects } = countedIn(rows);
  if (increments > 0) console.log(`\n${increments} increments over the ${objects} objects of ${keys} keys.`);
  const attempts = tasks.reduce((sum, task) => sum + task.attempts, 0);
  const tried = `${tasks.length} tasks in ${attempts} attempts (${system.overtaken.size} overtaken)`;
  const counted = `${inflictor.done.length} faults, ${clients.requests.length} requests, ${tried}, seed ${seed}, ${tookS} s`;
  console.log(`\n${counted}: ${wrong === 0 ? "nothing lost, nothing twice, nothing stuck." : `${wrong} things are wrong.`}`);
  return wrong === 0 && inflictor.done.length === schedule.length;
}

async function giveUp(why: string): Promise<void> {
  findings.push(`${why} It was ${phase}.`);
  await conclude();
  process.exit(1);
}

function enter(next: string): void {
  phase = next;
  console.log(`${((performance.now() - startedAtMs) / 1000).toFixed(1).padStart(6)} s  ${next}`);
}

function natural(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0) throw new Error(`${JSON.stringify(text)} is no whole number.`);
  return number;
}
