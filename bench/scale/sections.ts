/**
 * What is simulated and measured at scale, in order.
 *
 * Owns: which runs, and how large. Does not own: how a run works (simulate.ts), how it is written down (page.ts).
 */
import { MAX_REPORTS_PER_S } from "../../src/protocol/control.ts";
import { MAX_REPLICAS } from "../../src/protocol/limits.ts";
import { needByHand, needWithUs, overheadEachMs, sizingOf, type Need, type Workload, WORKLOADS } from "./arithmetic.ts";
import { type Component, componentsOf, exceptionsOf } from "./components.ts";
import { INPUTS, type Overhead } from "./inputs.ts";
import { replicasAt, valueAt } from "./limits.ts";
import { type Costs, costsOf, readingsOf } from "./measure.ts";
import { type Outcome, type Scenario, simulate } from "./simulate.ts";
import { citiesOf, HINTS, type Region, REGIONS, weightedHints } from "./world.ts";

/** How much is simulated and measured. */
export interface Plan {
  readonly sizes: readonly number[];
  readonly isolates: readonly number[];
  readonly cityMs: number;
  /** The world at a tenth of its requests and replicas. */
  readonly tenthMs: number;
  /** The world as it is: virtual milliseconds, of which the first part fills it. */
  readonly worldMs: number;
  /** The world with as many replicas as an application may have: virtual milliseconds. */
  readonly largestMs: number;
}

/** A run, and what it was. */
export interface Run {
  readonly name: string;
  readonly scenario: Scenario;
  readonly outcome: Outcome;
}

/** A limit of the platform or of edge-serve, and the number of replicas at which it is met. */
export interface Limit {
  readonly name: string;
  readonly replicas: number;
}

/** Everything that the page shows. */
export interface Findings {
  readonly costs: readonly Costs[];
  readonly cities: readonly Run[];
  readonly worlds: readonly Run[];
  readonly needs: readonly { readonly workload: Workload; readonly ours: Need; readonly byHand: Need }[];
  readonly limits: readonly Limit[];
  /** With 10,000 replicas, asked by 2,000 isolates. */
  readonly largest: Run;
  readonly components: readonly Component[];
  /** What is above half of its limit where it is used. */
  readonly exceptions: readonly Component[];
}

/** Runs all of it. */
export async function find(plan: Plan, overheadOf: (figure: string) => Overhead): Promise<Findings> {
  const costs: Costs[] = [];
  for (const size of plan.sizes) costs.push(await costsOf(size));
  const load = new Load(overheadOf);
  const runs = { cities: await cityRuns(plan, load), worlds: await worldRuns(plan, load), largest: await largestRun(plan, load) };
  return conclude({ costs, ...runs }, overheadOf);
}

/** What follows from what was measured and simulated. */
export function conclude(
  { costs, cities, worlds, largest }: Pick<Findings, "costs" | "cities" | "worlds" | "largest">,
  overheadOf: (figure: string) => Overhead,
): Findings {
  const load = new Load(overheadOf);
  const routeMs = (replicas: number) =>
    valueAt(
      readingsOf(costs, ({ routeUs }) => routeUs),
      replicas,
    ) / 1000;
  const needs = WORKLOADS.map((workload) => {
    const overhead = overheadOf(workload.figure);
    const { replicas } = load.sizing(workload);
    const hops = hopsOf(worlds, workload);
    const ours = needWithUs(workload, { overhead, hops, routeMs: routeMs(replicas), controllers: 1 });
    return { workload, ours, byHand: needByHand(workload, overhead) };
  });
  const { scenario, outcome } = largest;
  const components = componentsOf({ costs, scenario, outcome, workerMs: load.sizing(WORKLOADS[0]).overheadMs });
  return { costs, cities, worlds, largest, needs, limits: limitsOf(costs), components, exceptions: exceptionsOf({ scenario }) };
}

/** How a workload loads its first deployment. */
class Load {
  readonly #overheadOf: (figure: string) => Overhead;

  constructor(overheadOf: (figure: string) => Overhead) {
    this.#overheadOf = overheadOf;
  }

