/**
 * Which end of a WebSocket the application holds, so that the end of the connection can be heard there.
 *
 * The platform tells only the two ends of a socket that it has closed. What a handler returns is the client's end; the
 * other one is the application's, and nothing on the first leads to it. So the pairs that are made are remembered. To put
 * a second pair between the two would show the application other events than the client caused: a lost connection can't
 * be passed on by closing.
 *
 * Owns: the global `WebSocketPair`, which makes the same pairs as before.
 * Does not own: what is done when a socket has ended.
 *
 * Invariants:
 *   K1. The application's sockets are the platform's own, and nobody but the application accepts, sends on or closes them.
 *   K2. Once nothing refers to a pair, nothing here keeps it.
 */

/** What is known of one end of a pair. */
interface End {
  readonly peer: WebSocket;
  isAccepted: boolean;
}

const ends = new WeakMap<WebSocket, End>();

/** Whether the application has accepted this end itself. */
export function wasAccepted(socket: WebSocket): boolean {
  return ends.get(socket)?.isAccepted === true;
}

/**
 * Calls `ended` once when the connection of a socket that a handler returned is over: closed, broken off, or failed.
 *
 * Returns `false` for one whose end does not come to pass here, and then calls nothing: the application has not accepted
 * its own end, lets it hibernate, or has the socket from elsewhere and only passes it on.
 */
export function whenEnded(returned: WebSocket, ended: () => void): boolean {
  const peer = ends.get(returned)?.peer;
  if (peer === undefined || !wasAccepted(peer)) return false;
  let isOver = false;
  const end = () => {
    if (!isOver) ended();
    isOver = true;
  };
  // A connection that fails has an "error" and no "close"; one that is closed may have both.
  peer.addEventListener("close", end);
  peer.addEventListener("error", end);
  return true;
}

type Pair = { readonly 0: WebSocket; readonly 1: WebSocket };

function remember({ 0: first, 1: second }: Pair): void {
  watch(first, { peer: second, isAccepted: false });
  watch(second, { peer: first, isAccepted: false });
}

function watch(socket: WebSocket, end: End): void {
  ends.set(socket, end);
  // Nothing else tells whether a socket has been accepted.
  const { accept } = socket as unknown as { accept(...options: unknown[]): void };
  Object.defineProperty(socket, "accept", {
    value(this: WebSocket, ...options: unknown[]) {
      accept.apply(this, options);
      end.isAccepted = true;
    },
    configurable: true,
    writable: true,
  });
}

// Before the application's modules are evaluated, which may keep the global for later. Node has none.
const runtime = globalThis as { WebSocketPair?: new () => Pair };
if (runtime.WebSocketPair !== undefined) {
  runtime.WebSocketPair = new Proxy(runtime.WebSocketPair, {
    construct(target, args, newTarget) {
      const pair = Reflect.construct(target, args, newTarget) as Pair;
      remember(pair);
      return pair;
    },
  });
}
