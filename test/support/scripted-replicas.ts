import { deployment } from "../../src/api/deployment.ts";
import type { DeploymentOptions } from "../../src/api/options.ts";
import type { AdmissionMode, CallRequest, Delivery, Refusal, Reply } from "../../src/protocol/messages.ts";
import { parseReplicaId } from "../../src/protocol/names.ts";
import type { Policy } from "../../src/router/policy.ts";
import { initialReplicaSet, type ReplicaRef } from "../../src/protocol/replica-set.ts";
import { type ReplicaConnection, Router } from "../../src/router/router.ts";
import { Clock } from "./clock.ts";
import { requestMeta } from "./scope.ts";

/** One message from a router to a replica. */
export interface Hop {
  readonly verb: "call" | "fetch" | "reserve";
  /** The replica's ordinal. */
  readonly replica: number;
  readonly mode: AdmissionMode;
  readonly delivery: Delivery;
  readonly request: CallRequest | Request | undefined;
}

/** What a replica does with a message: takes it, refuses it with a load, or throws. */
export type Behaviour = (hop: Hop) => "taken" | Refusal | Promise<"taken" | Refusal>;

/** What a scripted deployment may have besides its replicas. */
export interface Script {
  readonly numReplicas?: number;
  readonly options?: DeploymentOptions;
  /** In the order of the ordinals unless it is given. */
  readonly policy?: Policy;
  readonly sleep?: (ms: number) => void;
}

/** A call of `Rank.score`. */
export const CALL: CallRequest = { meta: requestMeta({ hops: 1 }), method: "score", args: [] };

/** The connection to an object that is gone. */
export const lost = (): Error => new Error("Network connection lost.");

/** A refusal by a replica that runs and holds this many. */
export function refused(ongoing: number, queued = 0): Refusal {
  return { kind: "refused", load: { ongoing, queued } };
}

/** Refuses claims, and takes what waits. */
export const onlyQueues: Behaviour = ({ mode, delivery }) => (mode === "claim" && delivery.isReserved !== true ? refused(1) : "taken");

const inOrder: Policy = ({ candidates }, count) => candidates.map((_, index) => index).slice(0, count);

/** A router to replicas that do what `behave` says, and a record of all that passed between them. */
export function scripted(behave: Behaviour, { numReplicas = 4, options = {}, policy = inOrder, sleep = () => {} }: Script = {}) {
  const clock = new Clock();
  const hops: Hop[] = [];
  const slept: number[] = [];
  const cancelled: { readonly replica: number; readonly id: string; readonly reason: unknown }[] = [];
  let connections = 0;

  const connect = ({ name }: ReplicaRef): ReplicaConnection => {
    connections++;
    const replica = parseReplicaId(name)!.ordinal;
    const send = async (verb: Hop["verb"], delivery: Delivery, request: Hop["request"]) => {
      // As it is now: the same attempt goes on when its slot is there.
      const hop: Hop = { verb, replica, mode: delivery.mode, delivery: copied(delivery), request };
      hops.push(hop);
      return behave(hop);
    };
    return {
      async call(request, delivery): Promise<Reply> {
        const outcome = await send("call", delivery, request);
        return outcome === "taken" ? { kind: "value", value: replica } : outcome;
      },
      async fetch(request, _, delivery) {
        const outcome = await send("fetch", delivery, request);
        return outcome === "taken" ? new Response(String(replica)) : outcome;
      },
      async reserve(_, delivery) {
        const outcome = await send("reserve", delivery, undefined);
        return outcome === "taken" ? { kind: "reserved" } : outcome;
      },
      cancel: (id, reason) => void cancelled.push({ replica, id, reason }),
    };
  };

  const config = deployment(() => 1, { name: "Rank", numReplicas, ...options }).resolve();
  const router = new Router(
    { app: "news", deployment: "Rank" },
    // The scripts below say what each of these does: there are no others to start.
    { ...initialReplicaSet("news", "Rank", { ...config, requestRouter: "custom" }, null), spill: [] },
    {
      connect,
      random: () => 0.5,
      now: clock.now,
      customPolicy: policy,
      sleep: async (ms) => {
        slept.push(ms);
        sleep(ms);
      },
    },
  );
  return {
    router,
    clock,
    hops,
    slept,
    cancelled,
    connections: () => connections,
    /**
     * The hops since the last look, each as `<mode> <ordinal>`, with the verb where it is not `call`. A call that waited is
     * one entry, `queue 0`, though its slot is asked for first and it is sent then.
     */
    trace: () => hops.splice(0).flatMap((hop, _, all) => traceOf(hop, all)),
  };
}

function copied({ id, mode, epoch, isSpill, isReserved }: Delivery): Delivery {
  return { id, mode, epoch, isSpill, isReserved };
}

function traceOf({ verb, replica, mode, delivery }: Hop, all: readonly Hop[]): string[] {
  const isReserved = delivery.isReserved === true;
  if (verb === "reserve" && mode === "queue") return [`queue ${replica}`];
  if (verb === "call" && isReserved && mode === "queue" && all.some((hop) => hop.verb === "reserve" && hop.delivery.id === delivery.id))
    return [];
  const how = isReserved ? "reserved" : mode;
  return [verb === "call" ? `${how} ${replica}` : `${verb} ${how} ${replica}`];
}
