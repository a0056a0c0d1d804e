/**
 * Headers of an answer that the client must see otherwise than the application wrote them.
 *
 * Owns: the request's id; `Location` and `Content-Location` behind a prefix, which the application does not know.
 */
import type { RequestMeta } from "./messages.ts";
import { isRequestId, REQUEST_ID_HEADER, withRequestId } from "./http-request.ts";

/**
 * Puts the id on an answer, unless the handler has given it one that is fit, and gives addresses their prefix back.
 *
 * @param isOurs Whether the framework made the response, so that the handler can have set nothing.
 */
export function withAnswerHeaders(response: Response, request: Request, meta: RequestMeta, isOurs: boolean): Response {
  if (isOurs) return withRequestId(response, meta.requestId);
  const own = response.headers.get(REQUEST_ID_HEADER);
  // Set in any case: from here on the headers can be changed.
  const answer = withRequestId(response, isRequestId(own) ? own : meta.requestId);
  const { routePrefix = "/" } = meta;
  if (routePrefix !== "/") restorePrefix(answer.headers, request, routePrefix);
  return answer;
}

const ADDRESSES = ["location", "content-location"];

function restorePrefix(headers: Headers, request: Request, prefix: string): void {
  for (const name of ADDRESSES) {
    const address = headers.get(name);
    if (address === null) continue;
    const restored = withPrefix(address, request.url, prefix);
    if (restored !== address) headers.set(name, restored);
  }
}

/**
 * The address as the client reaches it: with the application's prefix, if it is a path or a URL of the request's own
 * origin and has not got it. What is relative, or of another origin, is left as it is.
 */
export function withPrefix(address: string, requestUrl: string, prefix: string): string {
  const isPath = address.startsWith("/");
  // Relative to the request's own address, which the client knows with its prefix; or another host, "//host" or "/\host".
  if (!isPath && !/^[a-z][a-z0-9+.-]*:/i.test(address)) return address;
  if (/^\/[\t\n\r]*[/\\]/.test(address) || !URL.canParse(address, requestUrl)) return address;
  const { origin } = new URL(requestUrl);
  const url = new URL(address, origin);
  if (url.origin !== origin || hasPrefix(isPath ? address : url.pathname, prefix)) return address;
  // As it resolves: the "../" of a path must not lead out of the application.
  url.pathname = prefix + url.pathname;
  return isPath ? url.href.slice(origin.length) : url.href;
}

function hasPrefix(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && /^(?:[/?#]|$)/.test(path.slice(prefix.length));
}
