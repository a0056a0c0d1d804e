/**
 * The request as the handler sees it: with its id, without what the framework sent along.
 *
 * It is the request that came in. To make another one, with one header more, would cost more than all else that happens to a
 * request here, and most handlers never look at the headers. So the id joins them when somebody looks, copies the request, or
 * fetches it: the prototype and two globals see to that.
 *
 * Owns: what of a request differs from what came in; the globals `Request` and `fetch`, which are as before for all else.
 * Does not own: the prefix, which the ingress has removed.
 *
 * Invariants:
 *   Q1. What is read through the request, its `clone()`, a `new Request` of it, or where it is fetched, is the same.
 */
import { ID, isUnmarked } from "../protocol/request-mark.ts";
import { REQUEST_ID_HEADER } from "../protocol/http-request.ts";
import { cfOf, ENVELOPE_IN_CF, envelopeOf, KEYED_IN_CF } from "../protocol/wire.ts";

/** The headers of a request that has no id yet, once somebody has looked. */
const HEADERS = Symbol("the request's headers");

interface Unmarked {
  [ID]?: string;
  [HEADERS]?: Headers;
}

class SeenRequest extends Request {}

const headersOf = Object.getOwnPropertyDescriptor(Request.prototype, "headers")!.get as (this: Request) => Headers;

// On the prototype, once: what is defined for each request would cost more than the rest of dispatch.
Object.defineProperties(SeenRequest.prototype, {
  json: { value: clientJson, configurable: true, writable: true },
  clone: { value: copied, configurable: true, writable: true },
  headers: {
    get(this: Request & Unmarked) {
      const sent = headersOf.call(this);
      if (this[ID] === undefined) return sent;
      if (this[HEADERS] === undefined) {
        this[HEADERS] = new Headers(sent);
        this[HEADERS].set(REQUEST_ID_HEADER, this[ID]);
      }
      return this[HEADERS];
    },
    configurable: true,
  },
});

function copied(this: Request): Request {
  const { headers } = this;
  const copy = Request.prototype.clone.call(this);
  return isUnmarked(this) ? new SeenRequest(copy, { headers }) : (Object.setPrototypeOf(copy, SeenRequest.prototype) as Request);
}

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

/**
 * What the handler is given of a request that came in.
 *
 * @param requestId What its id is, whether it came with one or not.
 */
export function seenRequest(request: Request, requestId: string): Request {
  const isMarked = request.headers.get(REQUEST_ID_HEADER) === requestId;
  let seen = request;
  if (envelopeOf(request) !== undefined) {
    const { [ENVELOPE_IN_CF]: _, [KEYED_IN_CF]: __, ...cf } = cfOf(request)!;
    seen = new Request(request, { cf } as RequestInit);
  }
  Object.setPrototypeOf(seen, SeenRequest.prototype);
  if (!isMarked) (seen as Unmarked)[ID] = requestId;
  return seen;
}

type Args = [input: unknown, init?: object];

function withHeaders([input, init]: Args): Args {
  return isUnmarked(input) ? [input, { headers: input.headers, ...init }] : init === undefined ? [input] : [input, init];
}

// Before the application's modules are evaluated, which may keep the globals for later.
const { fetch } = globalThis;
globalThis.fetch = ((...args: Args) => (fetch as (...args: Args) => Promise<Response>)(...withHeaders(args))) as typeof fetch;
globalThis.Request = new Proxy(Request, {
  construct: (target, args, newTarget) => Reflect.construct(target, withHeaders(args as Args), newTarget) as Request,
});
