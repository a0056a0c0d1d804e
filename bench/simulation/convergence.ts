/**
 * How a new replica set reaches isolates: the real `Router` in each, under virtual time, while requests come in steadily.
 *
 * Owns: a change, who is told of it and when, what is counted. Does not own: how a request runs (replica.ts).
 *
 * The controller tells every replica at once, and each hears of it after a while, as orders to objects in many places do.
 * Isolates are told nothing: they learn from answers and refusals.
 */
import type { CallRequest, Delivery, Reply, RequestMeta, Reservation } from "../../src/protocol/messages.ts";
import type { ReplicaSet } from "../../src/protocol/replica-set.ts";
import { type Learner, type ReplicaConnection, Router } from "../../src/router/router.ts";
import { VirtualClock } from "./clock.ts";
import { exponential, type Random, seeded } from "./random.ts";
import { type Job, SimulatedReplica, type Told } from "./replica.ts";
import type { JobMeta } from "./slots.ts";

/** From how many replicas to how many; as many as before is a change of the configuration alone. */
export interface Change {
  readonly before: number;
  readonly after: number;
}

/** What came of a change. Times and requests are counted from the change on. */
export interface Convergence {
  /** Until an isolate has the new set, in milliseconds. */
  readonly ms: Spread;
  /** How many requests an isolate has made until then, the one whose answer brought the set included. */
  readonly requests: Spread;
  /** Requests that a removed replica took after it had been told. */
  readonly fromRemoved: number;
  /** Requests that a removed replica took before it was told, after the change. */
  readonly beforeTold: number;
  /** Messages that an isolate sent in vain to removed replicas, on average. */
  readonly extraHops: number;
  /** Requests that failed. */
  readonly failed: number;
}

/** Of all isolates. */
export interface Spread {
  readonly median: number;
  readonly last: number;
}

const IDENTITY = { app: "bench", deployment: "Model" };
const META = { requestId: "simulated", chain: ["bench/Model"], hops: 1 };
const LIMITS = { maxOngoingRequests: 5, maxQueuedRequests: 1000 };
const ONE_WAY_MS = 5;
const SERVICE_MS = 50;
const CHANGE_AT_MS = 1000;
/** When an order of the controller arrives, after the change. */
export const TOLD_MS = [5, 100] as const;
/** How long a request comes after the one before, on average. Half of what 20 replicas can do: 1,000 requests a second. */
export const GAP_MS = 1;

export async function converge(change: Change, isolates: number, seed: number): Promise<Convergence> {
  const run = new Run(change, seeded(seed));
  const callers = Array.from({ length: isolates }, () => new Isolate(run));
  const arrivals = seeded(seed + 1);
  let unaware = callers.length;
  const arrive = () => {
    const isolate = callers[Math.floor(arrivals() * callers.length)]!;
    const wasUnaware = isolate.learnedAtMs === undefined;
    void isolate.request(exponential(arrivals, SERVICE_MS)).then(() => {
      if (wasUnaware && isolate.learnedAtMs !== undefined) unaware = callers.filter(({ learnedAtMs }) => learnedAtMs === undefined).length;
    });
    if (unaware > 0) run.clock.at(run.clock.now() + exponential(arrivals, GAP_MS), arrive);
  };
  run.clock.at(0, arrive);
  run.clock.at(CHANGE_AT_MS, () => run.change());
  await run.clock.run();
  return {
    ms: spreadOf(callers.map(({ learnedAtMs }) => learnedAtMs! - CHANGE_AT_MS)),
    requests: spreadOf(callers.map(({ requests }) => requests)),
    fromRemoved: run.fromRemoved,
    beforeTold: run.beforeTold,
    extraHops: run.inVain / isolates,
    failed: run.failed,
  };
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)]!, last: sorted.at(-1)! };
}

// What a replica knows, as `src/replica/membership.ts` and `control.ts` have it.
class Member implements Told {
  readonly replica: SimulatedReplica;
  readonly name: string;
  toldAtMs = Infinity;
  #set: ReplicaSet;
  readonly #run: Run;

  constructor(run: Run, name: string) {
    this.#run = run;
    this.name = name;
    this.#set = run.newest;
    this.replica = new SimulatedReplica(run.clock, { limits: LIMITS, slowness: 1, oneWayMs: ONE_WAY_MS }, this);
  }

  get isServing(): boolean {
    return this.#set.epoch === 0 || this.#set.replicas.some(({ name }) => name === this.name);
  }

