/**
 * The routing of edge-serve: the real `Router` with its policy and its knowledge, under virtual time.
 */
import type { RequestMeta } from "../../src/protocol/messages.ts";
import type { ReplicaSet, RouterConfig } from "../../src/protocol/replica-set.ts";
import { type ReplicaConnection, Router } from "../../src/router/router.ts";
import type { Routing, World } from "./caller.ts";
import type { Job, SimulatedReplica } from "./replica.ts";
import type { JobMeta } from "./slots.ts";

const META: RequestMeta = { requestId: "simulated", chain: ["bench/Model"], hops: 1 };
const IDENTITY = { app: "bench", deployment: "Model" };

export const claimThenQueue: Routing = {
  name: "claim, then queue",
  callersIn(world) {
    const byName = new Map(world.replicas.map((replica, index) => [`bench/Model/-/${index}.0`, replica]));
    const replicas = [...byName.keys()].map((name) => ({ name }));
    const set: ReplicaSet = { epoch: 0, replicas, spill: [], routePrefix: null, config: configOf(world) };
    const ports = {
      random: world.random,
      now: world.clock.now,
      sleep: world.clock.sleep,
      connect: ({ name }: { readonly name: string }) => connectionTo(byName.get(name)!),
    };
    return () => {
      const router = new Router(IDENTITY, set, ports);
      return {
        async call(job) {
          await router.call({ meta: { ...META, job } as JobMeta<Job>, method: undefined, args: [job] });
        },
      };
    };
  },
};

function connectionTo(replica: SimulatedReplica): ReplicaConnection {
  return {
    call: ({ args }, delivery) => replica.call(args[0] as Job, delivery),
    fetch: unused,
    reserve: (meta, delivery) => replica.reserve((meta as JobMeta<Job>).job, delivery),
    cancel: () => {},
  };
}

function unused(): never {
  throw new Error("The simulation makes calls only, and calls without streams.");
}

function configOf({ replicas }: World): RouterConfig {
  return {
    requestRouter: "powerOfTwoChoices",
    retries: { attempts: 2, onlyIfNotStarted: true },
    backpressure: { statusCode: 503, retryAfterMs: 1000 },
    requestTimeoutMs: null,
    ...replicas[0]!.traits.limits,
  };
}
