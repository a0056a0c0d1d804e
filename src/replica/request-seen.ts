/**
 * The request as the handler sees it: with its id, without what the framework sent along.
 *
 * Owns: what of a request differs from what came in.
 * Does not own: the prefix, which the ingress has removed.
 *
 * Invariants:
 *   Q1. What is read through the request, its `clone()`, a `new Request` of it, or where it is passed on, is the same.
 */
import { ENVELOPE_IN_CF } from "../protocol/names.ts";
import { REQUEST_ID_HEADER } from "../protocol/request-id.ts";

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

/** Makes what the handler is given of a request that came in. */
export function seenRequest(request: Request, requestId: string): Request {
  const { cf } = request as { readonly cf?: Record<string, unknown> };
  const carries = cf !== undefined && ENVELOPE_IN_CF in cf;
  const seen = carries ? new SeenRequest(request, { cf: withoutEnvelope(cf) } as RequestInit) : new SeenRequest(request);
  seen.headers.set(REQUEST_ID_HEADER, requestId);
  return seen;
}

function withoutEnvelope(cf: Record<string, unknown>): Record<string, unknown> {
  const rest = { ...cf };
  delete rest[ENVELOPE_IN_CF];
  return rest;
}
