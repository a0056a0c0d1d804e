/**
 * How a request is sent over a connection: a call, an HTTP request, and what can be sent only once.
 *
 * Classes, because these are made for every request: methods of a prototype cost nothing, and a closure that has a name
 * costs more than the rest of the router, because bundlers that keep names define it at run time.
 */
import { Cancellation } from "../protocol/cancellation.ts";
import { decodeError } from "../protocol/error-codec.ts";
import { RequestCancelledError } from "../protocol/errors.ts";
import { requestWithBody, takesBody, REQUEST_ID_HEADER } from "../protocol/http-request.ts";
import type {
  AdmissionMode,
  Answer,
  CallRequest,
  Delivery,
  Refusal,
  Reply,
  RequestMeta,
  Reservation,
  ReplicaState,
} from "../protocol/messages.ts";
import type { KeyedConfig } from "../protocol/keys.ts";
import type { ReplicaSet } from "../protocol/replica-set.ts";
import { attributesOf, inSpan, nameSpan } from "../protocol/tracing.ts";
import { type Explain, guarded } from "./lost-answer.ts";

/** Who is told what came with an answer. */
export interface Learner {
  /** A replica set that is newer than the caller's. */
  learn(set: ReplicaSet): void;
  /** The replica has heard which set the caller knew. */
  told(replica: string, epoch: number): void;
  /** What the replica has, as its answer says. */
  heard(replica: string, state: ReplicaState): void;
}

/** A way to a replica. */
export interface ReplicaConnection {
  call(request: CallRequest, delivery: Delivery): Promise<Reply>;
  /** @param url What the replica is to see as the address, instead of the request's own. */
  fetch(request: Request, meta: RequestMeta, delivery: Delivery, url?: string): Promise<Response | Refusal>;
  /** Keeps a slot for a request that has to wait, or can be sent only once. */
  reserve(meta: RequestMeta, delivery: Delivery): Promise<Reservation>;
  /** Stops a request that was sent over this connection. */
  cancel(id: string, reason: unknown): void;
}

/**
 * A request on its way to some replica, and how the attempt at this one is made. One object for all its attempts: they come one
 * after the other.
 */
export abstract class Send<T> implements Delivery {
  readonly meta: RequestMeta;
  /** For errors. */
  abstract readonly method: string | undefined;
  /** Whether it can be sent only once, as a stream can. */
  abstract readonly isOnce: boolean;
  /** Whether it is worth much to say nothing to a replica that it knows. */
  abstract readonly isTerse: boolean;
  /** The replica that is being asked. */
  replica = "";
  mode: AdmissionMode = "claim";
  /** What the replica is told of the caller's set; nothing if it has been told lately. */
  epoch: number | undefined;
  isSpill: true | undefined;
  /** Whether the request has its slot already. */
  isReserved: true | undefined;
  wantsState: true | undefined;
  /** Whether the request has been sent to be run: from then on the replica may have begun it. */
  isSent = false;
  /** What the object of a key is told with it. */
  keyed: KeyedConfig | undefined;
  // Made when something asks for it: most claims over HTTP are never named.
  #id: string | undefined;
  readonly #random: () => number;
  /** How many attempts have begun. */
  #tries = 0;

  constructor(meta: RequestMeta, random: () => number) {
    this.meta = meta;
    this.#random = random;
  }

