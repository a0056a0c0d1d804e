/**
 * One run of the simulation: a scenario, a routing and a seed in, waiting times out.
 *
 * Equal seeds give every routing the same requests at the same moments.
 */
import type { Caller, Routing, World } from "./caller.ts";
import { VirtualClock } from "./clock.ts";
import { exponential, heavyTailed, type Random, seeded } from "./random.ts";
import { ascending, percentile } from "../statistics.ts";
import { type Job, SimulatedReplica } from "./replica.ts";

/** What is simulated. */
export interface Scenario {
  readonly replicas: number;
  readonly isolates: number;
  /** The share of all slots' time that the requests need, were they spread evenly over the slots. */
  readonly load: number;
  readonly service: "exponential" | "heavy-tailed";
  /** How many replicas are three times slower. */
  readonly slow: number;
  /** How many replicas are lost each second, on average, each for a second. */
  readonly lostPerSecond: number;
  readonly maxQueuedRequests: number;
}

/** What came of it. */
export interface Outcome {
  /** From a request's arrival at its caller to the beginning of its service. */
  readonly meanMs: number;
  readonly p99Ms: number;
  /** Messages to replicas for each request. */
  readonly hops: number;
  /** The share of requests that were refused or lost. */
  readonly failed: number;
}

/** How much is simulated, and by which random numbers. */
export interface Budget {
  /** Requests that are counted; those that fill the empty system come before them. */
  readonly requests: number;
  readonly seed: number;
}

const SERVICE_MS = 50;
const SLOTS = 5;
const ONE_WAY_MS = 5;
const SLOWNESS = 3;
const LOST_FOR_MS = 1000;
/**
 * How long the empty system is filled before anything is counted. It takes long until queues are full, and where replicas
 * are slow until the routings that have to find that out have done so, and have worked off what piled up.
 */
const WARM_UP_MS = 1000;
const LONG_WARM_UP_MS = 20_000;

export async function simulate(scenario: Scenario, routing: Routing, { requests, seed }: Budget): Promise<Outcome> {
  const clock = new VirtualClock();
  const replicas = Array.from({ length: scenario.replicas }, (_, index) => makeReplica(scenario, index, clock));
  const world: World = { clock, replicas, random: seeded(seed * 3 + 1) };
  const makeCaller = routing.callersIn(world);
  const callers = Array.from({ length: scenario.isolates }, makeCaller);
  const tally = new Tally();
  const arrivals = new Arrivals(scenario, replicas, seeded(seed * 3));
  const warmUpMs = scenario.slow > 0 || scenario.load > 1 ? LONG_WARM_UP_MS : WARM_UP_MS;
  let counted = 0;
  const arrive = () => {
    const { job, caller } = arrivals.next(callers);
    const isCounted = clock.now() >= warmUpMs;
    void follow(job, caller, clock, isCounted ? tally : undefined);
    if (isCounted) counted++;
    if (counted < requests) clock.at(clock.now() + arrivals.gapMs(), arrive);
  };
  clock.at(0, arrive);
  if (scenario.lostPerSecond > 0) loseReplicas(world, scenario, { random: seeded(seed * 3 + 2), isOver: () => counted >= requests });
  await clock.run();
  return tally.outcome();
}

function makeReplica({ slow, maxQueuedRequests }: Scenario, index: number, clock: VirtualClock): SimulatedReplica {
  const limits = { maxOngoingRequests: SLOTS, maxQueuedRequests };
  return new SimulatedReplica(clock, { limits, slowness: index < slow ? SLOWNESS : 1, oneWayMs: ONE_WAY_MS });
}

class Arrivals {
  readonly #random: Random;
  readonly #draw: (random: Random, mean: number) => number;
  readonly #gapMs: number;

  constructor({ load, service }: Scenario, replicas: readonly SimulatedReplica[], random: Random) {
    this.#random = random;
    this.#draw = service === "exponential" ? exponential : heavyTailed;
    const perMs = replicas.reduce((sum, { traits }) => sum + SLOTS / (SERVICE_MS * traits.slowness), 0);
    this.#gapMs = 1 / (load * perMs);
  }

  gapMs(): number {
    return exponential(this.#random, this.#gapMs);
  }

  next(callers: readonly Caller[]): { job: Job; caller: Caller } {
    const job = { serviceMs: this.#draw(this.#random, SERVICE_MS), hops: 0, startedAtMs: Number.NaN };
    return { job, caller: callers[Math.floor(this.#random() * callers.length)]! };
  }
}

async function follow(job: Job, caller: Caller, clock: VirtualClock, tally: Tally | undefined): Promise<void> {
  const arrivedAtMs = clock.now();
  try {
    await caller.call(job);
    tally?.served(job.startedAtMs - arrivedAtMs, job.hops);
  } catch {
    // Refused by all that were asked, or lost with its replica: both are counted, and neither waits.
    tally?.failed(job.hops);
  }
}

interface Losses {
  readonly random: Random;
  isOver(): boolean;
}

function loseReplicas({ clock, replicas }: World, { lostPerSecond }: Scenario, { random, isOver }: Losses): void {
  const gone = new Set<SimulatedReplica>();
  const lose = () => {
    if (isOver()) return;
    const replica = replicas[Math.floor(random() * replicas.length)]!;
    if (!gone.has(replica)) {
      gone.add(replica);
      replica.go();
      clock.at(clock.now() + LOST_FOR_MS, () => {
        gone.delete(replica);
        replica.come();
      });
    }
    clock.at(clock.now() + exponential(random, 1000 / lostPerSecond), lose);
  };
  clock.at(0, lose);
}

class Tally {
  readonly #waitsMs: number[] = [];
  #hops = 0;
  #failed = 0;

  served(waitedMs: number, hops: number): void {
    this.#waitsMs.push(waitedMs);
    this.#hops += hops;
  }

  failed(hops: number): void {
    this.#failed++;
    this.#hops += hops;
  }

  outcome(): Outcome {
    const sorted = ascending(this.#waitsMs);
    const count = sorted.length + this.#failed;
    return {
      meanMs: sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length,
      p99Ms: percentile(sorted, 0.99),
      hops: this.#hops / count,
      failed: this.#failed / count,
    };
  }
}
