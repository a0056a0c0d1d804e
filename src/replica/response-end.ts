/**
 * Knows when the last of a response has been sent, the last byte of a stream or the end of a socket: it holds its slot until then.
 */
import { isRemoteError } from "../protocol/error-codec.ts";
import { writeLog } from "../context/logger.ts";
import { currentScope, runInScope, type Scope } from "../context/scope.ts";
import { ReplicaUnavailableError, RequestTimeoutError } from "../protocol/errors.ts";
import { bodyLength } from "./http-response.ts";
import { closeLeaving, whenSocketEnded } from "./socket-pairs.ts";

/** Told once that the last of a response has been sent, or what broke its stream off. */
export type WhenDone = (failure?: { readonly error: unknown }) => void;

/**
 * Returns the response to send instead of `response`, which calls `done` once: at once when there is no body, else
 * with the last byte or when the client goes away. A stream goes on in `scope`, and breaks off at the deadline of the
 * request there.
 */
export function whenSent(response: Response, done: WhenDone, scope: Scope | undefined = currentScope()): Response {
  if (response.body === null) {
    done();
    return response;
  }
  const { body } = response;
  const watch = () => new Response(watched(body, scope, done), response);
  return scope === undefined ? watch() : runInScope(scope, watch);
}

// Not `pipeTo`: the platform's heeds its signal only between two chunks, and the next may never come.
function watched(source: ReadableStream, scope: Scope | undefined, done: WhenDone): ReadableStream {
  const reader = source.getReader();
  const within = <R>(body: () => R): R => (scope === undefined ? body() : runInScope(scope, body));
  const stop = (reason: unknown) => within(() => reader.cancel(reason)).finally(end);
  let forgetDeadline = () => {};
  let isOver = false;
  let failure: { readonly error: unknown } | undefined;
  // The client may go away at the deadline.
  function end(): void {
    if (isOver) return;
    isOver = true;
    forgetDeadline();
    done(failure);
  }
  // The status has been sent: all that is left is to break the connection, and to say why in the log.
  function broken(error: unknown): never {
    if (failure === undefined && !isOver) {
      failure = { error };
      // What came from another replica is an error in that one's log.
      writeLog(isRemoteError(error) ? "WARNING" : "ERROR", "The response's stream failed after it had begun.", { error }, scope);
    }
    end();
    throw error;
  }
  return new ReadableStream(
    {
      start(controller) {
        forgetDeadline = atDeadline(scope, (reason) => {
          failure = { error: reason };
          controller.error(reason);
          // What its clean-up throws has nobody to go to.
          stop(reason).catch(() => {});
        });
      },
      async pull(controller) {
        const next = await within(() => reader.read()).catch(broken);
        if (next.done) {
          controller.close();
          end();
        } else if (canBeSent(next.value)) controller.enqueue(next.value);
        else {
          const error = new TypeError(
            `The response's stream has a chunk that is neither text nor bytes: it is of type ${typeof next.value}.`,
          );
          stop(error).catch(() => {});
          broken(error);
        }
      },
      cancel: stop,
    },
    { highWaterMark: 0 },
  );
}

function canBeSent(chunk: unknown): boolean {
  return typeof chunk === "string" || ArrayBuffer.isView(chunk) || chunk instanceof ArrayBuffer;
}

// Breaks the connection, as a failure does.
function atDeadline(scope: Scope | undefined, breakOff: (reason: unknown) => void): () => void {
  const request = scope?.request;
  if (scope === undefined || request?.deadline === undefined) return () => {};
  return scope.replica.after(Math.max(0, request.deadline - Date.now()), () => {
    writeLog("WARNING", "The response's stream was broken off: the request's deadline has passed.", undefined, scope);
    const reason = new RequestTimeoutError("The request's deadline has passed.");
    breakOff(reason);
    request.abort(reason);
  });
}

/**
 * The same for any answer: without a detour for what is in memory already, and also for the answer to an upgrade, whose end is
 * that of its socket.
 */
export function whenEnded(response: Response, done: WhenDone, scope: Scope): Response {
  const { body } = response;
  if (body !== null && bodyLength(body) === undefined) return whenSent(response, done, scope);
  // The answer to an upgrade has no body. Node's type of a response has no socket.
  const { webSocket = null } = body === null ? (response as { readonly webSocket?: WebSocket | null }) : {};
  // A socket that ends elsewhere holds no slot: the replica does nothing for it.
  if (webSocket === null || !whenSocketEnded(webSocket, scope.replica.after, done)) done();
  // A client that has gone before the answer has reached the ingress leaves a socket whose ends hear of nothing.
  else {
    scope.request?.onAbort((reason) => {
      if (reason instanceof ReplicaUnavailableError) closeLeaving(webSocket, "The replica has been taken out of service.");
      done();
    });
  }
  return response;
}
