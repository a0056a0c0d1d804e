/**
 * Knows when the last of a response has been sent: the last byte of a streamed one, the end of a WebSocket.
 */
import type { Scope } from "../src/context/scope.ts";
import { bodyLength } from "../src/replica/body-length.ts";
import { type WhenDone, whenSent } from "../src/replica/response-end.ts";
import { whenEnded } from "../src/replica/socket-pairs.ts";

/** The same as `whenSent`, without a detour for what is in memory already, and also for the answer to an upgrade. */
export function whenSentOrClosed(response: Response, done: WhenDone, scope: Scope): Response {
  const { body } = response;
  if (body !== null && bodyLength(body) === undefined) return whenSent(response, done, scope);
  // The answer to an upgrade has no body.
  const socket = body === null ? response.webSocket : null;
  // A socket that ends elsewhere holds no slot: the replica does nothing for it.
  if (socket === null || !whenEnded(socket, scope.replica.after, done)) done();
  // A client that has gone before the answer has reached the ingress leaves a socket whose ends hear of nothing.
  else scope.request?.onAbort(() => done());
  return response;
}
