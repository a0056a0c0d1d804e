import { RequestScope, type ReplicaScope, type Scope } from "../../src/context/scope.ts";
import { after } from "../../src/context/with-timeout.ts";
import type { RequestMeta } from "../../src/protocol/messages.ts";

/** A replica as user code would find itself in, without access logs. */
export function replicaScope(deployment = "Model"): ReplicaScope {
  return {
    context: {
      appName: "news",
      deployment,
      replicaId: `news/${deployment}/-/0.0`,
      ordinal: 0,
      version: "v1",
      env: {},
      get state(): DurableObjectState {
        throw new Error("There is no Durable Object in this test.");
      },
    },
    logging: { level: "ERROR", accessLog: false },
    after,
    handleTo: () => {
      throw new Error("There are no other deployments in this test.");
    },
  };
}

/** What travels with a request that came over HTTP. */
export function requestMeta(changes: Partial<RequestMeta> = {}): RequestMeta {
  return { requestId: "r1", chain: ["news/Model"], hops: 0, ...changes };
}

/** A request in a replica. */
export function requestScope(changes: Partial<RequestMeta> = {}): Scope {
  return { replica: replicaScope(), request: new RequestScope(requestMeta(changes)) };
}
