/**
 * A request on its way from the ingress to an application: what travels with it, and what is left of it to be sent elsewhere.
 */
import { after, within } from "../context/with-timeout.ts";
import { RequestTimeoutError } from "../protocol/errors.ts";
import { type HttpExtras, HttpMeta, sessionIn } from "../protocol/http-request.ts";
import { PlatformRequest } from "../protocol/platform-request.ts";
import type { SessionsConfig } from "../protocol/manifest.ts";
import type { RequestMeta } from "../protocol/messages.ts";
import { type IngressTarget, type PreparedRequest, type RoutedApplication, stripPrefix } from "./application-routes.ts";
import type { Chosen } from "./divided.ts";
import type { Arrival } from "./ingress.ts";
import { SessionMeta } from "./session-meta.ts";

/**
 * What travels with a request that has come in over HTTP.
 *
 * @param chosen Where several applications share the prefix.
 */
export function metaOf(arrival: Arrival, application: RoutedApplication, chosen?: Chosen): HttpMeta {
  const { request, isTraced } = arrival;
  const { routePrefix: prefix, sessions } = application;
  const hasSlash = prefix !== "/" && arrival.path.length === prefix.length + 1;
  if (sessions === undefined && chosen === undefined && !hasSlash && !isTraced) return new HttpMeta(request, application);
  const extras: HttpExtras = { isTraced, ...(hasSlash ? { hasSlash } : {}), ...(chosen === undefined ? {} : { traffic: chosen.window }) };
  if (sessions === undefined) return new HttpMeta(request, application, extras);
  return new SessionMeta(request, application, { ...extras, key: keyOf(arrival, sessions) });
}

function keyOf(arrival: Arrival, { header, generated }: SessionsConfig): string | undefined {
  const given = sessionIn(arrival.request.headers, header);
  return generated === true && given === undefined ? (arrival.madeKey ??= crypto.randomUUID()) : given;
}

/** A request, and where it is sent. */
export interface Sending {
  readonly target: IngressTarget;
  request: Request;
  /** What the application is to see as its address, where that goes beside the request. */
  url?: string | undefined;
  /** What is sent in its place, because a body would be lost with it. */
  prepared?: PreparedRequest;
}

/**
 * What is to be sent. A request made with another address costs as much as everything else that the ingress does, so that goes beside the
 * request where it can.
 *
 * @param url What the application is to see; `undefined` where the request has it.
 */
export function sendingOf(target: IngressTarget, request: Request, url: string | undefined): Sending {
  if (url === undefined) return { target, request };
  return target.takesUrl === true && request.body === null
    ? { target, request, url }
    : { target, request: new PlatformRequest(url, request) };
}

// The request with the address that the application is to see.
function addressed(sending: Sending): Request {
  if (sending.url === undefined) return sending.request;
  sending.request = new PlatformRequest(sending.url, sending.request);
  sending.url = undefined;
  return sending.request;
}

/** Sends it. */
export function send(sending: Sending, meta: RequestMeta): Promise<Response> {
  const { target, request, url } = sending;
  return url !== undefined || request.body === null ? target.fetch(request, meta, url) : sendPrepared(sending, meta);
}

// A small body is read before it is sent, and would be lost.
async function sendPrepared(sending: Sending, meta: RequestMeta): Promise<Response> {
  sending.prepared = await sending.target.prepare(sending.request);
  return sending.target.fetch(sending.prepared, meta);
}

/**
 * Sends it, and waits so long for an answer. What a late request still does is stopped by its signal: nothing waits for it any more.
 *
 * @throws RequestTimeoutError when the time is up.
 */
export async function sendInTime(sending: Sending, timeoutMs: number, meta: HttpMeta): Promise<Response> {
  const late = new AbortController();
  const request = addressed(sending);
  sending.request = new PlatformRequest(request, { signal: AbortSignal.any([request.signal, late.signal]) });
  try {
    return await within(send(sending, meta.until(Date.now() + timeoutMs)), { timeoutMs, after }, () => {
      throw new RequestTimeoutError(`Request ${meta.requestId} timed out after ${timeoutMs / 1000}s.`);
    });
  } catch (error) {
    // Only now: what the request comes to when it is stopped is not what its client is told.
    if (error instanceof RequestTimeoutError) late.abort(error);
    throw error;
  }
}

/** The request as it was before it was sent; `undefined` if its body is gone. */
export function unsentOf(sending: Sending): Request | undefined {
  const unsent = sending.prepared?.request() ?? addressed(sending);
  return unsent.bodyUsed ? undefined : unsent;
}

/** The URL as the application sees it. */
export function withoutPrefix(url: string, path: string, prefix: string): string {
  return prefix === "/" ? url : withPath(url, path, stripPrefix(path, prefix));
}

/** The request as it came. */
export function withPrefix(unsent: Request, path: string, prefix: string): Request {
  return prefix === "/" ? unsent : new PlatformRequest(withPath(unsent.url, stripPrefix(path, prefix), path), unsent);
}

function withPath(url: string, before: string, after: string): string {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  return url.slice(0, start) + after + url.slice(start + before.length);
}
