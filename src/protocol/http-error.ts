/**
 * What an HTTP client sees of an error: nothing that the application did not mean to show.
 */
import { ServeError } from "./errors.ts";

/** The answer to a request whose handling threw. */
export function errorResponse(thrown: unknown): Response {
  if (thrown instanceof Response) return thrown;
  if (thrown instanceof ServeError) return serveErrorResponse(thrown);
  const status = statusOf(thrown);
  return status === undefined ? text("Internal Server Error", 500) : text(String((thrown as { message?: unknown }).message ?? ""), status);
}

/** Whether the author meant the client to see this: a thrown `Response`, or an error with a status. */
export function isDeliberate(thrown: unknown): boolean {
  return thrown instanceof Response || (!(thrown instanceof ServeError) && statusOf(thrown) !== undefined);
}

function serveErrorResponse(error: ServeError): Response {
  const headers: Record<string, string> =
    error.retryAfterMs === undefined ? {} : { "retry-after": String(Math.ceil(error.retryAfterMs / 1000)) };
  if (error.status === 500) return text("Internal Server Error", 500, headers);
  // Why a replica is not there is for the operator's log.
  const isOurs = error.code === "DEPLOYMENT_UNAVAILABLE" || error.code === "REPLICA_UNAVAILABLE";
  return text(isOurs ? "Service Unavailable" : error.message, error.status, headers);
}

function statusOf(thrown: unknown): number | undefined {
  if (typeof thrown !== "object" || thrown === null) return undefined;
  const { status } = thrown as { status?: unknown };
  return typeof status === "number" && Number.isInteger(status) && status >= 400 && status <= 599 ? status : undefined;
}

function text(body: string, status: number, headers: Record<string, string> = {}): Response {
  return new Response(body, { status, headers: { "content-type": "text/plain; charset=utf-8", ...headers } });
}
