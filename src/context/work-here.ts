import { type OuterRequest, outerRequest } from "./outer-request.ts";
import { currentScope } from "./scope.ts";
import { Work } from "./work.ts";

const outer = new WeakMap<OuterRequest, Work>();

/** The request of the Worker that is being handled: that of whoever calls, or a new one. */
export function workHere(keepAlive: ((promise: Promise<unknown>) => void) | undefined): Work {
  const known = currentScope()?.request?.work;
  if (known !== undefined) return known;
  const request = outerRequest();
  if (request === undefined) return new Work(keepAlive);
  let work = outer.get(request);
  if (work === undefined) outer.set(request, (work = new Work(keepAlive)));
  return work;
}
