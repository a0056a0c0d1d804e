/**
 * What is simulated, and the tables that come of it.
 *
 * Owns: scenarios, what is compared with what. Does not own: how a run works, or how a table is written.
 */
import { ownInFlight, piggybackedLengths } from "../baselines/two-choices.ts";
import { random } from "../baselines/random.ts";
import { roundRobin } from "../baselines/round-robin.ts";
import { sharedQueue } from "../baselines/shared-queue.ts";
import type { Routing } from "./caller.ts";
import { changeSection } from "./change-section.ts";
import { claimThenQueue } from "./claim-then-queue.ts";
import { type Outcome, type Scenario, simulate } from "./run.ts";

/** How much is simulated. */
export interface Plan {
  readonly requests: number;
  readonly seeds: readonly number[];
  /** Numbers of replicas and of isolates that are combined. */
  readonly sizes: readonly (readonly [replicas: number, isolates: number])[];
  /** Numbers of isolates that meet overloaded replicas. */
  readonly overloading: readonly number[];
  /** Numbers of isolates that a change has to reach. */
  readonly changing: readonly number[];
  /** The loads of the plot. */
  readonly loads: readonly number[];
}

/** A table with what is to be said about it. */
export interface Section {
  readonly title: string;
  readonly text: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A line of the plot. */
export interface Line {
  readonly name: string;
  readonly points: readonly { readonly load: number; readonly p99Ms: number }[];
}

/** The p99 of edge-serve's waiting time as a share of that of two choices with piggybacked lengths. */
export interface Ratio {
  readonly load: number;
  readonly ours: number;
  readonly theirs: number;
  readonly ratio: number;
  /** The smallest and largest of the seeds. */
  readonly spread: readonly [number, number];
}

const BASE: Scenario = {
  replicas: 20,
  isolates: 200,
  load: 0.8,
  service: "exponential",
  slow: 0,
  lostPerSecond: 0,
  maxQueuedRequests: 1000,
};
const ALL = [sharedQueue, random, roundRobin, ownInFlight, piggybackedLengths, claimThenQueue];
const LOADS = [0.5, 0.8, 0.9];

export class Measurements {
  readonly #plan: Plan;
  readonly #known = new Map<string, Promise<Outcome[]>>();

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  async sections(): Promise<Section[]> {
    return [
      await this.#policies(),
      await this.#aim(),
      await this.#heavyTail(),
      await this.#overload(),
      await this.#losses(),
      await this.#sizes(),
      await changeSection(this.#plan.changing, this.#plan.seeds),
    ];
  }

  async ratios(): Promise<Ratio[]> {
    const ratios: Ratio[] = [];
    for (const load of LOADS) {
      const [ours, theirs] = [await this.#runs({ load, slow: 2 }, claimThenQueue), await this.#runs({ load, slow: 2 }, piggybackedLengths)];
      const each = ours.map(({ p99Ms }, seed) => p99Ms / theirs[seed]!.p99Ms);
      const [a, b] = [mean(ours).p99Ms, mean(theirs).p99Ms];
      ratios.push({ load, ours: a, theirs: b, ratio: a / b, spread: [Math.min(...each), Math.max(...each)] });
    }
    return ratios;
  }

  async lines(): Promise<Line[]> {
    const lines: Line[] = [];
    for (const routing of [ownInFlight, piggybackedLengths, claimThenQueue, sharedQueue]) {
      const points = [];
      for (const load of this.#plan.loads) points.push({ load, p99Ms: (await this.#outcome({ load, slow: 2 }, routing)).p99Ms });
      lines.push({ name: routing.name, points });
    }
    return lines;
  }

  async #policies(): Promise<Section> {
    const rows: string[][] = [];
    for (const routing of ALL) {
      const [even, slow] = [await this.#outcome({}, routing), await this.#outcome({ slow: 2 }, routing)];
      rows.push([emphasised(routing), ms(even.meanMs), ms(even.p99Ms), hops(even), ms(slow.meanMs), ms(slow.p99Ms), hops(slow)]);
    }
    return {
      title: "Ways of routing",
      text: "20 replicas, 200 isolates, 80 % busy. On the right, 2 of the 20 replicas are three times slower.",
      head: ["routing", "mean ms", "p99 ms", "hops", "slow: mean ms", "slow: p99 ms", "slow: hops"],
      rows,
    };
  }

  async #aim(): Promise<Section> {
    const rows = (await this.ratios()).map(({ load, ours, theirs, ratio, spread }) => [
      percent(load),
      ms(theirs),
      ms(ours),
      `**${ratio.toFixed(2)}** (${spread.map((bound) => bound.toFixed(2)).join(" to ")})`,
    ]);
    return {
      title: "Against two choices with piggybacked lengths",
      text: "p99 of waiting, 2 of 20 replicas three times slower. The aim is a ratio of at most 0.30; in parentheses, the range over the seeds.",
      head: ["busy", "two choices, piggybacked: p99 ms", "claim, then queue: p99 ms", "ratio"],
      rows,
    };
  }

  async #heavyTail(): Promise<Section> {
    const rows: string[][] = [];
    for (const load of LOADS) rows.push([percent(load), ...(await this.#compared({ load, service: "heavy-tailed" }))]);
    return {
      title: "Heavy-tailed service",
      text: "Service time is a bounded Pareto distribution (exponent 1.5, the longest 1000 times the shortest) with the same mean; no slow replicas.",
      head: ["busy", ...COMPARED],
      rows,
    };
  }

  async #overload(): Promise<Section> {
    const scenario = { load: 1.1, maxQueuedRequests: 20 };
    const rows: string[][] = [];
    for (const isolates of this.#plan.overloading) {
      for (const routing of [roundRobin, piggybackedLengths, claimThenQueue]) {
        rows.push([String(isolates), ...withFailures(routing, await this.#outcome({ ...scenario, isolates }, routing))]);
      }
    }
    return {
      title: "More than the replicas can do",
      text:
        "110 % busy, at most 20 requests waiting at each replica (`maxQueuedRequests`). At least 9 % of the requests have to be refused; " +
        "what counts is that no more are, and that refusing does not multiply the messages. Every request waits, so it takes two messages of edge-serve at least.",
      head: ["isolates", "routing", "mean ms", "p99 ms", "hops", "refused"],
      rows,
    };
  }

  async #losses(): Promise<Section> {
    const rows: string[][] = [];
    for (const routing of [roundRobin, piggybackedLengths, claimThenQueue]) {
      rows.push(withFailures(routing, await this.#outcome({ load: 0.7, lostPerSecond: 1 }, routing)));
    }
    return {
      title: "Replicas that come and go",
      text:
        "70 % busy; each second one of the 20 replicas, on average, is lost with all that it runs and holds, and cannot start for a second, which it answers. " +
        "A request that a lost replica had begun is not sent again and counts as failed; others are sent again, at most twice, by every routing.",
      head: ["routing", "mean ms", "p99 ms", "hops", "failed"],
      rows,
    };
  }

  async #sizes(): Promise<Section> {
    const rows: string[][] = [];
    for (const [replicas, isolates] of this.#plan.sizes) {
      const compared = await this.#compared({ replicas, isolates }, 1);
      rows.push([String(replicas), String(isolates), ...compared]);
    }
    return {
      title: "Sizes",
      text: "80 % busy, no slow replicas, one seed.",
      head: ["replicas", "isolates", ...COMPARED],
      rows,
    };
  }

  async #compared(change: Partial<Scenario>, seeds?: number): Promise<string[]> {
    const [theirs, ours] = [await this.#outcome(change, piggybackedLengths, seeds), await this.#outcome(change, claimThenQueue, seeds)];
    return [ms(theirs.meanMs), ms(theirs.p99Ms), ms(ours.meanMs), ms(ours.p99Ms), hops(ours), (ours.p99Ms / theirs.p99Ms).toFixed(2)];
  }

  async #outcome(change: Partial<Scenario>, routing: Routing, seeds?: number): Promise<Outcome> {
    return mean(await this.#runs(change, routing, seeds));
  }

  #runs(change: Partial<Scenario>, routing: Routing, count = this.#plan.seeds.length): Promise<Outcome[]> {
    const scenario = { ...BASE, ...change };
    const seeds = this.#plan.seeds.slice(0, count);
    const key = JSON.stringify([scenario, routing.name, seeds]);
    let runs = this.#known.get(key);
    if (runs === undefined) this.#known.set(key, (runs = this.#simulated(scenario, routing, seeds)));
    return runs;
  }

  async #simulated(scenario: Scenario, routing: Routing, seeds: readonly number[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const seed of seeds) outcomes.push(await simulate(scenario, routing, { requests: this.#plan.requests, seed }));
    return outcomes;
  }
}

const COMPARED = ["two choices: mean ms", "two choices: p99 ms", "claim: mean ms", "claim: p99 ms", "claim: hops", "ratio of p99"];

function mean(outcomes: readonly Outcome[]): Outcome {
  const of = (key: keyof Outcome) => outcomes.reduce((sum, outcome) => sum + outcome[key], 0) / outcomes.length;
  return { meanMs: of("meanMs"), p99Ms: of("p99Ms"), hops: of("hops"), failed: of("failed") };
}

function withFailures(routing: Routing, outcome: Outcome): string[] {
  return [emphasised(routing), ms(outcome.meanMs), ms(outcome.p99Ms), hops(outcome), `${(outcome.failed * 100).toFixed(1)} %`];
}

function emphasised({ name }: Routing): string {
  return name === claimThenQueue.name ? `**${name}**` : name;
}

function ms(value: number): string {
  return value < 9.95 ? value.toFixed(1) : value.toFixed(0);
}

function hops(outcome: Outcome): string {
  return outcome.hops.toFixed(2);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
