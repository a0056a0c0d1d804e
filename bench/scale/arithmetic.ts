/**
 * What so many requests need: replicas, reports, money. Pure; every number comes from `inputs.ts` or is measured.
 */
import { reportIntervalMs } from "../../src/protocol/control.ts";
import type { Overhead } from "./inputs.ts";
import { INPUTS } from "./inputs.ts";
import { NEAR_MS } from "./world.ts";

/** What an application does with each request. */
export interface Workload {
  readonly name: string;
  /** Which figure of the benchmarks says what the framework costs it. */
  readonly figure: string;
  /** Each is asked once for each request; the first by HTTP. */
  readonly deployments: readonly { readonly cpuMs: number; readonly ioMs: number }[];
}

/** The three that are looked at. */
export const WORKLOADS: readonly [Workload, Workload, Workload] = [
  { name: "1 ms of computing", figure: "HTTP to one no-op replica", deployments: [{ cpuMs: 1, ioMs: 0 }] },
  { name: "50 ms of awaiting", figure: "HTTP to one no-op replica", deployments: [{ cpuMs: 0, ioMs: 50 }] },
  {
    name: "3 deployments",
    figure: "composition: Ingress, Hello, World",
    // The first awaits the other two, there and back.
    deployments: [
      { cpuMs: 0, ioMs: 2 * NEAR_MS },
      { cpuMs: 0, ioMs: 0 },
      { cpuMs: 0, ioMs: 0 },
    ],
  },
];

/** What decides how many replicas there are. */
export type Bound = "requests/s of an object" | "its thread" | "its slots";

/** How many replicas a deployment needs, and why. */
export interface Sizing {
  readonly replicas: number;
  readonly bound: Bound;
}

/** The replicas of a deployment for so many requests a second; without slots, as by hand, two of the bounds are left. */
export function sizingOf(
  { cpuMs, ioMs }: Workload["deployments"][number],
  { overheadMs, hasSlots }: { readonly overheadMs: number; readonly hasSlots: boolean },
): Sizing {
  const perS = INPUTS.requestsPerS.value;
  const threadMs = cpuMs + overheadMs;
  const bounds: [Bound, number][] = [
    ["requests/s of an object", perS / (INPUTS.objectPerS.value * INPUTS.rateUsed.value)],
    ["its thread", (perS * threadMs) / (1000 * INPUTS.threadUsed.value)],
  ];
  if (hasSlots) {
    const perReplica = INPUTS.maxOngoingRequests.value * INPUTS.slotsUsed.value;
    bounds.push(["its slots", (perS * (threadMs + ioMs)) / 1000 / perReplica]);
  }
  const [bound, replicas] = bounds.reduce((most, each) => (each[1] > most[1] ? each : most));
  return { replicas: Math.ceil(replicas), bound };
}

/** What the framework computes for a request in each place that it passes: in the Worker, and in each replica. */
export function overheadEachMs({ deployments }: Workload, overheadMs: number): number {
  return overheadMs / (deployments.length + 1);
}

/** What an application needs, with edge-serve or by hand. */
export interface Need {
  readonly sizings: readonly Sizing[];
  readonly replicas: number;
  /** Dollars a month, by what they are for. */
  readonly bill: Readonly<Record<BillLine, number>>;
}

/** What a bill consists of. */
export type BillLine = "workerRequests" | "workerCpu" | "objectRequests" | "awake" | "routing" | "control";

/** What the simulation and the measurements say of an application. */
export interface Measured {
  readonly overhead: Overhead;
  /** Messages to replicas for each request. */
  readonly hops: number;
  /** What the router computes for a request, in milliseconds. */
  readonly routeMs: number;
  readonly controllers: number;
}

/** What a workload needs with edge-serve. */
export function needWithUs(workload: Workload, { overhead, hops, routeMs, controllers }: Measured): Need {
  const overheadMs = overheadEachMs(workload, overhead.oursMs);
  const sizings = workload.deployments.map((deployment) => sizingOf(deployment, { overheadMs, hasSlots: true }));
  const replicas = sum(sizings);
  const { requests, rows } = controlOf(replicas);
  const awakeControllers = dollars(controllers * INPUTS.objectGb.value, INPUTS.awakeDollars.value);
  const control = dollars(requests + controllers * (1000 / INPUTS.alarmMs.value), INPUTS.objectDollars.value);
  const bill = {
    ...servingBill(workload, { overheadMs, hops, replicas }),
    routing: dollars(INPUTS.requestsPerS.value * routeMs, INPUTS.cpuDollars.value),
    control: control + dollars(rows, INPUTS.rowDollars.value) + awakeControllers,
  };
  return { sizings, replicas, bill };
}

/** What it needs as a Worker and Durable Objects by hand, without health, scaling or a queue. */
export function needByHand(workload: Workload, { byHandMs }: Overhead): Need {
  const overheadMs = overheadEachMs(workload, byHandMs);
  const sizings = workload.deployments.map((deployment) => sizingOf(deployment, { overheadMs, hasSlots: false }));
  const replicas = sum(sizings);
  return { sizings, replicas, bill: { ...servingBill(workload, { overheadMs, hops: 1, replicas }), routing: 0, control: 0 } };
}

/** Requests a second to controllers and rows a second that they write, while all loads change all the time. */
export function controlOf(replicas: number): { readonly requests: number; readonly steadyRequests: number; readonly rows: number } {
  const requests = (replicas * 1000) / Math.max(INPUTS.reportMs.value, reportIntervalMs(replicas));
  return { requests, steadyRequests: (replicas * 1000) / INPUTS.heartbeatMs.value, rows: requests * INPUTS.rowsPerReport.value };
}

function servingBill(
  { deployments }: Workload,
  { overheadMs, hops, replicas }: { readonly overheadMs: number; readonly hops: number; readonly replicas: number },
): Pick<Need["bill"], "workerRequests" | "workerCpu" | "objectRequests" | "awake"> {
  const perS = INPUTS.requestsPerS.value;
  return {
    workerRequests: dollars(perS, INPUTS.workerDollars.value),
    workerCpu: dollars(perS * overheadMs, INPUTS.cpuDollars.value),
    objectRequests: dollars(perS * hops * deployments.length, INPUTS.objectDollars.value),
    awake: dollars(replicas * INPUTS.objectGb.value, INPUTS.awakeDollars.value),
  };
}

/** What a bill comes to. */
export function totalOf(bill: Need["bill"]): number {
  return Object.values(bill).reduce((total, part) => total + part, 0);
}

// Dollars a month for so many a second.
function dollars(perS: number, perMillion: number): number {
  return (perS * INPUTS.secondsPerMonth.value * perMillion) / 1e6;
}

function sum(sizings: readonly Sizing[]): number {
  return sizings.reduce((total, { replicas }) => total + replicas, 0);
}
