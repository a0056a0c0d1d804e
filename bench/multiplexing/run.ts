/**
 * One run: models, a routing and a seed in; hits and times out. Equal seeds give every routing the same requests.
 */
import { VirtualClock } from "../simulation/clock.ts";
import { exponential, seeded } from "../simulation/random.ts";
import { ascending, percentile } from "../statistics.ts";
import { zipf } from "./popularity.ts";
import { type Job, ModelReplica } from "./replica.ts";
import { callerIn, type Routing, type World } from "./routings.ts";

/** What is simulated. */
export interface Scenario {
  readonly replicas: number;
  readonly isolates: number;
  readonly models: number;
  readonly maxModels: number;
  readonly slots: number;
  readonly perSecond: number;
  readonly serviceMs: number;
  readonly loadMs: number;
  readonly seconds: number;
  /** Not counted: the caches fill. */
  readonly warmUpSeconds: number;
  /** More requests for one model, for a while. */
  readonly hot?: { readonly modelId: string; readonly perSecond: number; readonly from: number; readonly to: number };
}

/** What came of it. */
export interface Outcome {
  /** The share of requests that found their model loaded. */
  readonly hitRate: number;
  /** From arrival at the caller to the beginning of service, with the model there. */
  readonly meanMs: number;
  readonly p99Ms: number;
  readonly loadsPerSecond: number;
  readonly hops: number;
}

/** What happened in one window of time. */
export interface Window {
  readonly fromSecond: number;
  readonly toSecond: number;
  /** Replicas that served the hot model. */
  readonly served: number;
  /** Replicas that have it loaded at the end. */
  readonly holding: number;
  readonly p99Ms: number;
}

const ONE_WAY_MS = 5;

/** Runs a scenario; `windowSeconds` cuts the counted time into windows. */
export async function simulate(
  scenario: Scenario,
  routing: Routing,
  { seed, windowSeconds = scenario.seconds }: { readonly seed: number; readonly windowSeconds?: number },
): Promise<{ readonly outcome: Outcome; readonly windows: readonly Window[] }> {
  const run = new Run(scenario, routing, seed);
  return run.finish(windowSeconds);
}

interface Served {
  readonly arrivedAtMs: number;
  readonly job: Job;
}

class Run {
  readonly #scenario: Scenario;
  readonly #clock = new VirtualClock();
  readonly #world: World;
  readonly #served: Served[] = [];
  readonly #windows: Window[] = [];
  #before = { hits: 0, misses: 0, loads: 0 };

  constructor(scenario: Scenario, routing: Routing, seed: number) {
    this.#scenario = scenario;
    const { slots, maxModels, loadMs } = scenario;
    const replicas = Array.from(
      { length: scenario.replicas },
      (_, index) => new ModelReplica(this.#clock, { name: `bench/Model/-/${index}.0`, slots, maxModels, loadMs, oneWayMs: ONE_WAY_MS }),
    );
    this.#world = { clock: this.#clock, replicas, random: seeded(seed * 2) };
    this.#arrive(routing, seed);
  }

  async finish(windowSeconds: number): Promise<{ outcome: Outcome; windows: readonly Window[] }> {
    const { warmUpSeconds, seconds } = this.#scenario;
    this.#clock.at(warmUpSeconds * 1000, () => (this.#before = this.#total()));
    for (let from = warmUpSeconds; from < warmUpSeconds + seconds; from += windowSeconds) {
      this.#clock.at((from + windowSeconds) * 1000, () => this.#endWindow(from, from + windowSeconds));
    }
    await this.#clock.run();
    return { outcome: this.#outcome(), windows: this.#windows };
  }

  #arrive(routing: Routing, seed: number): void {
    const { perSecond, serviceMs, warmUpSeconds, seconds, isolates, models, hot } = this.#scenario;
    const callers = Array.from({ length: isolates }, () => callerIn(this.#world, routing));
    const popular = zipf(models);
    const stream = (rate: number, [from, to]: readonly [number, number], pick: (random: () => number) => string, streamSeed: number) => {
      const random = seeded(streamSeed);
      const arrive = () => {
        const job: Job = {
          modelId: pick(random),
          serviceMs: exponential(random, serviceMs),
          hops: 0,
          startedAtMs: Number.NaN,
          replica: "",
        };
        const arrivedAtMs = this.#clock.now();
        void callers[Math.floor(random() * isolates)]!.call(job).then(() => this.#served.push({ arrivedAtMs, job }));
        const nextMs = arrivedAtMs + exponential(random, 1000 / rate);
        if (nextMs < to * 1000) this.#clock.at(nextMs, arrive);
      };
      this.#clock.at(from * 1000, arrive);
    };
    stream(perSecond, [0, warmUpSeconds + seconds], popular, seed * 2 + 1);
    if (hot !== undefined) stream(hot.perSecond, [hot.from, hot.to], () => hot.modelId, seed * 2 + 1000);
  }

  #total(): { hits: number; misses: number; loads: number } {
    const total = { hits: 0, misses: 0, loads: 0 };
    for (const { stats } of this.#world.replicas) {
      total.hits += stats.hits;
      total.misses += stats.misses;
      total.loads += stats.loads;
    }
    return total;
  }

  #endWindow(fromSecond: number, toSecond: number): void {
    const { hot } = this.#scenario;
    const inWindow = this.#served.filter(({ job }) => job.startedAtMs >= fromSecond * 1000 && job.startedAtMs < toSecond * 1000);
    const served = new Set(inWindow.filter(({ job }) => job.modelId === hot?.modelId).map(({ job }) => job.replica)).size;
    const holding = this.#world.replicas.filter(({ models }) => models.includes(hot?.modelId ?? "")).length;
    this.#windows.push({ fromSecond, toSecond, served, holding, p99Ms: percentile(waitsOf(inWindow), 0.99) });
  }

  #outcome(): Outcome {
    const { warmUpSeconds, seconds } = this.#scenario;
    const counted = this.#served.filter(({ arrivedAtMs }) => arrivedAtMs >= warmUpSeconds * 1000);
    const waits = waitsOf(counted);
    const { hits, misses, loads } = this.#total();
    const [newHits, newMisses] = [hits - this.#before.hits, misses - this.#before.misses];
    return {
      hitRate: newHits / (newHits + newMisses),
      meanMs: waits.reduce((sum, ms) => sum + ms, 0) / waits.length,
      p99Ms: percentile(waits, 0.99),
      loadsPerSecond: (loads - this.#before.loads) / seconds,
      hops: counted.reduce((sum, { job }) => sum + job.hops, 0) / counted.length,
    };
  }
}

function waitsOf(served: readonly Served[]): Float64Array {
  return ascending(served.map(({ arrivedAtMs, job }) => job.startedAtMs - arrivedAtMs));
}
