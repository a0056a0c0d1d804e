/**
 * Which requests cannot end before a request that waits for a model goes on. Waiting for one of these would be for ever.
 */
import type { RequestScope } from "../context/scope.ts";

/** A model that has a place, as far as waiting is concerned. */
export interface Held {
  /** The requests that cannot end without it, or are not done with it. */
  readonly users: ReadonlySet<RequestScope>;
  /** What its load runs as, while it loads: a load may need other models. */
  readonly loader: RequestScope | undefined;
}

/**
 * The requests that wait, those that wait for a model whose load waits, and those whose own call came back to this
 * replica and waits there.
 */
export function blockedRequests(waiting: Iterable<RequestScope>, held: Iterable<Held>): ReadonlySet<RequestScope> {
  const blocked = new Set(waiting);
  const all = [...held];
  for (let known = -1; known !== blocked.size;) {
    known = blocked.size;
    // Hardly any application calls itself, so there is hardly ever a pair to compare.
    const returning = [...blocked].filter(isReturning);
    for (const { users, loader } of all) {
      const isLoadBlocked = loader !== undefined && blocked.has(loader);
      for (const user of users) {
        if (isLoadBlocked || returning.some((request) => isAncestor(user, request))) blocked.add(user);
      }
    }
  }
  return blocked;
}

// The way of a request ends with the deployment that it is in: it has come back if it was there before.
function isReturning({ meta: { chain } }: RequestScope): boolean {
  return chain.indexOf(chain.at(-1) ?? "") < chain.length - 1;
}

// By id and way: two calls that one request made side by side have ways of one length, so neither passes for the other's parent.
function isAncestor({ meta }: RequestScope, descendant: RequestScope): boolean {
  const { requestId, chain } = descendant.meta;
  return meta.requestId === requestId && meta.chain.length < chain.length && meta.chain.every((step, index) => chain[index] === step);
}
