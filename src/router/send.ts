/**
 * How a request is sent over a connection: a call, an HTTP request, and what can be sent only once.
 *
 * Classes, because these are made for every request: methods of a prototype cost nothing, and a closure that has a name
 * costs more than the rest of the router, because bundlers that keep names define it at run time.
 */
import { Cancellation } from "../protocol/cancellation.ts";
import { decodeError } from "../protocol/error-codec.ts";
import { RequestCancelledError } from "../protocol/errors.ts";
import type { AdmissionMode, Answer, CallRequest, Delivery, Refusal, Reply, RequestMeta, Reservation } from "../protocol/messages.ts";
import type { ReplicaSet } from "../protocol/replica-set.ts";
import type { Resendable } from "./resendable.ts";

/** A way to a replica, good for one request. */
export interface ReplicaConnection {
  /** A replica set that came with an answer, because it is newer than the caller's. */
  readonly news?: ReplicaSet | undefined;
  call(request: CallRequest, delivery: Delivery): Promise<Reply>;
  fetch(request: Request, meta: RequestMeta, delivery: Delivery): Promise<Response | Refusal>;
  /** Keeps a slot for a request that can be sent only once. */
  reserve(meta: RequestMeta, delivery: Delivery): Promise<Reservation>;
  /** Stops a request that was sent over this connection. */
  cancel(id: string, reason: unknown): void;
}

/** One attempt at one replica. */
export class Attempt {
  readonly delivery: Delivery;
  #isBegun = false;

  constructor(id: string, mode: AdmissionMode | "spill", epoch: number) {
    if (mode === "spill") this.delivery = { id, mode: "claim", epoch, isSpill: true };
    // A claim runs at once or not at all, so one that is lost may have begun; what waits says when it begins.
    else this.delivery = mode === "claim" ? { id, mode, epoch } : { id, mode, epoch, started: () => this.begin() };
  }

  /** Whether the replica may have begun to run the request. */
  get isBegun(): boolean {
    return this.#isBegun;
  }

  /** Says that the replica may run the request from now on. */
  begin(): void {
    this.#isBegun = true;
  }
}

/** A request on its way to some replica. */
export interface Send<T> {
  readonly meta: RequestMeta;
  /** For errors. */
  readonly method: string | undefined;
  /** Whether it can be sent only once, as a stream can. */
  readonly isOnce: boolean;
  /** Sends it, and tells the attempt when it goes to a replica that may run it from then on. */
  over(connection: ReplicaConnection, attempt: Attempt): Promise<T | Refusal>;
}

export class SendCall implements Send<Answer> {
  readonly #request: CallRequest;

  constructor(request: CallRequest) {
    this.#request = request;
  }

  get meta(): RequestMeta {
    return this.#request.meta;
  }
  get method(): string | undefined {
    return this.#request.method;
  }
  get isOnce(): boolean {
    return this.#request.isOnce === true;
  }

  over(connection: ReplicaConnection, attempt: Attempt): Promise<Reply> {
    if (this.isOnce) return this.#overReserved(connection, attempt);
    if (attempt.delivery.mode === "claim") attempt.begin();
    return connection.call(this.#request, attempt.delivery);
  }

  async #overReserved(connection: ReplicaConnection, attempt: Attempt): Promise<Reply> {
    const slot = await reserved(connection, this.meta, attempt);
    return isRefusal(slot) ? slot : connection.call(this.#request, slot);
  }
}

export class SendFetch implements Send<Response> {
  readonly meta: RequestMeta;
  readonly method = "fetch";
  /** Stops the request while it waits for a slot; once it is sent, the platform itself carries the client's going away. */
  readonly cancellation = new Cancellation();
  readonly #request: Resendable;
  readonly #keepAlive: ((promise: Promise<unknown>) => void) | undefined;

  constructor(request: Resendable, meta: RequestMeta, keepAlive: ((promise: Promise<unknown>) => void) | undefined) {
    this.meta = meta;
    this.#request = request;
    this.#keepAlive = keepAlive;
  }

  get isOnce(): boolean {
    return this.#request.isOnce;
  }

  // A fetch cannot say when it begins, so one that has to wait waits for its slot first.
  over(connection: ReplicaConnection, attempt: Attempt): Promise<Response | Refusal> {
    if (this.isOnce || attempt.delivery.mode === "queue") return this.#wait(connection, attempt);
    attempt.begin();
    return connection.fetch(this.#request.request(), this.meta, attempt.delivery);
  }

  #wait(connection: ReplicaConnection, attempt: Attempt): Promise<Response | Refusal> {
    cancelWith(this.#request.signal, this.cancellation);
    this.cancellation.check();
    const answer = this.#overReserved(connection, attempt);
    // A Worker whose client has gone stops, unless it says that it has something to finish: the call to cancel.
    this.#keepAlive?.(answer.catch(() => {}));
    return answer;
  }

  async #overReserved(connection: ReplicaConnection, attempt: Attempt): Promise<Response | Refusal> {
    const slot = await reserved(connection, this.meta, attempt);
    return isRefusal(slot) ? slot : connection.fetch(this.#request.request(), this.meta, slot);
  }
}

/** Whether a replica refused what it was sent. */
export function isRefusal<T>(outcome: T | Refusal): outcome is Refusal {
  return typeof outcome === "object" && outcome !== null && (outcome as { kind?: unknown }).kind === "refused";
}

// The slot first, then the request: what to send with it, or that there is none.
async function reserved(connection: ReplicaConnection, meta: RequestMeta, attempt: Attempt): Promise<Delivery | Refusal> {
  const { started: _, ...delivery } = attempt.delivery;
  const reservation = await connection.reserve(meta, delivery);
  if (reservation.kind === "refused") return reservation;
  if (reservation.kind === "error") throw decodeError(reservation.error);
  attempt.begin();
  return { ...delivery, isReserved: true };
}

function cancelWith(signal: AbortSignal, cancellation: Cancellation): void {
  const cancel = () => cancellation.cancel(new RequestCancelledError("The client went away."));
  if (signal.aborted) cancel();
  else signal.addEventListener("abort", cancel, { once: true });
}
