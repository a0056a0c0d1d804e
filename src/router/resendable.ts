/**
 * An HTTP request that survives a refusal: its body can be read only once, and a claim must not lose it.
 */

/** Bodies up to this are kept in memory, so that the request can be sent again; for larger ones a slot is reserved first. */
const MAX_KEPT_BYTES = 64 * 1024;

/** How a request is sent, attempt by attempt. */
export interface ResendableRequest {
  /** The request for the next attempt. */
  request(): Request;
  /** Whether there is one attempt only. */
  readonly isOnce: boolean;
}

/** Prepares a request for more than one attempt. Reads a small body; a large one, or one of unknown length, is left alone. */
export async function resendable(request: Request): Promise<ResendableRequest> {
  if (request.body === null) return { request: () => request, isOnce: false };
  const length = Number(request.headers.get("content-length") || Number.NaN);
  // Not a number compares as false: a body of unknown length may be of any.
  if (!(length <= MAX_KEPT_BYTES)) return { request: () => request, isOnce: true };
  const body = await request.arrayBuffer();
  // oxlint-disable-next-line unicorn/no-invalid-fetch-options -- the method is the one of `request`, which has a body
  return { request: () => new Request(request, { body }), isOnce: false };
}