  get id(): string {
    return (this.#id ??= nextDeliveryId(this.#random));
  }

  /** Whether it may never be sent again once it may have begun, whatever the deployment allows. */
  get beginsOnce(): boolean {
    return false;
  }

  /** Begins another attempt. */
  begin(replica: string, mode: AdmissionMode | "spill", epoch: number | undefined): void {
    this.#tries++;
    this.#id = undefined;
    this.replica = replica;
    this.mode = mode === "queue" ? "queue" : "claim";
    this.isSpill = mode === "spill" ? true : undefined;
    this.isReserved = undefined;
    this.isSent = false;
    this.epoch = epoch;
  }

  /** Sends it. A request that may have to wait waits for its slot first: once it is sent, it may have begun. */
  over(connection: ReplicaConnection): Promise<T | Refusal> {
    if (this.meta.isTraced === true) return spanned(this, this.#tries, () => this.unspanned(connection));
    return this.unspanned(connection);
  }

  /** Sends it, whether in a span or not. */
  protected unspanned(connection: ReplicaConnection): Promise<T | Refusal> {
    if (this.isOnce || this.mode === "queue") return this.reserved(connection);
    this.isSent = true;
    return this.send(connection);
  }

  /** Sends it to be run in its turn: it waits where it runs, and what one caller sends begins in the order in which it was sent. */
  inTurn(connection: ReplicaConnection): Promise<T | Refusal> {
    this.isSent = true;
    if (this.meta.isTraced === true) return spanned(this, this.#tries, () => this.send(connection));
    return this.send(connection);
  }

  /** The slot first, then the request. */
  protected async reserved(connection: ReplicaConnection): Promise<T | Refusal> {
    const reservation = await connection.reserve(this.meta, this);
    if (reservation.kind === "refused") return reservation;
    if (reservation.kind === "error") throw decodeError(reservation.error);
    // The slot is given back should this caller vanish before its request has come.
    using _ = reservation.grant;
    this.isSent = true;
    this.isReserved = true;
    return await this.send(connection);
  }

  protected abstract send(connection: ReplicaConnection): Promise<T | Refusal>;

  /** What to hand on for an answer, of which some may still be to come when the replica is lost. */
  abstract guard(answer: T, explain: Explain): T;
}

function spanned<T>(
  { meta, replica, method = "call", mode, isTerse }: Send<T>,
  attempt: number,
  act: () => Promise<T | Refusal>,
): Promise<T | Refusal> {
  // Over HTTP a replica may make the request's id, and says it on the answer.
  const attributes = { ...attributesOf({ meta, replica, method, attempt }, !isTerse), "serve.mode": mode };
  return inSpan("serve.try", attributes, async (span) => {
    const outcome = await act();
    if (isRefusal(outcome)) span.setAttribute("serve.refused", true);
    else if (outcome instanceof Response) nameSpan(span, outcome.headers.get(REQUEST_ID_HEADER));
    return outcome;
  });
}

export class SendCall extends Send<Answer> {
  readonly isTerse = false;
  readonly #request: CallRequest;

  constructor(request: CallRequest, random: () => number) {
    super(request.meta, random);
    this.#request = request;
  }

  get method(): string | undefined {
    return this.#request.method;
  }
  get isOnce(): boolean {
    return this.#request.isOnce === true;
  }

  protected send(connection: ReplicaConnection): Promise<Reply> {
    return connection.call(this.#request, this);
  }

  guard(answer: Answer, explain: Explain): Answer {
    return guarded(answer, explain);
  }
}

export class SendFetch extends Send<Response> {
  readonly method = "fetch";
  readonly isTerse = true;
  readonly #request: Resendable;
  readonly #keepAlive: ((promise: Promise<unknown>) => void) | undefined;
  #cancellation: Cancellation | undefined;

  constructor(request: Resendable, meta: RequestMeta, { random, keepAlive }: FetchPorts) {
    super(meta, random);
    this.#request = request;
    this.#keepAlive = keepAlive;
  }

  get isOnce(): boolean {
    return this.#request.isOnce;
  }

  /** Stops the request while it waits for a slot; once it is sent, the platform itself carries the client's going away. */
  get cancellation(): Cancellation {
    return (this.#cancellation ??= new Cancellation());
  }

  protected send(connection: ReplicaConnection): Promise<Response | Refusal> {
    return connection.fetch(this.#request.request(), this.meta, this, this.#request.url);
  }

  // Its status has been sent when its body breaks off, so there is nobody to explain that to.
  guard(answer: Response): Response {
    return answer;
  }

  protected override reserved(connection: ReplicaConnection): Promise<Response | Refusal> {
    const { cancellation } = this;
    cancellation.listen((reason) => connection.cancel(this.id, reason));
    cancelWith(this.#request.signal, cancellation);
    cancellation.check();
    const answer = super.reserved(connection).finally(() => cancellation.listen(undefined));
    // A Worker whose client has gone stops, unless it says that it has something to finish: the call to cancel.
    this.#keepAlive?.(answer.catch(() => {}));
    return answer;
  }
}

/** What sending an HTTP request takes of the platform. */
export interface FetchPorts {
  random(): number;
  keepAlive?(promise: Promise<unknown>): void;
}

/** Whether a replica refused what it was sent. */
export function isRefusal<T>(outcome: T | Refusal): outcome is Refusal {
  return typeof outcome === "object" && outcome !== null && (outcome as { kind?: unknown }).kind === "refused";
}

function cancelWith(signal: AbortSignal, cancellation: Cancellation): void {
  const cancel = () => cancellation.cancel(new RequestCancelledError("The client went away."));
  if (signal.aborted) cancel();
  else signal.addEventListener("abort", cancel, { once: true });
}

// Made late: no randomness at the top level of a Worker.
let isolate: string | undefined;
let deliveries = 0;

/** The next name. */
function nextDeliveryId(random: () => number): string {
  isolate ??= Math.floor(random() * 2 ** 52).toString(36);
  return `${isolate}.${(deliveries++).toString(36)}`;
}

/** Bodies up to this are kept in memory, so that the request can be sent again; for larger ones a slot is reserved first. */
const MAX_KEPT_BYTES = 64 * 1024;

interface ResendableOptions {
  readonly body?: ArrayBuffer;
  readonly isOnce?: boolean;
  readonly url?: string | undefined;
}

/** An HTTP request that is sent attempt by attempt. */
export class Resendable {
  readonly #request: Request;
  readonly #body: ArrayBuffer | undefined;
  /** Whether there is one attempt only. */
  readonly isOnce: boolean;
  /** What is to be seen as its address, where it has another. */
  readonly url: string | undefined;

  constructor(request: Request, { body, isOnce = false, url }: ResendableOptions = {}) {
    this.#request = request;
    this.url = url;
    this.#body = body;
    this.isOnce = isOnce;
  }

  get signal(): AbortSignal {
    return this.#request.signal;
  }

  /** The request for the next attempt. */
  request(): Request {
    return this.#body === undefined ? this.#request : requestWithBody(this.#request, this.#body);
  }
}

/**
 * Prepares a request for more than one attempt. Reads a small body; a large one, or one of unknown length, is left alone,
 * and so is the body of a request that cannot be built anew with one.
 *
 * @throws RequestCancelledError if the body breaks off; TypeError if it has been read before.
 */
export async function resendable(request: Request): Promise<Resendable> {
  if (request.body === null) return new Resendable(request);
  const length = Number(request.headers.get("content-length") || Number.NaN);
  // Not a number compares as false: a body of unknown length may be of any.
  if (!(length <= MAX_KEPT_BYTES) || !takesBody(request)) return new Resendable(request, { isOnce: true });
  if (request.bodyUsed) throw new TypeError("The request's body has been read already, so no application can be given it.");
  return new Resendable(request, { body: await request.arrayBuffer().catch(brokenOff) });
}

/** Sends a request that is prepared, or prepares it first. @param url What is to be seen as its address, of one that has no body. */
export function whenPrepared(
  request: Request | Resendable,
  send: (prepared: Resendable) => Promise<Response>,
  url?: string,
): Promise<Response> {
  if (request instanceof Resendable) return send(request);
  return url !== undefined || request.body === null ? send(new Resendable(request, { url })) : resendable(request).then(send);
}

function brokenOff(cause: unknown): never {
  throw new RequestCancelledError("The request's body broke off: its client has gone.", { cause });
}
