/**
 * The request as the handler sees it: with its id, without what the framework sent along.
 *
 * Owns: what of a request differs from what came in.
 * Does not own: the prefix, which the ingress has removed.
 *
 * Invariants:
 *   Q1. What is read through the request, its `clone()`, a `new Request` of it, or where it is passed on, is the same.
 */
import { cfOf, ENVELOPE_IN_CF, envelopeOf } from "../protocol/wire.ts";

// A request of its own: the platform looks past properties that are laid over one.
class SeenRequest extends Request {}

// On the prototype, once: a function for each request would cost more than the rest of dispatch.
Object.defineProperty(SeenRequest.prototype, "json", { value: clientJson, configurable: true, writable: true });

/**
 * The body as JSON. A failure is the client's: a `SyntaxError` with status 400 that says what is wrong. The platform's own
 * error could not be told from a bug in the handler.
 */
async function clientJson(this: Request): Promise<unknown> {
  try {
    return await Request.prototype.json.call(this);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const { pathname } = new URL(this.url);
    const message = `The body of ${this.method} ${pathname} is not JSON: ${error.message}`;
    throw Object.assign(new SyntaxError(message, { cause: error }), { status: 400 });
  }
}

/** What the handler is given of a request that came in. */
export function seenRequest(request: Request): Request {
  if (envelopeOf(request) !== undefined) {
    const { [ENVELOPE_IN_CF]: _, ...cf } = cfOf(request)!;
    return new SeenRequest(request, { cf } as RequestInit);
  }
  // The request itself: another one would cost more than all else that happens to it here.
  return Object.setPrototypeOf(request, SeenRequest.prototype) as Request;
}
