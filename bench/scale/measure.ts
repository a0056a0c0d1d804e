/**
 * What edge-serve's own code costs with many replicas, measured on it.
 *
 * Owns: what is measured. Does not own: the deployment (deployment.ts), what follows from it (limits.ts).
 */
import { serialize, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { encodeReply } from "../../src/protocol/envelope.ts";
import { encodeSet } from "../../src/protocol/news.ts";
import { SCRAPE_MS } from "../../src/controller/metrics-store.ts";
import { systemMetrics } from "../../src/operator/system-metrics.ts";
import { MAX_REPLICAS } from "../../src/protocol/limits.ts";
import type { RequestMeta } from "../../src/protocol/messages.ts";
import { MANY_REPLICAS } from "../../src/protocol/metrics.ts";
import { Router } from "../../src/router/router.ts";
import { controllerOf, type Kind, NOW_MS, reportOf, runningApplication, setOf, Storage } from "./deployment.ts";
import type { Reading } from "./limits.ts";
import { HINTS } from "./world.ts";

/** The sizes of what travels and what is stored, in bytes. */
export interface Sizes {
  /** A set as a header of an HTTP answer. */
  readonly newsBytes: number;
  /** A set with a call's answer, or with an order: as the platform writes a value, by structured clone. */
  readonly replyBytes: number;
  /** What the controller stores, in rows of which each is a replica. */
  readonly stateBytes: number;
}

/** What a deployment of one size costs in computing. */
export interface Costs extends Sizes {
  readonly replicas: number;
  /** A request through the router, everything but the platform. */
  readonly routeUs: number;
  /** What a caller's router holds, with the set, once it has asked most of the replicas. */
  readonly knowledgeMb: number;
  /** Writing the set as text, which a replica does once for the HTTP answers to callers that know an older one. */
  readonly writeNewsUs: number;
  /** What the controller does for one report, storage and metrics included: without autoscaling, and with it. */
  readonly aliveUs: number;
  readonly loadUs: number;
  /** A deploy of other code: giving every order and taking its outcome. */
  readonly deployMs: number;
  /** Reading everything when the controller's object is made. */
  readonly startMs: number;
  /** What the controller holds in memory at rest. */
  readonly controllerMb: number;
  /** A scrape of its metrics: where deployments are as large as they may be, and where they are just so small that each replica is shown. */
  readonly scrape: Scrape;
  readonly scrapeOfEach: Scrape;
}

/** What is scraped of one application. */
export interface Scrape {
  /** What the controller answers, as the platform writes it. */
  readonly answerBytes: number;
  readonly pageBytes: number;
  /** The processor's time of the controller and of the Worker that writes the page. */
  readonly ms: number;
}

function sizesOf(replicas: number): Sizes {
  const set = setOf(replicas);
  return {
    newsBytes: encodeSet(set).length,
    replyBytes: serialize(encodeReply({ kind: "value", value: "Hello", set })).byteLength,
    stateBytes: JSON.stringify(runningApplication(replicas, { isAutoscaled: true }).stored).length,
  };
}

/** One cost at each of the sizes that were measured. */
export function readingsOf(costs: readonly Costs[], of: (cost: Costs) => number): Reading[] {
  return costs.map((cost) => ({ replicas: cost.replicas, value: of(cost) }));
}

/** Everything, on this machine and now. */
export async function costsOf(replicas: number): Promise<Costs> {
  const set = setOf(replicas);
  return {
    replicas,
    ...sizesOf(replicas),
    routeUs: (await routeMs(replicas)) * 1000,
    knowledgeMb: await knowledgeMb(replicas),
    writeNewsUs: timed(() => encodeSet({ ...set })) * 1000,
    aliveUs: (await reportMs(replicas, { isAutoscaled: false })) * 1000,
    loadUs: (await reportMs(replicas, { isAutoscaled: true })) * 1000,
    deployMs: await deployMs(replicas),
    startMs: startMs(replicas),
    controllerMb: heldMb(replicas),
    scrape: await scrapeOf(replicas, { isAutoscaled: true }),
    scrapeOfEach: await scrapeOf(replicas, { isAutoscaled: true, perDeployment: MANY_REPLICAS }),
  };
}

const META: RequestMeta = { requestId: "simulated", chain: ["world/Model"], hops: 1 };
/** Long enough for the compiler, short enough for ten thousand replicas. The fastest batch counts. */
const MEASURED_MS = 100;
const BATCHES = 6;

// An isolate that has asked many of the replicas, as one has after some minutes.
async function routeMs(replicas: number): Promise<number> {
  const router = routerOf(replicas);
  return timedAsync(() => router.call(REQUEST));
}

const REQUEST = { meta: META, method: undefined, args: [] };

function routerOf(replicas: number): Router {
  return new Router({ app: "world", deployment: "Model" }, setOf(replicas), {
    random: Math.random,
    now: Date.now,
    sleep: () => new Promise(() => {}),
    region: () => HINTS[0],
    connect: () => ({ call: async () => ({ kind: "value", value: null }), fetch: unused, reserve: unused, cancel: () => {} }),
  });
}

async function knowledgeMb(replicas: number): Promise<number> {
  // What is made with the first one is not held by the second.
  await routerOf(replicas).call(REQUEST);
  const before = heapMb();
  const router = routerOf(replicas);
  for (let asked = 0; asked < 5 * Math.min(replicas, MAX_REPLICAS); asked++) await router.call(REQUEST);
  const mb = heapMb() - before;
  // Used after the measurement, so that it is alive during it.
  await router.call(REQUEST);
  return Math.max(0.01, mb);
}

function unused(): never {
  throw new Error("Only calls are measured.");
}

/** The processor's time for one report, in milliseconds. */
export function reportMs(replicas: number, kind: Kind): Promise<number> {
  const running = runningApplication(replicas, kind);
  let nowMs = NOW_MS;
  const controller = controllerOf(running, { now: () => nowMs });
  let index = 0;
  return timedAsync(() => {
    // Everybody reports each 20 s, as with 10,000 replicas.
    nowMs += 20_000 / replicas;
    index = (index + 1) % replicas;
    return controller.report(reportOf(running, index, Math.floor(nowMs)));
  });
}

// New code: every replica has to be told, some dozens at a time.
async function deployMs(replicas: number): Promise<number> {
  const running = runningApplication(replicas, { isAutoscaled: false });
  const version = "000000000000";
  let given = 0;
  let alarmAtMs: number | undefined;
  const outcomes: Promise<unknown>[] = [];
  const controller = controllerOf(running, {
    version,
    wakeAt: (timeMs) => (alarmAtMs = timeMs),
    keepAlive: (promise) => outcomes.push(promise),
    sleep: async () => {},
    give: async () => {
      given++;
      return { kind: "done", version };
    },
  });
  const beginMs = cpuMs();
  while (alarmAtMs !== undefined && alarmAtMs <= NOW_MS) {
    alarmAtMs = undefined;
    controller.alarm();
    while (outcomes.length > 0) await Promise.all(outcomes.splice(0));
  }
  const ms = cpuMs() - beginMs;
  if (given !== replicas) throw new Error(`The controller gave ${given} orders for ${replicas} replicas.`);
  return ms;
}

function startMs(replicas: number): number {
  const running = runningApplication(replicas, { isAutoscaled: true });
  const storage = new Storage(running);
  return timed(() => controllerOf(running, { storage }));
}

function heldMb(replicas: number): number {
  const running = runningApplication(replicas, { isAutoscaled: true });
  const storage = new Storage(running);
  // What is made with the first one is not held by the second.
  controllerOf(running, { storage });
  const before = heapMb();
  const held = controllerOf(running, { storage });
  const mb = heapMb() - before;
  // Read after the measurement, so that it is alive during it.
  return held === undefined ? 0 : Math.max(0.01, mb);
}

async function scrapeOf(replicas: number, kind: Kind): Promise<Scrape> {
  const running = runningApplication(replicas, kind);
  let nowMs = NOW_MS;
  const controller = controllerOf(running, { now: () => nowMs });
  for (let index = 0; index < replicas; index++) await controller.report(reportOf(running, index, NOW_MS));
  // Nothing is shown with 0 any more because it is new.
  nowMs += SCRAPE_MS + 1;
  const beginMs = cpuMs();
  const metrics = await controller.metrics();
  const page = systemMetrics([{ app: "world", metrics }]);
  return { ms: cpuMs() - beginMs, pageBytes: Buffer.byteLength(page), answerBytes: serialize(metrics).byteLength };
}

let collect: (() => void) | undefined;

function heapMb(): number {
  if (collect === undefined) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  collect();
  return process.memoryUsage().heapUsed / 1e6;
}

function timed(act: () => unknown): number {
  const once = () => {
    let count = 0;
    const startMs = cpuMs();
    do act();
    while (++count && cpuMs() - startMs < MEASURED_MS);
    return (cpuMs() - startMs) / count;
  };
  return Math.min(...Array.from({ length: BATCHES }, once));
}

async function timedAsync(act: () => Promise<unknown>): Promise<number> {
  let least = Infinity;
  for (let batch = 0; batch < BATCHES; batch++) {
    let count = 0;
    const startMs = cpuMs();
    do await act();
    while (++count && cpuMs() - startMs < MEASURED_MS);
    least = Math.min(least, (cpuMs() - startMs) / count);
  }
  return least;
}

// Of this thread: other processes want the processor too.
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
