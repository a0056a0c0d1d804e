/**
 * Where a batched function runs: in a scope of its own, made from those of its callers.
 *
 * It has the first caller's replica and request, so `serve.logger`, `getReplicaContext()` and handles work in it. It does not end
 * with that caller: a batch is done for all of them, and what it calls through handles must not be cancelled because one of ten
 * left. So its signal aborts when the last caller has left, and its deadline is the latest of theirs.
 */
import { RequestScope, type Scope } from "../context/scope.ts";
import type { RequestMeta } from "../protocol/messages.ts";

/** The scope of a batch, and the request in it, which the batch aborts when nobody waits any more. */
export interface BatchScope {
  readonly scope: Scope | undefined;
  readonly request: RequestScope | undefined;
}

/** Makes the scope of a batch from its callers', the first caller's first. */
export function batchScopeOf(scopes: readonly (Scope | undefined)[]): BatchScope {
  const inReplica = scopes.find((scope) => scope !== undefined);
  if (inReplica === undefined) return { scope: undefined, request: undefined };
  const metas = scopes.flatMap((scope) => scope?.request?.meta ?? []);
  const [first] = metas;
  if (first === undefined) return { scope: { replica: inReplica.replica, request: undefined }, request: undefined };
  const request = new RequestScope(sharedMeta(first, metas, metas.length === scopes.length));
  return { scope: { replica: inReplica.replica, request }, request };
}

function sharedMeta(first: RequestMeta, metas: readonly RequestMeta[], isComplete: boolean): RequestMeta {
  const { deadline: _, ...meta } = first;
  // The longest way here counts, so that batches which call each other come to an end.
  const { hops, chain } = metas.reduce((deepest, other) => (other.hops > deepest.hops ? other : deepest), first);
  const deadline = isComplete ? Math.max(...metas.map((other) => other.deadline ?? Infinity)) : Infinity;
  return { ...meta, hops, chain, ...(deadline === Infinity ? {} : { deadline }) };
}
