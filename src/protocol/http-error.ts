/**
 * What an HTTP client sees of an error: nothing that the application did not mean to show.
 */
import { ServeError, serveErrorResponse, textResponse } from "./errors.ts";
import { isOfPlatform, isProxy } from "./strangers.ts";

/** The answer to a request whose handling threw. Whatever was thrown, there is one. */
export function errorResponse(thrown: unknown): Response {
  try {
    if (isThrownResponse(thrown)) return thrown;
    if (thrown instanceof ServeError) return serveErrorResponse(thrown);
    const status = statusOf(thrown);
    if (status !== undefined) return textResponse(messageOf(thrown as object) || `Error ${status}`, status);
  } catch {
    // A proxy or a getter that throws: it has nothing to say to a client.
  }
  return textResponse("Internal Server Error", 500);
}

/** Whether a request ended as the author meant it to: with a thrown `Response`, or an error of the client's. */
export function isDeliberate(thrown: unknown): boolean {
  try {
    return isThrownResponse(thrown) || (!(thrown instanceof ServeError) && (statusOf(thrown) ?? 500) < 500);
  } catch {
    return false;
  }
}

// Not what only passes for one, as a proxy does: it cannot be sent.
function isThrownResponse(thrown: unknown): thrown is Response {
  return typeof thrown === "object" && thrown !== null && !isProxy(thrown) && isOfPlatform(thrown, ["Response"]) !== undefined;
}

// Whatever was thrown: its message may be missing, or no text.
function messageOf(thrown: { message?: unknown }): string {
  try {
    return String(thrown.message ?? "");
  } catch {
    return "";
  }
}

function statusOf(thrown: unknown): number | undefined {
  if (typeof thrown !== "object" || thrown === null) return undefined;
  const { status } = thrown as { status?: unknown };
  return typeof status === "number" && Number.isInteger(status) && status >= 400 && status <= 599 ? status : undefined;
}
