/**
 * Ways of routing requests for models. All of them claim, then queue, by the real `Router`; they differ in the order in
 * which replicas are asked.
 */
import type { Policy } from "../../src/router/policy.ts";
import { byModel } from "../../src/router/policies/by-model.ts";
import { powerOfTwoChoices } from "../../src/router/policies/power-of-two-choices.ts";
import { rendezvous } from "../../src/router/policies/rendezvous.ts";
import { ModelHolders } from "../../src/router/model-holders.ts";
import { Router, type ReplicaConnection } from "../../src/router/router.ts";
import type { VirtualClock } from "../simulation/clock.ts";
import type { Random } from "../simulation/random.ts";
import type { Job, ModelReplica } from "./replica.ts";
import type { JobMeta } from "../simulation/slots.ts";

/** What callers find. */
export interface World {
  readonly clock: VirtualClock;
  readonly replicas: readonly ModelReplica[];
  readonly random: Random;
}

/** The routing of one isolate. */
export interface Caller {
  call(job: Job): Promise<void>;
}

/** A way of routing; `learns` is what its callers know of models. */
export interface Routing {
  readonly name: string;
  readonly learns: "nothing" | "answers" | "reports";
  policyIn(world: World): Policy;
}

const shuffled: Policy = ({ candidates, random }, count) =>
  candidates
    .map((_, index) => ({ index, weight: random() }))
    .toSorted((a, b) => a.weight - b.weight)
    .slice(0, count)
    .map(({ index }) => index);

// Knows the true load of every replica at every moment, which no caller can.
const leastLoaded =
  ({ replicas }: World): Policy =>
  ({ random }, count) =>
    replicas
      .map(({ load }, index) => ({ index, load, tie: random() }))
      .toSorted((a, b) => a.load - b.load || a.tie - b.tie)
      .slice(0, count)
      .map(({ index }) => index);

const slotsIn = ({ replicas }: World) => replicas[0]!.traits.slots;

export const RANDOM: Routing = { name: "random", learns: "nothing", policyIn: () => shuffled };
export const TWO_CHOICES: Routing = { name: "two choices", learns: "nothing", policyIn: () => powerOfTwoChoices };
export const LEAST_LOADED: Routing = { name: "least loaded (true loads)", learns: "nothing", policyIn: leastLoaded };
export const RENDEZVOUS: Routing = { name: "rendezvous alone", learns: "nothing", policyIn: () => rendezvous };
export const BY_MODEL: Routing = { name: "by model", learns: "answers", policyIn: (world) => byModel(2 * slotsIn(world)) };
export const BY_MODEL_EAGER: Routing = { ...BY_MODEL, name: "by model, limit halved", policyIn: (world) => byModel(slotsIn(world)) };
export const BY_MODEL_TOLD: Routing = { ...BY_MODEL, name: "by model, every answer lists all models", learns: "reports" };

const META = { requestId: "simulated", chain: ["bench/Model"], hops: 1 };
const IDENTITY = { app: "bench", deployment: "Model" };

/** Makes the caller of one more isolate. */
export function callerIn(world: World, routing: Routing): Caller {
  const { clock, replicas, random } = world;
  const holders = new ModelHolders(clock.now);
  const policy = routing.policyIn(world);
  const byName = new Map(replicas.map((replica) => [replica.traits.name, replica]));
  const router = new Router(
    IDENTITY,
    {
      epoch: 0,
      replicas: [...byName.keys()].map((name) => ({ name })),
      spill: [],
      routePrefix: null,
      config: {
        requestRouter: "custom",
        retries: { attempts: 2, onlyIfNotStarted: true },
        backpressure: { statusCode: 503, retryAfterMs: 1000 },
        requestTimeoutMs: null,
        maxOngoingRequests: slotsIn(world),
        maxQueuedRequests: -1,
      },
    },
    {
      random,
      now: clock.now,
      sleep: clock.sleep,
      connect: ({ name }) => connectionTo(byName.get(name)!, routing.learns, holders),
      customPolicy: (input, count) =>
        policy(
          { ...input, candidates: input.candidates.map((one) => ({ ...one, hasModel: holders.has(one.name, input.affinity!) })) },
          count,
        ),
    },
  );
  return {
    async call(job) {
      await router.call({ meta: { ...META, multiplexedModelId: job.modelId, job } as JobMeta<Job>, method: undefined, args: [job] });
    },
  };
}

function connectionTo(replica: ModelReplica, learns: Routing["learns"], holders: ModelHolders): ReplicaConnection {
  const { name } = replica.traits;
  return {
    async call({ args, meta }, delivery) {
      const job = args[0] as Job;
      const { models, ...reply } = await replica.call(job, meta, delivery);
      if (learns !== "nothing" && reply.kind === "value") holders.saw(name, job.modelId);
      if (learns === "reports") {
        if (!models.includes(job.modelId)) holders.missed(name, job.modelId);
        for (const modelId of models) holders.saw(name, modelId);
      }
      return reply;
    },
    fetch: unused,
    reserve: (meta, delivery) => replica.reserve((meta as JobMeta<Job>).job, delivery),
    cancel: () => {},
  };
}

function unused(): never {
  throw new Error("The simulation makes calls only, and calls without streams.");
}
