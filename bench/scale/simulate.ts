/**
 * One run at scale: cities with isolates, each with the real router, and replicas in the regions of their location hints.
 *
 * Owns: arrivals, distances, what is counted. Does not own: routing (src/router), the replica (replica.ts), sizes (sections.ts).
 *
 * Invariants:
 *   W1. Isolates share nothing but the replica set, which is plain data; each has the knowledge of what it saw itself.
 *   W2. Equal scenarios and seeds give equal requests at equal moments.
 */
import { resolveOptions } from "../../src/api/resolve-options.ts";
import type { CallRequest, Delivery, RequestMeta } from "../../src/protocol/messages.ts";
import { initialReplicaSet, type ReplicaSet } from "../../src/protocol/replica-set.ts";
import { type ReplicaConnection, Router } from "../../src/router/router.ts";
import { VirtualClock } from "../simulation/clock.ts";
import { exponential, type Random, seeded } from "../simulation/random.ts";
import { ascending, percentile } from "../statistics.ts";
import { type Job, ThreadedReplica } from "./replica.ts";
import { oneWayMs, type Region, REGIONS } from "./world.ts";
import type { JobMeta } from "../simulation/slots.ts";

/** What is simulated. */
export interface Scenario {
  /** The region of each city; all have the same traffic. */
  readonly cities: readonly Region[];
  readonly isolatesPerCity: number;
  readonly requestsPerS: number;
  readonly replicas: number;
  /** Among how many deployments the replicas are divided; each request is of one of them. @default 1 */
  readonly deployments?: number;
  /** As in `placement.locationHints`: replicas are spread over them in order. */
  readonly hints: readonly string[];
  readonly maxOngoingRequests: number;
  /** On the thread, on average, exponentially distributed; and what the framework adds to each. */
  readonly cpuMs: number;
  readonly overheadMs: number;
  /** Awaiting, on average, exponentially distributed. */
  readonly ioMs: number;
  /** Virtual time before anything is counted, and while it is. */
  readonly warmUpMs: number;
  readonly countedMs: number;
  readonly seed: number;
}

/** What came of it. Waiting is from a request's arrival at its caller to the beginning of its computing. */
export interface Outcome {
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Messages to replicas for each request. */
  readonly hops: number;
  /** The share of requests that ran in their caller's region, and of those that nobody took. */
  readonly near: number;
  readonly refused: number;
  /** Requests a second that the busiest replica began. */
  readonly busiestPerS: number;
  /** The share of its thread that the busiest one computed, and the requests that one had begun and not ended at most. */
  readonly busiestThread: number;
  readonly mostAtOnce: number;
  /** Requests a second that the busiest isolate was asked. */
  readonly busiestIsolatePerS: number;
}

const META: RequestMeta = { requestId: "simulated", chain: ["world/Model"], hops: 1 };
const APP = "world";

/** Runs a scenario to its end. */
export async function simulate(scenario: Scenario): Promise<Outcome> {
  const clock = new VirtualClock();
  const world = makeWorld(scenario, clock);
  const random = seeded(scenario.seed * 2);
  const tally = new Tally(scenario);
  const endMs = scenario.warmUpMs + scenario.countedMs;
  const arrive = () => {
    const isolate = world.isolates[Math.floor(random() * world.isolates.length)]!;
    const job = jobOf(scenario, random, clock.now() >= scenario.warmUpMs);
    if (job.isCounted) isolate.asked++;
    // The one deployment that there is takes no draw.
    const { routers } = isolate;
    void follow(isolate, routers.length === 1 ? routers[0]! : routers[Math.floor(random() * routers.length)]!, { job, clock, tally });
    const nextMs = clock.now() + exponential(random, 1000 / scenario.requestsPerS);
    if (nextMs < endMs) clock.at(nextMs, arrive);
  };
  clock.at(0, arrive);
  await clock.run();
  return tally.outcome(world);
}

function jobOf({ cpuMs, overheadMs, ioMs }: Scenario, random: Random, isCounted: boolean): Job {
  const draw = (mean: number) => (mean === 0 ? 0 : exponential(random, mean));
  return { cpuMs: overheadMs + draw(cpuMs), ioMs: draw(ioMs), isCounted, hops: 0, startedAtMs: Number.NaN, servedIn: "" };
}

interface Isolate {
  readonly hint: string;
  /** Of each deployment. */
  readonly routers: readonly Router[];
  /** Counted requests. */
  asked: number;
}

interface World {
  readonly isolates: readonly Isolate[];
  readonly replicas: readonly ThreadedReplica[];
}

