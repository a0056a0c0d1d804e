/**
 * An HTTP request that survives a refusal: its body can be read only once, and a claim must not lose it.
 */
import { RequestCancelledError } from "../protocol/errors.ts";

/** Bodies up to this are kept in memory, so that the request can be sent again; for larger ones a slot is reserved first. */
const MAX_KEPT_BYTES = 64 * 1024;

/** An HTTP request that is sent attempt by attempt. */
export class Resendable {
  readonly #request: Request;
  readonly #body: ArrayBuffer | undefined;
  /** Whether there is one attempt only. */
  readonly isOnce: boolean;

  constructor(request: Request, { body, isOnce = false }: { readonly body?: ArrayBuffer; readonly isOnce?: boolean } = {}) {
    this.#request = request;
    this.#body = body;
    this.isOnce = isOnce;
  }

  get signal(): AbortSignal {
    return this.#request.signal;
  }

  /** The request for the next attempt. */
  request(): Request {
    // oxlint-disable-next-line unicorn/no-invalid-fetch-options -- the method is the one of the request, which has a body
    return this.#body === undefined ? this.#request : new Request(this.#request, { body: this.#body });
  }
}

/**
 * Prepares a request for more than one attempt. Reads a small body; a large one, or one of unknown length, is left alone,
 * and so is the body of a request that cannot be built anew with one.
 *
 * @throws RequestCancelledError if the body breaks off; TypeError if it has been read before.
 */
export async function resendable(request: Request): Promise<Resendable> {
  if (request.body === null) return new Resendable(request);
  const length = Number(request.headers.get("content-length") || Number.NaN);
  // Not a number compares as false: a body of unknown length may be of any.
  if (!(length <= MAX_KEPT_BYTES) || !canBeRebuilt(request)) return new Resendable(request, { isOnce: true });
  if (request.bodyUsed) throw new TypeError("The request's body has been read already, so no application can be given it.");
  return new Resendable(request, { body: await request.arrayBuffer().catch(brokenOff) });
}

// `new Request` refuses a body for these methods, although a client may send one.
function canBeRebuilt({ method }: Request): boolean {
  return method !== "GET" && method !== "HEAD";
}

function brokenOff(cause: unknown): never {
  throw new RequestCancelledError("The request's body broke off: its client has gone.", { cause });
}
