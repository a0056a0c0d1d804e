/**
 * Reads how a request ended: the contract's table of statuses and codes, from the client's side. Pure.
 */
import type { SeenError } from "./app/steps.ts";
import type { Outcome } from "./history.ts";

const NEVER_BEGAN = ["BACK_PRESSURE", "DEPLOYMENT_UNAVAILABLE"];
const NOT_IN_TIME = ["REQUEST_TIMEOUT", "REQUEST_CANCELLED"];

/** Of an error that came by a handle. */
export function outcomeOfError({ code, retryAfterMs, name }: SeenError): Outcome {
  if (code === undefined) return name === "AbortError" ? "left" : "failed";
  if (NEVER_BEGAN.includes(code)) return "refused";
  // A caller repeats what has a time to do so.
  if (code === "REPLICA_UNAVAILABLE") return retryAfterMs === undefined ? "lost" : "refused";
  if (NOT_IN_TIME.includes(code)) return "late";
  return "failed";
}

/** Of an HTTP answer that is no success. */
export function outcomeOfStatus(status: number, retryAfter: string | undefined): Outcome {
  if (status === 503 || status === 429) return retryAfter === undefined ? "lost" : "refused";
  if (status === 502) return "lost";
  if (status === 408 || status === 499) return "late";
  return "failed";
}

/** Of a connection that failed. */
export function outcomeOfFailure(error: unknown): Outcome {
  const codes = [error, (error as { cause?: unknown }).cause].map((one) => (one as { code?: unknown } | undefined)?.code);
  return codes.includes("ECONNREFUSED") ? "unreachable" : "broken";
}
