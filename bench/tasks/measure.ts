/** What tasks cost: how soon they begin, what an enqueue takes beside one by hand, and what those that wait take. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { SHARDS } from "../../src/tasks/task-id.ts";
import { type Figure, measure } from "../cpu/measure.ts";
import { type Estimate, estimate, ratios } from "../cpu/statistics.ts";
import { ascending, median, percentile } from "../statistics.ts";
import { bundleScript } from "../workerd-bundle.ts";
import { type ServiceInput, workerdServices } from "../workerd-config.ts";
import { WorkerdProcess } from "../workerd-process.ts";

/** How much is measured. */
export interface Plan {
  /** Tasks that are enqueued one after the other, for how soon each begins. */
  readonly begun: number;
  /** Rounds of enqueues. */
  readonly rounds: number;
  /** How many tasks wait. */
  readonly waiting: number;
  /** How long they are looked at, in milliseconds. */
  readonly idleMs: number;
}

/** Enqueues beside those by hand: by hand through edge-serve for CPU, edge-serve through by hand for how many a second. */
export interface Enqueues {
  readonly name: string;
  readonly perSecond: {
    readonly ours: number;
    readonly byHand: number;
    readonly ratio: Estimate;
    /** By hand, divided among as many objects as the tasks of edge-serve are. */
    readonly divided: number;
    readonly ratioToDivided: Estimate;
  };
  readonly cpuUs: { readonly ours: number; readonly byHand: number; readonly ratio: Estimate };
}

/** What idle objects do while so many tasks wait. */
export interface Idle {
  readonly tasks: number;
  readonly seconds: number;
  readonly made: number;
  readonly woken: number;
  /** Of workerd, in milliseconds a second. */
  readonly cpuMs: number;
}

/** All that came of it. */
export interface Findings {
  readonly plan: Plan;
  readonly begun: { readonly p50Ms: number; readonly p99Ms: number };
  readonly enqueues: readonly Enqueues[];
  /** Before anything waits, and while much does. */
  readonly idle: readonly Idle[];
  /** How late those begin that are due next while the others wait, the median; the objects had been evicted. */
  readonly lateMs: number;
}

const CLASSES = {
  "edge-serve": ["tasks__Api", "tasks__Work", "EdgeServeController", "EdgeServeConfig", "EdgeServeTasks", "EdgeServeSchedules"],
  "hand-written": ["Queue", "Api"],
};

const FIGURES: readonly (Figure & { readonly throughput: { readonly path: string; readonly enqueues: number } })[] = [
  {
    name: "one after the other",
    path: "/enqueue?count=21",
    requests: 8,
    less: { path: "/enqueue?count=1", perRequest: 20 },
    throughput: { path: "/enqueue?count=50", enqueues: 50 },
  },
  {
    name: "50 at once",
    path: "/enqueue-at-once?count=51",
    requests: 4,
    less: { path: "/enqueue-at-once?count=1", perRequest: 50 },
    throughput: { path: "/enqueue-at-once?count=50", enqueues: 50 },
  },
];

/** Of throughput: how many requests of one caller a round has. */
const REQUESTS = 4;
const WARM_UP = 2;
/** Idle objects are evicted after ten seconds. */
const EVICTED_MS = 12_000;
const DUE_MS = 2000;
const DUE_TIMES = 3;
const AT_ONCE = 500;

/** Measures everything. @param folder An empty one. */
export async function find(plan: Plan, folder: string): Promise<Findings> {
  const scripts = Object.entries(CLASSES).map(([name, classes]) => ({
    side: name,
    classes,
    script: bundleScript({ name, main: new URL(`apps/${name}.ts`, import.meta.url), classes, folder }),
  }));
  const [ours] = scripts;
  const enqueues = await enqueuesOf(
    plan,
    configOf(
      "enqueues",
      folder,
      scripts.flatMap((one) => [one, { ...one, side: `${one.side}, again` }]),
    ),
  );
  return { plan, enqueues, ...(await lifeOf(plan, configOf("life", folder, [ours!]))) };
}

type Side = Pick<ServiceInput, "script" | "classes"> & { readonly side: string };

function configOf(name: string, folder: string, sides: readonly Side[]): string {
  const services = sides.map(({ side, ...rest }) => {
    const storage = join(folder, "storage", name, side.replaceAll(/\W+/g, "-"));
    mkdirSync(storage, { recursive: true });
    return { name: side, storage, ...rest };
  });
  const config = join(folder, `${name}.capnp`);
  writeFileSync(config, workerdServices(services));
  return config;
}

