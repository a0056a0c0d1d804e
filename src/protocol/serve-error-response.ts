/**
 * What an HTTP client is told of an error that edge-serve raised.
 */
// The type only: the errors themselves answer with this.
import type { ServeError } from "./errors.ts";

/** The response to a request that one of edge-serve's errors ended. */
export function serveErrorResponse({ code, message, status, retryAfterMs }: ServeError): Response {
  const headers: Record<string, string> = retryAfterMs === undefined ? {} : { "retry-after": String(Math.ceil(retryAfterMs / 1000)) };
  if (status === 500) return textResponse("Internal Server Error", 500, headers);
  // Why a replica is not there is for the operator's log.
  const isOurs = code === "DEPLOYMENT_UNAVAILABLE" || code === "REPLICA_UNAVAILABLE";
  return textResponse(isOurs ? (status === 502 ? "Bad Gateway" : "Service Unavailable") : message, status, headers);
}

/** A response of plain text. */
export function textResponse(body: string, status: number, headers: Record<string, string> = {}): Response {
  return new Response(body, { status, headers: { "content-type": "text/plain; charset=utf-8", ...headers } });
}
