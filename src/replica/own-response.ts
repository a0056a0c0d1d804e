/**
 * Whether a `Response` that a handler returned or threw can be sent at all. The platform finds out when it is too late to
 * answer anything else.
 */
import { wasAccepted } from "./socket-pairs.ts";

const HANDLED = "The HTTP handler returned";

/**
 * Returns the response.
 *
 * @param request What it answers; a socket needs one that asked for it.
 * @throws TypeError that says why it cannot be sent: it is no real response, an error response, read, or locked, or has a
 * socket that is no answer.
 */
export function sendable(response: Response, request: Request | undefined): Response {
  const status = statusOf(response);
  if (status === undefined) {
    throw new TypeError(`${HANDLED} a Proxy of a Response, or an object that only inherits from one. Return the Response itself.`);
  }
  if (status === 0) throw new TypeError(`${HANDLED} Response.error(), which cannot be sent. Return a Response with a status.`);
  // A body that cannot be read again would never end, and the client would wait for it.
  if (response.bodyUsed || response.body?.locked === true) {
    throw new TypeError(`${HANDLED} a Response whose body has been read or is being read. Return its clone(), made before.`);
  }
  if (status === 101) checkSocket(response, request);
  return response;
}

function checkSocket(response: Response, request: Request | undefined): void {
  const { webSocket = null } = response as { readonly webSocket?: WebSocket | null };
  if (webSocket === null || request === undefined) return;
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    throw new TypeError(`${HANDLED} a WebSocket, but the request did not ask for one: it has no "Upgrade: websocket".`);
  }
  if (wasAccepted(webSocket)) {
    throw new TypeError(`${HANDLED} an end of a WebSocketPair that it has accepted. Accept one end, and return the other.`);
  }
}

/** Whether something claims to be a `Response` of this runtime. A proxy may throw when it is asked. */
export function isResponse(value: unknown): value is Response {
  try {
    return value instanceof Response;
  } catch {
    return false;
  }
}

/** A thrown `Response`, which is an answer like a returned one. Anything else is thrown again. */
export function thrownResponse(thrown: unknown): Response {
  if (isResponse(thrown)) return thrown;
  throw thrown;
}

/** Whether something is a `Response` of another library, which would be sent as empty JSON. */
export function isForeignResponse(value: object): boolean {
  try {
    const { status, headers, arrayBuffer } = value as { status?: unknown; headers?: unknown; arrayBuffer?: unknown };
    return typeof status === "number" && typeof arrayBuffer === "function" && typeof headers === "object";
  } catch {
    return false;
  }
}

// Past any trap: a proxy that passes for a response is none to the platform.
const STATUS = Object.getOwnPropertyDescriptor(Response.prototype, "status")!.get as (this: Response) => number;

function statusOf(response: Response): number | undefined {
  try {
    return STATUS.call(response);
  } catch {
    return undefined;
  }
}
