import { decodeError } from "../../src/protocol/error-codec.ts";
import type { CallRequest, Delivery, Refusal, Reply } from "../../src/protocol/messages.ts";
import { Replica } from "../../src/replica/replica.ts";
import type { ReplicaPorts } from "../../src/replica/replica-ports.ts";
import { replicaScope, requestMeta } from "./scope.ts";

/** A replica of a class or function, with room for everything unless `ports` say otherwise. */
export function replicaOf(target: Function, ports: Partial<ReplicaPorts> = {}): Replica {
  return new Replica({
    scope: replicaScope("Model"),
    target,
    isClass: /^class\b/.test(String(target)),
    router: undefined,
    limits: { maxOngoingRequests: 100, maxQueuedRequests: -1 },
    now: Date.now,
    bindArgs: () => [],
    userConfig: undefined,
    env: {},
    state: undefined,
    receiveHandle: (ref) => ref,
    ...ports,
  });
}

/** A call as a handle sends it. */
export function callOf(method?: string, ...args: unknown[]): CallRequest {
  return { meta: requestMeta({ hops: 1 }), method, args };
}

/** A call as a router delivers it. */
export function delivered(delivery: Delivery, method?: string, ...args: unknown[]): CallRequest {
  return { ...callOf(method, ...args), delivery };
}

/** What a reply carries; throws what the method threw. */
export function valueOf(reply: Reply): unknown {
  if (reply.kind === "error") throw decodeError(reply.error);
  if (reply.kind === "refused") throw refusalError(reply);
  return reply.kind === "value" ? reply.value : reply.items;
}

/** The answer to an HTTP request that takes its turn. */
export async function answerOf(replica: Replica, path = "/", init: RequestInit = {}): Promise<Response> {
  const response = await replica.fetch(new Request(`http://host${path}`, init), requestMeta());
  if (response instanceof Response) return response;
  throw refusalError(response);
}

function refusalError({ failedStart }: Refusal): unknown {
  return failedStart === undefined ? new Error("The replica refused the request.") : decodeError(failedStart);
}
