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
 *   K1. The application's sockets are the platform's own, and nobody but the application accepts, sends on or closes them; unless
 *       its object goes away, which a client could not tell from a lost connection.
 *   K2. Once nothing refers to a pair, nothing here keeps it.
 */

import type { After } from "../context/with-timeout.ts";

/** What is known of one end of a pair. */
interface End {
  readonly peer: WebSocket;
  isAccepted: boolean;
  /** Whether the application has closed this end itself. */
  isClosed: boolean;
  /** Told when it does. */
  closed?: () => void;
}

/** How long the other side has to answer when the application has closed its end. One that has vanished never does. */
const CLOSING_MS = 10_000;

const ends = new WeakMap<WebSocket, End>();

/** Whether the application has accepted this end itself. */
export function wasAccepted(socket: WebSocket): boolean {
  return ends.get(socket)?.isAccepted === true;
}

/**
 * Calls `ended` once when the connection of a socket that a handler returned is over: closed, broken off, or failed. Also
 * when the application has closed its end and hears nothing for ten seconds: not every client answers, and not every
 * client that has gone is noticed.
 *
 * Returns `false` for one whose end does not come to pass here, and then calls nothing: the application has not accepted
 * its own end, lets it hibernate, or has the socket from elsewhere and only passes it on.
 */
export function whenSocketEnded(returned: WebSocket, wait: After, ended: () => void): boolean {
  const peer = ends.get(returned)?.peer;
  const own = peer === undefined ? undefined : ends.get(peer);
  if (peer === undefined || own?.isAccepted !== true) return false;
  let isOver = false;
  let forget: (() => void) | undefined;
  const end = () => {
    forget?.();
    if (!isOver) ended();
    isOver = true;
  };
  own.closed = () => {
    if (!isOver) forget ??= wait(CLOSING_MS, end);
  };
  if (own.isClosed) own.closed();
  // A connection that fails has an "error" and no "close"; one that is closed may have both.
  peer.addEventListener("close", end);
  peer.addEventListener("error", end);
  return true;
}

/** The object goes away. */
const GOING_AWAY = 1001;

/** Closes the application's end of a socket that a handler returned, because its object goes away. */
export function closeLeaving(returned: WebSocket, reason: string): void {
  try {
    ends.get(returned)?.peer.close(GOING_AWAY, reason);
  } catch {
    // It is closed already.
  }
}

type Pair = { readonly 0: WebSocket; readonly 1: WebSocket };

function remember({ 0: first, 1: second }: Pair): void {
  watch(first, { peer: second, isAccepted: false, isClosed: false });
  watch(second, { peer: first, isAccepted: false, isClosed: false });
}

function watch(socket: WebSocket, end: End): void {
  ends.set(socket, end);
  // Nothing else tells whether a socket has been accepted, or closed from here.
  after(socket, "accept", () => (end.isAccepted = true));
  after(socket, "close", () => {
    end.isClosed = true;
    end.closed?.();
  });
}

function after(socket: WebSocket, name: "accept" | "close", happened: () => void): void {
  const method = Reflect.get(socket, name) as Function;
  Object.defineProperty(socket, name, {
    value(this: WebSocket, ...args: unknown[]) {
      Reflect.apply(method, this, args);
      happened();
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