  sizing(workload: Workload): { readonly replicas: number; readonly overheadMs: number } {
    const overheadMs = overheadEachMs(workload, this.#overheadOf(workload.figure).oursMs);
    return { ...sizingOf(workload.deployments[0]!, { overheadMs, hasSlots: true }), overheadMs };
  }

  scenario(workload: Workload, { share, cities, hints }: { share: number; cities: readonly Region[]; hints: readonly string[] }): Scenario {
    const { replicas, overheadMs } = this.sizing(workload);
    return {
      cities,
      hints,
      isolatesPerCity: 20,
      requestsPerS: INPUTS.requestsPerS.value * share,
      replicas: Math.ceil(replicas * share),
      maxOngoingRequests: INPUTS.maxOngoingRequests.value,
      ...workload.deployments[0]!,
      overheadMs,
      warmUpMs: 1000,
      countedMs: 1000,
      seed: 1,
    };
  }
}

async function cityRuns({ isolates, cityMs }: Plan, load: Load): Promise<Run[]> {
  const [computing, awaiting] = WORKLOADS;
  const region = REGIONS[0]!;
  const runs: Run[] = [];
  for (const workload of [computing, awaiting]) {
    for (const isolatesPerCity of isolates) {
      const scenario = load.scenario(workload, { share: 1 / INPUTS.cities.value, cities: [region], hints: [region.hint] });
      runs.push(await run(workload.name, { ...scenario, isolatesPerCity, countedMs: cityMs }));
    }
  }
  return runs;
}

async function worldRuns({ tenthMs, worldMs }: Plan, load: Load): Promise<Run[]> {
  const [computing, awaiting] = WORKLOADS;
  const cities = citiesOf(INPUTS.cities.value);
  const tenth = (workload: Workload, hints: readonly string[]): Scenario => ({
    ...load.scenario(workload, { share: 0.1, cities, hints }),
    warmUpMs: tenthMs / 2,
    countedMs: tenthMs / 2,
  });
  const weighted = weightedHints();
  const whole = { ...load.scenario(computing, { share: 1, cities, hints: weighted }), warmUpMs: worldMs * 0.4, countedMs: worldMs * 0.6 };
  return [
    await run(`${computing.name}, replicas spread evenly`, tenth(computing, HINTS)),
    await run(`the same, \`maxOngoingRequests: 5\``, { ...tenth(computing, HINTS), maxOngoingRequests: 5 }),
    await run(`${computing.name}, replicas where the traffic is`, tenth(computing, weighted)),
    await run(`${awaiting.name}, replicas spread evenly`, tenth(awaiting, HINTS)),
    await run(`${awaiting.name}, replicas where the traffic is`, tenth(awaiting, weighted)),
    await run(`${computing.name}, replicas where the traffic is`, whole),
  ];
}

/** How many deployments and isolates there are where there are as many replicas as an application may have. */
export const LARGEST = { deployments: 10, cities: 200, isolatesPerCity: 10 };

async function largestRun({ largestMs }: Plan, load: Load): Promise<Run> {
  const [workload] = WORKLOADS;
  const { deployments, isolatesPerCity } = LARGEST;
  const scenario = load.scenario(workload, { share: 1, cities: citiesOf(LARGEST.cities), hints: weightedHints() });
  const sizes = { deployments, isolatesPerCity, replicas: deployments * MAX_REPLICAS };
  return run(workload.name, { ...scenario, ...sizes, warmUpMs: largestMs * 0.4, countedMs: largestMs * 0.6 });
}

async function run(name: string, scenario: Scenario): Promise<Run> {
  return { name, scenario, outcome: await simulate(scenario) };
}

// With replicas where the traffic is; a composition's calls are like the ones that await.
function hopsOf(worlds: readonly Run[], { name }: Workload): number {
  const [computing, awaiting] = [worlds[2]!, worlds[4]!];
  return (name === WORKLOADS[0].name ? computing : awaiting).outcome.hops;
}

/** The limits, the one that is met first coming first. */
export function limitsOf(costs: readonly Costs[]): Limit[] {
  const at = (of: (cost: Costs) => number, limit: number) => replicasAt(readingsOf(costs, of), limit);
  const everyMs = 1000 / MAX_REPORTS_PER_S;
  const limits = [
    { name: "deployment", replicas: MAX_REPLICAS },
    { name: "interval", replicas: INPUTS.reportMs.value / everyMs },
    { name: "staleness", replicas: (2 * INPUTS.heartbeatMs.value) / everyMs },
    { name: "start", replicas: at(({ startMs }) => startMs, INPUTS.askMs.value) },
    { name: "memory", replicas: at(({ controllerMb }) => controllerMb, INPUTS.objectMb.value) },
  ];
  return limits.toSorted((a, b) => a.replicas - b.replicas);
}
