/**
 * Knows when the last of a response has been sent: the last byte of a streamed one, the close of a WebSocket.
 */
import type { Scope } from "../src/context/scope.ts";
import { type WhenDone, whenSent } from "../src/replica/sent.ts";

/** The same as `whenSent`, without a detour for what is in memory already, and also for the answer to an upgrade. */
export function whenSentOrClosed(response: Response, done: WhenDone, scope?: Scope): Response {
  const { body } = response;
  if (body !== null && lengthOf(body) === undefined) return whenSent(response, done, scope);
  // The answer to an upgrade has no body.
  const socket = body === null ? response.webSocket : null;
  if (socket !== null) return whenClosed(response, socket, done);
  done();
  return response;
}

// Where workerd shows an inspector how long a body is, which it knows unless user code is still making it. Without
// this every response would have to be watched to its end, at half the cost of a whole request.
const LENGTH = Object.getOwnPropertySymbols(ReadableStream.prototype).find(({ description }) => description === "length");

function lengthOf(body: ReadableStream): unknown {
  return LENGTH === undefined ? undefined : (body as unknown as Record<symbol, unknown>)[LENGTH];
}

// The platform tells only the two ends of a socket that it has closed, so the replica becomes an end of two.
function whenClosed(response: Response, inner: WebSocket, done: () => void): Response {
  const { 0: outer, 1: relay } = new WebSocketPair();
  inner.accept();
  relay.accept();
  join(inner, relay);
  join(relay, inner);
  let isOpen = true;
  const end = () => {
    if (isOpen) done();
    isOpen = false;
  };
  inner.addEventListener("close", end);
  relay.addEventListener("close", end);
  return new Response(null, { status: response.status, headers: response.headers, webSocket: outer });
}

function join(from: WebSocket, to: WebSocket): void {
  from.binaryType = "arraybuffer";
  from.addEventListener("message", ({ data }) => to.send(data as string | ArrayBuffer));
  from.addEventListener("close", ({ code, reason }) => {
    try {
      // 1005 and 1006 say that there was no code, and may not be sent.
      if (code === 1005 || code === 1006) to.close();
      else to.close(code, reason);
    } catch {
      // The other end has closed already.
    }
  });
}