async function enqueuesOf({ rounds }: Plan, config: string): Promise<Enqueues[]> {
  using workerd = await WorkerdProcess.start(config, { sockets: 4 });
  const { ports, pid } = workerd;
  const times = await measure({ pid, ports, figures: FIGURES, rounds });
  const both = (index: number, side: string) =>
    times[index]![side]!.map((us, round) => (us + times[index]![`${side}, again`]![round]!) / 2);
  const found: Enqueues[] = [];
  for (const [index, { name, throughput }] of FIGURES.entries()) {
    const [ours, byHand] = [both(index, "edge-serve"), both(index, "hand-written")];
    const sides = {
      ours: { port: ports["edge-serve"]!, path: throughput.path },
      byHand: { port: ports["hand-written"]!, path: throughput.path },
      divided: { port: ports["hand-written"]!, path: `${throughput.path}&objects=${SHARDS}` },
    };
    const perSecond: Record<keyof typeof sides, number[]> = { ours: [], byHand: [], divided: [] };
    for (let round = -WARM_UP; round < rounds; round++) {
      // Who is first changes with each round.
      const names = Object.keys(sides) as (keyof typeof sides)[];
      for (const side of round % 2 === 0 ? names : names.toReversed()) {
        const { port, path } = sides[side];
        const atMs = performance.now();
        for (let n = 0; n < REQUESTS; n++) await answer(port, path);
        const seconds = (performance.now() - atMs) / 1000;
        if (round >= 0) perSecond[side].push((REQUESTS * throughput.enqueues) / seconds);
      }
    }
    found.push({
      name,
      cpuUs: { ours: median(ours), byHand: median(byHand), ratio: estimate(ratios(byHand, ours)) },
      perSecond: {
        ours: median(perSecond.ours),
        byHand: median(perSecond.byHand),
        ratio: estimate(ratios(perSecond.ours, perSecond.byHand)),
        divided: median(perSecond.divided),
        ratioToDivided: estimate(ratios(perSecond.ours, perSecond.divided)),
      },
    });
  }
  return found;
}

async function lifeOf(plan: Plan, config: string): Promise<Pick<Findings, "begun" | "idle" | "lateMs">> {
  using workerd = await WorkerdProcess.start(config);
  const port = Object.values(workerd.ports)[0]!;
  const late = async (delayMs: number) => Number(await answer(port, `/run?delayMs=${delayMs}`));
  for (let n = 0; n < 50; n++) await late(0);
  const begun: number[] = [];
  for (let n = 0; n < plan.begun; n++) begun.push(await late(0));
  const before = await idle(workerd, port, 0, plan.idleMs);
  for (let n = 0; n < plan.waiting; n += AT_ONCE) await answer(port, `/enqueue-at-once?count=${Math.min(AT_ONCE, plan.waiting - n)}`);
  const loaded = await idle(workerd, port, plan.waiting, plan.idleMs);
  const lateMs: number[] = [];
  for (let n = 0; n < DUE_TIMES; n++) {
    lateMs.push(await late(DUE_MS));
    if (n + 1 < DUE_TIMES) await after(EVICTED_MS);
  }
  const sorted = ascending(begun);
  return {
    begun: { p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99) },
    idle: [before, loaded],
    lateMs: median(lateMs),
  };
}

interface Counts {
  readonly made: number;
  readonly woken: number;
}

async function idle(workerd: WorkerdProcess, port: number, tasks: number, ms: number): Promise<Idle> {
  // What was enqueued last has settled, and idle objects are gone.
  await after(EVICTED_MS);
  const counts = async () => JSON.parse(await answer(port, "/counts")) as Counts;
  const [first, cpuUs, atMs] = [await counts(), workerd.cpuUs, performance.now()];
  await after(ms);
  const seconds = (performance.now() - atMs) / 1000;
  const cpuMs = (workerd.cpuUs - cpuUs) / 1000 / seconds;
  const last = await counts();
  return { tasks, seconds, made: last.made - first.made, woken: last.woken - first.woken, cpuMs };
}

async function answer(port: number, path: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answered ${response.status}; it must answer 200: ${text}`);
  return text;
}
