import { getRequestContext } from "../../src/context/scope.ts";
import type { ReplicaPorts } from "../../src/replica/replica-ports.ts";
import { delivered, replicaOf } from "./model-replica.ts";

/** A replica of one slot, whose calls run until they are let go, and what they saw. */
export function gateOf(ports: Partial<ReplicaPorts> = {}) {
  const begun: string[] = [];
  const aborted: unknown[] = [];
  const held = new Map<string, PromiseWithResolvers<string>>();
  class Gate {
    hold(name: string) {
      begun.push(name);
      getRequestContext().signal.addEventListener("abort", ({ target }) => aborted.push((target as AbortSignal).reason));
      return gate(name).promise;
    }
  }
  const gate = (name: string) => held.get(name) ?? held.set(name, Promise.withResolvers<string>()).get(name)!;
  const replica = replicaOf(Gate, { limits: { maxOngoingRequests: 1, maxQueuedRequests: 2 }, ...ports });
  const send = (mode: "claim" | "queue", name: string) => replica.call(delivered({ id: name, mode }, "hold", name));
  return { replica, send, begun, aborted, let: (name: string) => gate(name).resolve(name) };
}