  newerSet(epoch: number): ReplicaSet | undefined {
    // A caller knows more than the replica, which therefore asks its controller.
    if (epoch > this.#set.epoch) this.tell(2 * ONE_WAY_MS);
    return epoch < this.#set.epoch ? this.#set : undefined;
  }

  tell(afterMs: number): void {
    this.#run.clock.at(this.#run.clock.now() + afterMs, () => {
      this.toldAtMs = Math.min(this.toldAtMs, this.#run.clock.now());
      this.#set = this.#run.newest;
    });
  }
}

class Run {
  readonly clock = new VirtualClock();
  readonly random: Random;
  readonly before: ReplicaSet;
  newest: ReplicaSet;
  fromRemoved = 0;
  beforeTold = 0;
  inVain = 0;
  failed = 0;
  readonly #after: ReplicaSet;
  readonly #members: ReadonlyMap<string, Member>;

  constructor({ before, after }: Change, random: Random) {
    this.random = random;
    this.before = this.newest = setOf(0, before);
    this.#after = setOf(1, after);
    const names = setOf(0, Math.max(before, after)).replicas.map(({ name }) => name);
    this.#members = new Map(names.map((name) => [name, new Member(this, name)]));
  }

  change(): void {
    this.newest = this.#after;
    const [least, most] = TOLD_MS;
    for (const member of this.#members.values()) member.tell(least + this.random() * (most - least));
  }

  member(name: string): Member {
    return this.#members.get(name)!;
  }

  /** Counts what a replica that is not in the new set said to a request that reached it at this time. */
  count({ name, toldAtMs }: Member, { kind, set }: Reply & { readonly set?: ReplicaSet }, reachedAtMs: number): void {
    if (reachedAtMs < CHANGE_AT_MS || this.#after.replicas.some((replica) => replica.name === name)) return;
    if (kind === "refused" && set !== undefined) this.inVain++;
    if (kind === "value" && reachedAtMs >= toldAtMs) this.fromRemoved++;
    if (kind === "value" && reachedAtMs < toldAtMs) this.beforeTold++;
  }
}

class Isolate {
  requests = 0;
  learnedAtMs: number | undefined;
  readonly #run: Run;
  readonly #router: Router;

  constructor(run: Run) {
    this.#run = run;
    const { random, clock } = run;
    this.#router = new Router(IDENTITY, run.before, {
      random,
      now: clock.now,
      sleep: clock.sleep,
      connect: ({ name }, learner) => new Connection(run, run.member(name), this, learner),
    });
  }

  async request(serviceMs: number): Promise<void> {
    if (this.learnedAtMs === undefined && this.#run.clock.now() >= CHANGE_AT_MS) this.requests++;
    const job: Job = { serviceMs, hops: 0, startedAtMs: Number.NaN };
    await this.#router.call({ meta: { ...META, job } as JobMeta<Job>, method: undefined, args: [job] }).catch(() => this.#run.failed++);
  }

  hear(set: ReplicaSet | undefined): void {
    if (set !== undefined) this.learnedAtMs ??= this.#run.clock.now();
  }
}

class Connection implements ReplicaConnection {
  readonly #learner: Learner;
  readonly #run: Run;
  readonly #member: Member;
  readonly #isolate: Isolate;

  constructor(run: Run, member: Member, isolate: Isolate, learner: Learner) {
    this.#learner = learner;
    this.#run = run;
    this.#member = member;
    this.#isolate = isolate;
  }

  async call({ args }: CallRequest, delivery: Delivery): Promise<Reply> {
    const reachedAtMs = this.#run.clock.now() + ONE_WAY_MS;
    const reply = await this.#member.replica.call(args[0] as Job, delivery);
    this.#hear(reply.set);
    this.#run.count(this.#member, reply, reachedAtMs);
    return reply;
  }

  fetch(): never {
    throw new Error("The simulation makes calls only.");
  }

  async reserve(meta: RequestMeta, delivery: Delivery): Promise<Reservation> {
    const reservation = await this.#member.replica.reserve((meta as JobMeta<Job>).job, delivery);
    if (reservation.kind === "refused") this.#hear(reservation.set);
    return reservation;
  }

  cancel(): void {}

  #hear(set: ReplicaSet | undefined): void {
    if (set !== undefined) this.#learner.learn(set);
    this.#isolate.hear(set);
  }
}

function setOf(epoch: number, count: number): ReplicaSet {
  const replicas = Array.from({ length: count }, (_, index) => ({ name: `bench/Model/-/${index}.0` }));
  const config = {
    requestRouter: "powerOfTwoChoices",
    retries: { attempts: 2, onlyIfNotStarted: true },
    backpressure: { statusCode: 503, retryAfterMs: 1000 },
    requestTimeoutMs: null,
    ...LIMITS,
  } as const;
  return { epoch, replicas, spill: [], routePrefix: null, config };
}
