/**
 * The id that a handler's request has not got yet: it joins the headers when somebody looks (replica/request-seen.ts).
 *
 * Owns: the mark on such a request, for whoever has the platform itself read a request.
 */
import { isProxy } from "./strangers.ts";

/** The id that a request is still to get. */
export const ID: unique symbol = Symbol("the request's id");

/** Whether the platform would read a request without its id. */
export function isUnmarked(input: unknown): input is Request {
  return typeof input === "object" && input !== null && !isProxy(input) && ID in input;
}

/** A request with everything that is to be seen of it, where the platform itself is to read it; anything else as it is. */
export function marked<T>(input: T): T {
  return isUnmarked(input) ? (new Request(input, { headers: input.headers }) as Request & T) : input;
}