function makeWorld(scenario: Scenario, clock: VirtualClock): World {
  const { maxOngoingRequests, hints, isolatesPerCity, deployments = 1 } = scenario;
  const numReplicas = scenario.replicas / deployments;
  const config = resolveOptions({ numReplicas, maxOngoingRequests, placement: { locationHints: [...hints] } });
  const sets = Array.from({ length: deployments }, (_, number) => ({
    deployment: `Model${number || ""}`,
    set: initialReplicaSet(APP, `Model${number || ""}`, config, "/"),
  }));
  const all = sets.flatMap(({ set }) => set.replicas);
  const byName = new Map(all.map(({ name, locationHint }) => [name, new ThreadedReplica(clock, locationHint!, config)]));
  const random = seeded(scenario.seed * 2 + 1);
  const isolates = scenario.cities.flatMap((region) =>
    Array.from({ length: isolatesPerCity }, () => ({
      hint: region.hint,
      routers: sets.map((one) => routerIn(region, one, { byName, clock, random })),
      asked: 0,
    })),
  );
  return { isolates, replicas: [...byName.values()] };
}

interface Surroundings {
  readonly byName: ReadonlyMap<string, ThreadedReplica>;
  readonly clock: VirtualClock;
  readonly random: Random;
}

function routerIn(
  from: Region,
  { deployment, set }: { readonly deployment: string; readonly set: ReplicaSet },
  { byName, clock, random }: Surroundings,
): Router {
  const distances = new Map(REGIONS.map((to) => [to.hint, oneWayMs(from, to)]));
  return new Router({ app: APP, deployment }, set, {
    random,
    now: clock.now,
    sleep: clock.sleep,
    region: () => from.hint,
    connect({ name }) {
      const replica = byName.get(name)!;
      return new Connection(replica, distances.get(replica.hint)!);
    },
  });
}

class Connection implements ReplicaConnection {
  readonly #replica: ThreadedReplica;
  readonly #oneWayMs: number;

  constructor(replica: ThreadedReplica, oneWay: number) {
    this.#replica = replica;
    this.#oneWayMs = oneWay;
  }

  call({ args }: CallRequest, delivery: Delivery): ReturnType<ReplicaConnection["call"]> {
    return this.#replica.call(args[0] as Job, delivery, this.#oneWayMs);
  }

  fetch(): never {
    throw new Error("The simulation makes calls only.");
  }

  reserve(meta: RequestMeta, delivery: Delivery): ReturnType<ReplicaConnection["reserve"]> {
    return this.#replica.reserve((meta as JobMeta<Job>).job, delivery, this.#oneWayMs);
  }

  cancel(): void {}
}

/** A request on its way. */
interface Followed {
  readonly job: Job;
  readonly clock: VirtualClock;
  readonly tally: Tally;
}

async function follow({ hint }: Isolate, router: Router, { job, clock, tally }: Followed): Promise<void> {
  const arrivedAtMs = clock.now();
  try {
    await router.call({ meta: { ...META, job } as JobMeta<Job>, method: undefined, args: [job] });
    if (job.isCounted) tally.served(job, job.startedAtMs - arrivedAtMs, hint);
  } catch {
    // Refused by all that were asked.
    if (job.isCounted) tally.refused(job);
  }
}

class Tally {
  readonly #scenario: Scenario;
  readonly #waitsMs: number[] = [];
  #hops = 0;
  #near = 0;
  #refused = 0;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
  }

  served({ hops, servedIn }: Job, waitedMs: number, hint: string): void {
    this.#waitsMs.push(waitedMs);
    this.#hops += hops;
    if (servedIn === hint) this.#near++;
  }

  refused({ hops }: Job): void {
    this.#refused++;
    this.#hops += hops;
  }

  outcome({ replicas, isolates }: World): Outcome {
    const { countedMs } = this.#scenario;
    const most = (of: (replica: ThreadedReplica) => number) => replicas.reduce((top, replica) => Math.max(top, of(replica)), 0);
    const sorted = ascending(this.#waitsMs);
    const requests = sorted.length + this.#refused;
    return {
      requests,
      p50Ms: percentile(sorted, 0.5),
      p99Ms: percentile(sorted, 0.99),
      hops: this.#hops / requests,
      near: this.#near / sorted.length,
      refused: this.#refused / requests,
      busiestPerS: (most(({ served }) => served) * 1000) / countedMs,
      busiestThread: most(({ computedMs }) => computedMs) / countedMs,
      mostAtOnce: most(({ mostAtOnce }) => mostAtOnce),
      busiestIsolatePerS: (isolates.reduce((top, { asked }) => Math.max(top, asked), 0) * 1000) / countedMs,
    };
  }
}
