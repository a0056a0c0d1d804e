/**
 * The id of a request, and its place on a response.
 */
import { REQUEST_ID_PATTERN } from "./names.ts";

/** Header of a request's id, on the request and on the response. */
export const REQUEST_ID_HEADER = "x-request-id";

/** Whether a text that came from outside can be the id of a request. */
export function isRequestId(text: string | null): text is string {
  return text !== null && REQUEST_ID_PATTERN.test(text);
}

/** The id that came with a request, or a new one. */
export function requestIdOf(headers: Headers): string {
  const given = headers.get(REQUEST_ID_HEADER);
  return isRequestId(given) ? given : crypto.randomUUID();
}

/** The response with the id in its headers; a copy where they are immutable, as those of a response from `fetch()`. */
export function withRequestId(response: Response, requestId: string): Response {
  try {
    response.headers.set(REQUEST_ID_HEADER, requestId);
    return response;
  } catch {
    const copy = new Response(response.body, response);
    copy.headers.set(REQUEST_ID_HEADER, requestId);
    return copy;
  }
}
