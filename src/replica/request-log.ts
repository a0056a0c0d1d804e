/**
 * What a replica writes about the requests that it runs: the access log, and failures.
 */
import { messageOf, thrownName } from "../context/error-text.ts";
import { LogText } from "../context/log-text.ts";
import { writeLog } from "../context/logger.ts";
import type { Scope } from "../context/scope.ts";
import { isRemoteError } from "../protocol/error-codec.ts";
import { ServeError } from "../protocol/errors.ts";
import { isWritten } from "./lifecycle-log.ts";
import { pathOf } from "../protocol/http-request.ts";
import { isError } from "../protocol/strangers.ts";

/** What an HTTP request is known by afterwards. Plain, because each look at a `Request` or `Response` is one at the platform. */
export interface HttpAnswer {
  readonly method: string;
  readonly status: number;
}

/** Writes the line of a call. @param outcome `OK`, `ERROR` or `CANCELLED`. */
export function logCall(method: string | undefined, outcome: string, startedAtMs: number, scope: Scope): void {
  // Looked at first: on the hot path not even the text is made for nothing.
  if (scope.replica.logging.accessLog) logAccess(`CALL ${method ?? "call"} ${outcome}`, startedAtMs, scope);
}

/** Writes the line of an HTTP request. Only a deployment that wants it pays for the look at the URL. */
export function logFetch({ method, status }: HttpAnswer, request: Pick<Request, "url">, startedAtMs: number, scope: Scope): void {
  if (!scope.replica.logging.accessLog) return;
  const { routePrefix = "/", hasSlash = false } = scope.request?.meta ?? {};
  const durationMs = Date.now() - startedAtMs;
  const fields = { method, path: pathSent(request.url, routePrefix, hasSlash), status, durationMs };
  writeLog("INFO", `${method} ${routePrefix} ${status} ${durationMs}ms`, fields, scope);
}

// The handler's URL has lost the prefix; the client sent it.
function pathSent(url: string, prefix: string, hasSlash: boolean): string {
  const path = pathOf(url);
  if (prefix === "/") return path;
  return path === "/" && !hasSlash ? prefix : prefix + path;
}

function logAccess(what: string, startedAtMs: number, scope: Scope): void {
  writeLog("INFO", `${what} ${Date.now() - startedAtMs}ms`, undefined, scope);
}

/** Writes why a request failed; not for what came from another replica, which has logged it. That it was refused is said once more. */
export function logFailure(error: unknown, scope: Scope): void {
  const { request } = scope;
  if (isRemoteError(error) ? request?.meta.hops !== 0 || !isExpected(error) : request?.isFromAfar(error)) return;
  if (isWritten(error)) return writeLog("WARNING", error.message, undefined, scope);
  const level = isExpected(error) ? "WARNING" : "ERROR";
  const message = (isError(error) && messageOf(error)) || thrownName(error);
  writeLog(level, message, { error: new LogText(MAX_ERROR_BYTES, scope.replica.context.env).thrown(error) }, scope);
}

/** How much is written of what an error is, where, and why. */
const MAX_ERROR_BYTES = 49_152;

function isExpected(error: unknown): boolean {
  try {
    return error instanceof ServeError && error.status !== 500 && error.cause === undefined;
  } catch {
    // It does not say what it is.
    return false;
  }
}
