import { type ReplicaScope, RequestScope } from "../context/scope.ts";

/**
 * The request that a load runs as. Many wait for one load, so it has one of its own, of the same id and trace as that which
 * began it: no caller's cancellation or deadline ends it for the others.
 */
export function loaderFor(replica: ReplicaScope, request: RequestScope | undefined): RequestScope {
  const { appName, deployment } = replica.context;
  const { deadline: _, ...meta } = request?.meta ?? { requestId: crypto.randomUUID(), chain: [`${appName}/${deployment}`], hops: 0 };
  const loader = new RequestScope(meta);
  loader.work = request?.work;
  return loader;
}
