/**
 * Listens to the clients of HTTP requests that have calls under way, a moment after the first call.
 *
 * Listening costs a tenth of a request, and most requests are over before it could tell them anything. So those that make
 * calls are looked through together, and only those that still run are listened to. A client that has gone by then is
 * noticed then.
 *
 * Invariants:
 *   W1. Without a request that waits to be looked at there is no timer.
 */

/** How long a client that goes away may go unnoticed. */
const MOMENT_MS = 10;

/** What is listened to. */
export interface Watched {
  /** The moment is over. */
  watch(): void;
}

/** The watch of one replica, whose requests may share a timer: a Durable Object has one I/O context for all of them. */
export class ClientWatch {
  #requests: Watched[] = [];

  /** Has `request` looked at a moment from now. */
  add(request: Watched): void {
    if (this.#requests.push(request) === 1) setTimeout(() => this.#look(), MOMENT_MS);
  }

  #look(): void {
    const requests = this.#requests;
    this.#requests = [];
    for (const request of requests) request.watch();
  }
}
