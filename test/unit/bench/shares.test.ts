import { describe, expect, it } from "vitest";
import { claimThenQueue } from "../../../bench/simulation/claim-then-queue.ts";
import { VirtualClock } from "../../../bench/simulation/clock.ts";
import { exponential, seeded } from "../../../bench/simulation/random.ts";
import { type Job, SimulatedReplica } from "../../../bench/simulation/replica.ts";

const REPLICAS = 10;
const SLOTS = 5;
const SERVICE_MS = 50;
const LIMITS = { maxOngoingRequests: SLOTS, maxQueuedRequests: 1000 };

interface Course {
  readonly isolates: number;
  readonly load: number;
  /** A fiftieth of the load from then on. */
  readonly quietFromMs?: number;
  readonly forMs: number;
  /** The first replica takes three times as long until then. */
  readonly slowUntilMs?: number;
}

/** How many requests each replica began from one time to another, as multiples of an even share. */
interface Shares {
  between(fromMs: number, toMs: number): number[];
  /** How far from an even share chance may lead: five standard deviations. */
  chance(fromMs: number, toMs: number): number;
}

async function sharesOf({ isolates, load, forMs, quietFromMs = forMs, slowUntilMs = 0 }: Course): Promise<Shares> {
  const clock = new VirtualClock();
  const draw = seeded(3);
  const even = { limits: LIMITS, slowness: 1, oneWayMs: 5 };
  const changing = { ...even, slowness: slowUntilMs > 0 ? 3 : 1 };
  const replicas = Array.from({ length: REPLICAS }, (_, index) => new SimulatedReplica(clock, index === 0 ? changing : even));
  const begun = replicas.map(() => [] as number[]);
  replicas.forEach((replica, index) => recordBegun(replica, begun[index]!));
  const makeCaller = claimThenQueue.callersIn({ clock, replicas, random: seeded(4) });
  const callers = Array.from({ length: isolates }, makeCaller);
  const arrive = () => {
    const job: Job = { serviceMs: exponential(draw, SERVICE_MS), hops: 0, startedAtMs: Number.NaN };
    void callers[Math.floor(draw() * isolates)]!.call(job);
    const gapMs = exponential(draw, SERVICE_MS / ((clock.now() < quietFromMs ? load : load / 50) * REPLICAS * SLOTS));
    if (clock.now() + gapMs < forMs) clock.at(clock.now() + gapMs, arrive);
  };
  clock.at(slowUntilMs, () => void (changing.slowness = 1));
  clock.at(0, arrive);
  await clock.run();
  const counts = (fromMs: number, toMs: number) => begun.map((times) => times.filter((ms) => ms >= fromMs && ms < toMs).length);
  const meanOf = (numbers: readonly number[]) => numbers.reduce((sum, count) => sum + count, 0) / REPLICAS;
  return {
    between: (fromMs, toMs) => counts(fromMs, toMs).map((count) => count / meanOf(counts(fromMs, toMs))),
    chance: (fromMs, toMs) => 5 / Math.sqrt(meanOf(counts(fromMs, toMs))),
  };
}

function recordBegun(replica: SimulatedReplica, times: number[]): void {
  const call = replica.call.bind(replica);
  replica.call = async (job, delivery) => {
    const reply = await call(job, delivery);
    if (reply.kind === "value") times.push(job.startedAtMs);
    return reply;
  };
}

describe("each replica's share of the requests", () => {
  it.each([1, 100])("is even while nothing is busy, from %i isolates", async (isolates) => {
    const shares = await sharesOf({ isolates, load: 0.01, forMs: 300_000 });
    for (const share of shares.between(0, 300_000)) expect(Math.abs(share - 1)).toBeLessThan(shares.chance(0, 300_000));
  });

  it("is even while equal replicas are busy", async () => {
    const shares = await sharesOf({ isolates: 100, load: 0.7, forMs: 20_000 });
    for (const share of shares.between(0, 20_000)) expect(Math.abs(share - 1)).toBeLessThan(0.1);
  });

  it.each([0.5, 0.8])("is small for a slow one, and the old one within seconds after it recovers, at load %d", async (load) => {
    const shares = await sharesOf({ isolates: 100, load, forMs: 30_000, slowUntilMs: 15_000 });
    expect(shares.between(5000, 15_000)[0]).toBeLessThan(0.6);
    expect(shares.between(20_000, 30_000)[0]).toBeGreaterThan(0.85);
  });

  it("is even again seconds after the load ends that had made them refuse", async () => {
    const shares = await sharesOf({ isolates: 1, load: 0.9, quietFromMs: 10_000, forMs: 200_000, slowUntilMs: 10_000 });
    expect(shares.between(5000, 10_000)[0]).toBeLessThan(0.6);
    for (const share of shares.between(20_000, 200_000)) expect(Math.abs(share - 1)).toBeLessThan(shares.chance(20_000, 200_000));
  });
});
