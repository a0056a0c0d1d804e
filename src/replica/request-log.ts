/**
 * What a replica writes about the requests that it runs: the access log, where it is wanted, and failures.
 */
import { messageOf, thrownName } from "../context/error-text.ts";
import { LogText } from "../context/log-text.ts";
import { type LogScope, writeLog } from "../context/logger.ts";
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
  writeLog("INFO", `CALL ${method ?? "call"} ${outcome} ${Date.now() - startedAtMs}ms`, undefined, scope);
}

/** Writes the line of an HTTP request. */
export function logFetch({ method, status }: HttpAnswer, request: Pick<Request, "url">, startedAtMs: number, scope: LogScope): void {
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

/**
 * Writes why a request failed; not for what came from another replica, which has logged it. What the framework itself refused there was
 * logged by nobody while it waited, so it is where the request came in.
 *
 * @param what What failed, where the log has no other line of it.
 */
export function logFailure(error: unknown, scope: Scope, what?: string): void {
  const { request } = scope;
  if (isRemoteError(error) ? request?.meta.hops !== 0 || !isExpected(error) : request?.isFromAfar(error)) return;
  const about = what === undefined ? "" : `${what}: `;
  if (isWritten(error)) return writeLog(what === undefined ? "WARNING" : "ERROR", about + error.message, undefined, scope);
  const level = isExpected(error) ? "WARNING" : "ERROR";
  const message = about + ((isError(error) && messageOf(error)) || thrownName(error));
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
