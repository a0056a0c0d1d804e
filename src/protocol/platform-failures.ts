/**
 * Every way in which a call to an object fails on its way, what it means for the request, and how it is put.
 *
 * Nothing is inferred from a message that did not come, and little from one that did: an object that fails may have begun
 * what it was sent, whatever the failure says. Only what is known not to have begun counts as such.
 */
import { SerializationError } from "./errors.ts";

/** How the error begins with which a caller learns that a replica's code does not understand the request. */
export const NOT_UNDERSTOOD = "The replica does not understand the request";
/** How the error begins with which a caller meets an answer that its code does not understand. */
export const UNKNOWN_ANSWER = "The replica's answer is not understood";
/** How the platform says that a message is too large for one call. */
const TOO_LARGE = "limited to 32MiB";
/** How it says that it cannot make of a message what was sent. */
const NOT_READ = "Unable to deserialize cloned data";

/** What is known of a request whose call failed. */
export type PlatformFailure =
  /** The object has too much to do. It never saw the request; asking the same object again makes it worse. */
  | "overloaded"
  /** The replica answered that it did not begin the request. */
  | "not-started"
  /** The object is gone, or could not be reached, and may have begun the request. */
  | "lost"
  /** The message could not be sent, or its answer not be given: a value in it cannot cross. No object is lost. */
  | "unsendable";

/** The classes of errors that the platform throws at a value. What it throws at a connection is a plain `Error`. */
const OF_VALUES: ReadonlySet<unknown> = new Set(["TypeError", "RangeError", "DataCloneError", "AbortError"]);

/** Names the failure behind an error that a call to an object threw. */
export function classifyFailure(error: unknown): PlatformFailure {
  if (typeof error !== "object" || error === null) return "lost";
  const { name, message, overloaded, retryable, durableObjectReset } = error as FlaggedError;
  if (overloaded === true) return "overloaded";
  if (typeof message === "string" && message.startsWith(NOT_UNDERSTOOD)) return "not-started";
  if (durableObjectReset === true || retryable === true) return "lost";
  return OF_VALUES.has(name) || isOfValue(message) ? "unsendable" : "lost";
}

interface FlaggedError {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly overloaded?: unknown;
  readonly retryable?: unknown;
  readonly durableObjectReset?: unknown;
}

function isOfValue(message: unknown): boolean {
  return typeof message === "string" && (message.includes(TOO_LARGE) || message.startsWith(NOT_READ));
}

/** Turns the platform's refusal to send a value into one that says which value; returns any other error as it is. */
export function explainRefusal(error: unknown, subject: string): unknown {
  if (!(error instanceof Error)) return error;
  if (error.message.includes(TOO_LARGE)) {
    return new SerializationError(
      `${subject} is larger than 32 MiB, the most that one call carries. Send a ReadableStream, or several smaller calls.`,
      { cause: error },
    );
  }
  if (error.name === "DataCloneError") {
    return new SerializationError(`${subject} cannot be sent: ${error.message}`, { cause: error });
  }
  return error;
}
