/** What is compared, as tables. */
import type { Section } from "../simulation/sections.ts";
import { shareOfMostPopular } from "./popularity.ts";
import { BY_MODEL, BY_MODEL_EAGER, BY_MODEL_TOLD, LEAST_LOADED, RANDOM, RENDEZVOUS, type Routing, TWO_CHOICES } from "./routings.ts";
import { type Outcome, type Scenario, simulate, type Window } from "./run.ts";

/** How much is simulated. */
export interface Plan {
  readonly seeds: readonly number[];
  readonly seconds: number;
}

const BASE: Omit<Scenario, "seconds"> = {
  replicas: 20,
  isolates: 50,
  models: 500,
  maxModels: 10,
  slots: 5,
  perSecond: 150,
  serviceMs: 20,
  loadMs: 200,
  warmUpSeconds: 20,
};
const SIZES = [3, 5, 10];
const HOT = { modelId: "model-250", perSecond: 600, from: 30, to: 45 };
const WINDOW_SECONDS = 5;

export class Measurements {
  readonly #plan: Plan;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  async sections(): Promise<Section[]> {
    return [await this.#hitRates(), await this.#busy(), await this.#hot()];
  }

  /** The share of requests that find their model loaded. */
  async hitRate(routing: Routing): Promise<number> {
    return (await this.#mean({}, routing)).hitRate;
  }

  async #hitRates(): Promise<Section> {
    const rows: string[][] = [];
    for (const routing of [RANDOM, TWO_CHOICES, LEAST_LOADED, RENDEZVOUS, BY_MODEL, BY_MODEL_TOLD]) {
      const outcomes: Outcome[] = [];
      for (const maxModels of SIZES) outcomes.push(await this.#mean({ maxModels }, routing));
      const last = outcomes.at(-1)!;
      rows.push([emphasised(routing), ...outcomes.map(({ hitRate }) => percent(hitRate)), ms(last.meanMs), last.loadsPerSecond.toFixed(0)]);
    }
    const bounds = SIZES.map((size) => percent(shareOfMostPopular(BASE.models, size * BASE.replicas)));
    rows.push(["the most popular models always loaded, each once (a bound)", ...bounds, "", ""]);
    return {
      title: "Hit rate",
      text:
        `${BASE.perSecond} requests a second. *Hit rate* is the share of requests whose model was loaded when they were admitted, by how many ` +
        "models a replica holds (`maxModelsPerReplica`). On the right, with 10 models: the mean time from a request's arrival at its caller " +
        "to the beginning of its service with the model loaded, and loads a second in all replicas together.",
      head: ["routing", ...SIZES.map((size) => `${size} models`), "10 models: mean ms", "10 models: loads/s"],
      rows,
    };
  }

  async #busy(): Promise<Section> {
    const rows: string[][] = [];
    for (const perSecond of [400, 800]) {
      for (const routing of [RENDEZVOUS, BY_MODEL, BY_MODEL_EAGER, BY_MODEL_TOLD]) {
        const { hitRate, meanMs, p99Ms, hops } = await this.#mean({ perSecond }, routing);
        rows.push([String(perSecond), emphasised(routing), percent(hitRate), ms(meanMs), ms(p99Ms), hops.toFixed(2)]);
      }
    }
    return {
      title: "More requests",
      text:
        "10 models a replica. At 800 requests a second the slots are nearly all taken, most of them by loads: a request that goes to a second " +
        "replica because the first is full makes one more load, so spreading costs what it was to save.",
      head: ["requests/s", "routing", "hit rate", "mean ms", "p99 ms", "hops"],
      rows,
    };
  }

  async #hot(): Promise<Section> {
    const rows: string[][] = [];
    let head: string[] = [];
    for (const routing of [TWO_CHOICES, RENDEZVOUS, BY_MODEL_EAGER, BY_MODEL]) {
      const scenario = { ...this.#scenario({ hot: HOT }), seconds: 40 };
      const { windows } = await simulate(scenario, routing, { seed: this.#plan.seeds[0]!, windowSeconds: WINDOW_SECONDS });
      head = windows.map(({ fromSecond, toSecond }) => `${fromSecond}-${toSecond} s`);
      rows.push([emphasised(routing), ...windows.map(windowText)]);
    }
    return {
      title: "One model becomes hot",
      text:
        `10 models a replica, ${BASE.perSecond} requests a second, and from second ${HOT.from} to second ${HOT.to} another ${HOT.perSecond} a second ` +
        "for one model that hardly anybody asks for otherwise. They need 12 slots: two and a half replicas, beside what these have to do for " +
        "other models. Each cell: how many replicas served that model / p99 of the time to service in ms, for all models. One seed.",
      head: ["routing", ...head],
      rows,
    };
  }

  async #mean(change: Partial<Scenario>, routing: Routing): Promise<Outcome> {
    const outcomes: Outcome[] = [];
    for (const seed of this.#plan.seeds) outcomes.push((await simulate(this.#scenario(change), routing, { seed })).outcome);
    const of = (key: keyof Outcome) => outcomes.reduce((sum, outcome) => sum + outcome[key], 0) / outcomes.length;
    return {
      hitRate: of("hitRate"),
      meanMs: of("meanMs"),
      p99Ms: of("p99Ms"),
      loadsPerSecond: of("loadsPerSecond"),
      hops: of("hops"),
    };
  }

  #scenario(change: Partial<Scenario>): Scenario {
    return { ...BASE, seconds: this.#plan.seconds, ...change };
  }
}

function windowText({ served, p99Ms }: Window): string {
  return `${served} / ${ms(p99Ms)}`;
}

function emphasised({ name }: Routing): string {
  return name === BY_MODEL.name ? `**${name}**` : name;
}

function ms(value: number): string {
  return value.toFixed(0);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
