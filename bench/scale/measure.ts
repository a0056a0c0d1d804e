/**
 * What edge-serve's own code costs with many replicas, measured on it.
 *
 * Owns: what is measured. Does not own: the deployment (deployment.ts), what follows from it (limits.ts).
 */
import { serialize, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Controller } from "../../src/controller/controller.ts";
import { encodeReply } from "../../src/protocol/envelope.ts";
import { encodeNews } from "../../src/protocol/news.ts";
import type { RequestMeta } from "../../src/protocol/messages.ts";
import { Router } from "../../src/router/router.ts";
import { controllerOf, type Kind, NOW_MS, reportOf, runningState, setOf } from "./deployment.ts";
import type { Reading } from "./limits.ts";
import { HINTS } from "./world.ts";

/** The sizes of what travels and what is stored, in bytes. */
export interface Sizes {
  /** A set as a header of an HTTP answer. */
  readonly newsBytes: number;
  /** A set with a call's answer, or with an order: as the platform writes a value, by structured clone. */
  readonly replyBytes: number;
  /** The controller's state, which is one value. */
  readonly stateBytes: number;
}

/** What a deployment of one size costs in computing. */
export interface Costs extends Sizes {
  readonly replicas: number;
  /** A request through the router, everything but the platform. */
  readonly routeUs: number;
  /** Writing the set as text, which a replica does once for the HTTP answers to callers that know an older one. */
  readonly writeNewsUs: number;
  /** What the controller does for one report that changes its state: without autoscaling, and with it. */
  readonly aliveMs: number;
  readonly loadMs: number;
  /** The orders of a deploy: taking them, and what they hold in memory until they are answered. */
  readonly ordersMs: number;
  readonly ordersMb: number;
  /** What the controller holds in memory at rest. */
  readonly controllerMb: number;
}

function sizesOf(replicas: number): Sizes {
  const set = setOf(replicas);
  return {
    newsBytes: encodeNews(set).length,
    replyBytes: serialize(encodeReply({ kind: "value", value: "Hello", set })).byteLength,
    stateBytes: serialize(runningState(replicas, { isAutoscaled: true })).byteLength,
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
    writeNewsUs: timed(() => encodeNews({ ...set })) * 1000,
    aliveMs: await reportMs(replicas, { isAutoscaled: false }),
    loadMs: await reportMs(replicas, { isAutoscaled: true }),
    ...deployOf(replicas),
    controllerMb: heldMb(() => controllerOf(runningState(replicas, { isAutoscaled: true }))),
  };
}

const META: RequestMeta = { requestId: "simulated", chain: ["world/Model"], hops: 1 };
/** Long enough for the compiler, short enough for ten thousand replicas. The fastest batch counts. */
const MEASURED_MS = 100;
const BATCHES = 6;

// An isolate that has asked many of the replicas, as one has after some minutes.
async function routeMs(replicas: number): Promise<number> {
  const router = new Router({ app: "world", deployment: "Model" }, setOf(replicas), {
    random: Math.random,
    now: Date.now,
    sleep: () => new Promise(() => {}),
    whereabouts: () => HINTS[0],
    connect: () => ({ call: async () => ({ kind: "value", value: null }), fetch: unused, reserve: unused, cancel: () => {} }),
  });
  const request = { meta: META, method: undefined, args: [] };
  return timedAsync(() => router.call(request));
}

function unused(): never {
  throw new Error("Only calls are measured.");
}

function reportMs(replicas: number, kind: Kind): Promise<number> {
  const state = runningState(replicas, kind);
  let nowMs = NOW_MS;
  const controller = controllerOf(state, { now: () => nowMs });
  let index = 0;
  return timedAsync(() => {
    nowMs += 1;
    index = (index + 1) % replicas;
    return controller.report(reportOf(state, index, nowMs));
  });
}

// New code: every replica has to be told.
function deployOf(replicas: number): { ordersMs: number; ordersMb: number } {
  const state = runningState(replicas, { isAutoscaled: false });
  const given: unknown[] = [];
  const controller: Controller = controllerOf(state, {
    version: "000000000000",
    give: (order) => {
      given.push(order);
      return new Promise(() => {});
    },
  });
  const before = heapMb();
  const startMs = cpuMs();
  controller.alarm();
  const ordersMs = cpuMs() - startMs;
  const ordersMb = heapMb() - before;
  if (given.length !== replicas) throw new Error(`The controller gave ${given.length} orders for ${replicas} replicas.`);
  return { ordersMs, ordersMb };
}

function heldMb(make: () => unknown): number {
  const before = heapMb();
  const held = make();
  const mb = heapMb() - before;
  // Read after the measurement, so that it is alive during it.
  return held === undefined ? 0 : mb;
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
