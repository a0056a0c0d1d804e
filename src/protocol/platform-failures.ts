/**
 * Every way in which a call to an object fails on its way, and what it means for the request.
 *
 * The strings are workerd's and Cloudflare's own; where one of their flags says the same, the flag decides. Two are ours,
 * for a caller and a replica that do not understand each other.
 */

/** How the error begins with which a caller learns that a replica's code does not understand the request. */
export const NOT_UNDERSTOOD = "The replica does not understand the request";
/** How the error begins with which a caller meets an answer that its code does not understand. */
export const UNKNOWN_ANSWER = "The replica's answer is not understood";

/** What is known of a request whose call failed. */
export type PlatformFailure =
  /** The object has too much to do. It never saw the request; asking the same object again makes it worse. */
  | "overloaded"
  /** The object never began the request: it could not be reached, could not be made, or does not understand it. */
  | "not-started"
  /** The object is gone, and may have begun the request. */
  | "lost"
  /** Not the platform's doing. */
  | "unknown";

interface FlaggedError {
  readonly message?: unknown;
  readonly overloaded?: unknown;
  readonly retryable?: unknown;
  readonly durableObjectReset?: unknown;
}

const NOT_STARTED = [
  // The id could not be looked up, or the account was told to slow down: nothing was delivered.
  "Cannot resolve Durable Object due to transient issue on remote node",
  "Your account is generating too much load on Durable Objects",
  NOT_UNDERSTOOD,
];

const LOST = [
  "Network connection lost",
  "Durable Object reset because its code was updated",
  "Durable Object connection closed because the object was reset",
  "this Durable Object instance is no longer active",
  "Durable Object storage operation exceeded timeout which caused object to be reset",
  "exceeded its memory limit",
  "exceeded its CPU time limit",
  "internal error; reference =",
  "The execution context",
  UNKNOWN_ANSWER,
];

/** Names the failure behind an error that a call to an object threw. */
export function classifyFailure(error: unknown): PlatformFailure {
  if (typeof error !== "object" || error === null) return "unknown";
  const { message, overloaded, retryable, durableObjectReset } = error as FlaggedError;
  const text = typeof message === "string" ? message : "";
  if (overloaded === true) return "overloaded";
  if (NOT_STARTED.some((known) => text.includes(known))) return "not-started";
  if (durableObjectReset === true || retryable === true || LOST.some((known) => text.includes(known))) return "lost";
  return "unknown";
}
