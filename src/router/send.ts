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
import { type Explain, guarded } from "./lost-answer.ts";
import type { Resendable } from "./resendable.ts";

/** Who is told of a replica set that came with an answer, because it is newer than the caller's. */
export interface Learner {
  learn(set: ReplicaSet): void;
}

/** A way to a replica. */
export interface ReplicaConnection {
  call(request: CallRequest, delivery: Delivery): Promise<Reply>;
  fetch(request: Request, meta: RequestMeta, delivery: Delivery): Promise<Response | Refusal>;
  /** Keeps a slot for a request that has to wait, or can be sent only once. */
  reserve(meta: RequestMeta, delivery: Delivery): Promise<Reservation>;
  /** Stops a request that was sent over this connection. */
  cancel(id: string, reason: unknown): void;
}

/** One attempt at one replica. */
export class Attempt implements Delivery {
  readonly id: string;
  readonly mode: AdmissionMode;
  readonly epoch: number | undefined;
  readonly isSpill: true | undefined;
  /** Whether the request has its slot already. */
  isReserved: true | undefined;
  /** Whether the request has been sent to be run: from then on the replica may have begun it. */
  isSent = false;

  /** @param epoch What the replica is told of the caller's set; nothing if it has been told lately. */
  constructor(id: string, mode: AdmissionMode | "spill", epoch: number | undefined) {
    this.id = id;
    this.mode = mode === "spill" ? "claim" : mode;
    this.epoch = epoch;
    this.isSpill = mode === "spill" ? true : undefined;
  }
}

/** A request on its way to some replica. */
export interface Send<T> {
  readonly meta: RequestMeta;
  /** For errors. */
  readonly method: string | undefined;
  /** Whether it can be sent only once, as a stream can. */
  readonly isOnce: boolean;
  /** Whether it is worth much to say nothing to a replica that it knows. */
  readonly isTerse: boolean;
  /** Sends it, and notes in the attempt when it goes to a replica that may run it from then on. */
  over(connection: ReplicaConnection, attempt: Attempt): Promise<T | Refusal>;
  /** What to hand on for an answer, of which some may still be to come when the replica is lost. */
  guard(answer: T, explain: Explain): T;
}

/** A request that is sent once it has a slot. */
interface Reservable<T> extends Send<T> {
  send(connection: ReplicaConnection, delivery: Delivery): Promise<T | Refusal>;
}

export class SendCall implements Reservable<Answer> {
  readonly isTerse = false;
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

  // A request that may have to wait waits for its slot first: once it is sent, it may have begun.
  over(connection: ReplicaConnection, attempt: Attempt): Promise<Reply> {
    if (this.isOnce || attempt.mode === "queue") return reserved(this, connection, attempt);
    attempt.isSent = true;
    return connection.call(this.#request, attempt);
  }

  send(connection: ReplicaConnection, delivery: Delivery): Promise<Reply> {
    return connection.call(this.#request, delivery);
  }

  guard(answer: Answer, explain: Explain): Answer {
    return guarded(answer, explain);
  }
}

export class SendFetch implements Reservable<Response> {
  readonly meta: RequestMeta;
  readonly method = "fetch";
  readonly isTerse = true;
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

  over(connection: ReplicaConnection, attempt: Attempt): Promise<Response | Refusal> {
    if (this.isOnce || attempt.mode === "queue") return this.#wait(connection, attempt);
    attempt.isSent = true;
    return this.send(connection, attempt);
  }

  send(connection: ReplicaConnection, delivery: Delivery): Promise<Response | Refusal> {
    return connection.fetch(this.#request.request(), this.meta, delivery);
  }

  // Its status has been sent when its body breaks off, so there is nobody to explain that to.
  guard(answer: Response): Response {
    return answer;
  }

  #wait(connection: ReplicaConnection, attempt: Attempt): Promise<Response | Refusal> {
    cancelWith(this.#request.signal, this.cancellation);
    this.cancellation.check();
    const answer = reserved(this, connection, attempt);
    // A Worker whose client has gone stops, unless it says that it has something to finish: the call to cancel.
    this.#keepAlive?.(answer.catch(() => {}));
    return answer;
  }
}

/** Whether a replica refused what it was sent. */
export function isRefusal<T>(outcome: T | Refusal): outcome is Refusal {
  return typeof outcome === "object" && outcome !== null && (outcome as { kind?: unknown }).kind === "refused";
}

// The slot first, then the request.
async function reserved<T>(send: Reservable<T>, connection: ReplicaConnection, attempt: Attempt): Promise<T | Refusal> {
  const reservation = await connection.reserve(send.meta, attempt);
  if (reservation.kind === "refused") return reservation;
  if (reservation.kind === "error") throw decodeError(reservation.error);
  // The slot is given back should this caller vanish before its request has come.
  using _ = reservation.grant;
  attempt.isSent = true;
  attempt.isReserved = true;
  return await send.send(connection, attempt);
}

function cancelWith(signal: AbortSignal, cancellation: Cancellation): void {
  const cancel = () => cancellation.cancel(new RequestCancelledError("The client went away."));
  if (signal.aborted) cancel();
  else signal.addEventListener("abort", cancel, { once: true });
}
