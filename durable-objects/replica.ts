/**
 * The Durable Object behind a replica: a shell around `src/replica/replica.ts`.
 *
 * Owns: the platform's constructor, RPC names, the metadata's place in an HTTP request.
 * Does not own: anything that a replica decides.
 *
 * Every prototype method here can be called by any holder of a stub, so what is not meant for callers is `#private`.
 */
import { DurableObject, RpcTarget } from "cloudflare:workers";
import type { Assignment, OrderOutcome } from "../src/protocol/control.ts";
import { decodeError, type WireError } from "../src/protocol/error-codec.ts";
import { type CallExtras, decodeEnvelope, encodeReply, refuseUnread, type WireReply } from "../src/protocol/envelope.ts";
import { ENVELOPE_IN_CF } from "../src/protocol/names.ts";
import { encodeNews } from "../src/protocol/news.ts";
import type { CallRequest, ItemBatch, ItemPuller, Refusal, Reservation, StreamSource } from "../src/protocol/messages.ts";
import type { ReplicaSet } from "../src/protocol/replica-set.ts";
import type { Replica } from "../src/replica/replica.ts";

/** What a replica's object is called by, besides `fetch`. */
export interface ReplicaRpc {
  /** @param envelope By `encodeEnvelope`. What it answers is read with `decodeReply`. */
  call(envelope: string, method: string | undefined, args?: readonly unknown[], extras?: CallExtras): Promise<WireReply>;
  /** @param envelope By `encodeEnvelope`. */
  reserve(envelope: string): Promise<Reservation>;
  cancel(id: string, reason: WireError): Promise<void>;
  assign(assignment: Assignment, isStart: boolean): Promise<OrderOutcome>;
}

/** The status of a refusal; a user's response with this status never has the header that makes it one. */
export const REFUSED_STATUS = 503;
const REFUSED_HEADER = "x-edge-serve-refused";

function refusalResponse(refusal: Refusal): Response {
  return Response.json(refusal, { status: REFUSED_STATUS, headers: { [REFUSED_HEADER]: "1" } });
}

/** Reads what a replica's refusal of an HTTP request says; `undefined` if the response is an answer. */
export async function refusalOf(response: Response): Promise<Refusal | undefined> {
  return response.headers.has(REFUSED_HEADER) ? response.json<Refusal>() : undefined;
}

/** Where a newer replica set travels with a response. */
export const NEWS_HEADER = "x-edge-serve-news";
/** Headers have their limits. What is longer, because many replicas have been replaced, comes with a refusal or an answer to a call. */
const MAX_NEWS_LENGTH = 8192;

// Whatever user code puts there is not ours: it may be a response from anywhere.
function withNews(response: Response, set: ReplicaSet | undefined): Response {
  const text = set === undefined ? "" : encodeNews(set);
  if (text === "" || text.length > MAX_NEWS_LENGTH) response.headers.delete(NEWS_HEADER);
  else response.headers.set(NEWS_HEADER, text);
  return response;
}

/** Makes the core of a replica from what the platform gives its object. */
export type MakeReplica = (state: DurableObjectState, env: unknown) => Replica;

/** The Durable Object class of a deployment. */
export function replicaClass(makeReplica: MakeReplica): new (state: DurableObjectState, env: unknown) => DurableObject & ReplicaRpc {
  return class extends DurableObject implements ReplicaRpc {
    readonly #replica: Replica;

    constructor(state: DurableObjectState, env: unknown) {
      super(state, env as Cloudflare.Env);
      this.#replica = makeReplica(state, env);
    }

    override async fetch(request: Request): Promise<Response> {
      const envelope = (request.cf as { [ENVELOPE_IN_CF]?: string } | undefined)?.[ENVELOPE_IN_CF];
      if (envelope === undefined)
        return new Response("A replica answers requests that come through its system's ingress.", { status: 421 });
      const read = decodeEnvelope(envelope);
      if (read === undefined) return refusalResponse(refuseUnread(this.#replica.load));
      const { meta, delivery } = read;
      const response = await this.#replica.fetch(request, meta, delivery);
      if (!(response instanceof Response)) return refusalResponse(response);
      if (response.status === REFUSED_STATUS) response.headers.delete(REFUSED_HEADER);
      return withNews(response, this.#replica.newsFor(delivery.epoch));
    }

    /** RPC. Runs a call from a handle; failures are part of the reply. */
    async call(envelope: string, method: string | undefined, args: readonly unknown[] = NONE, extras?: CallExtras): Promise<WireReply> {
      const request = callOf(envelope, method, args, extras);
      if (request === undefined) return refuseUnread(this.#replica.load);
      const reply = await this.#replica.call(request);
      if (reply.kind === "stream") return { ...reply, items: new ItemStub(reply.items) };
      if (reply.kind === "value" && reply.source !== undefined) return { ...reply, source: new SourceStub(reply.source) };
      return encodeReply(reply);
    }

    /** RPC. Keeps a slot for the request with this id, which comes next. */
    async reserve(envelope: string): Promise<Reservation> {
      const read = decodeEnvelope(envelope);
      if (read === undefined) return refuseUnread(this.#replica.load);
      const reservation = await this.#replica.reserve(read.meta, read.delivery);
      if (reservation.kind !== "reserved" || reservation.grant === undefined) return reservation;
      return { kind: "reserved", grant: new GrantStub(reservation.grant) };
    }

    /** RPC. Its controller gives it an order. */
    assign(assignment: Assignment, isStart: boolean): Promise<OrderOutcome> {
      return this.#replica.assign(assignment, isStart);
    }

    /** RPC. Stops the request with this id. */
    async cancel(id: string, reason: WireError): Promise<void> {
      this.#replica.cancel(id, decodeError(reason));
    }
  };
}

const NONE: readonly unknown[] = [];

// `undefined` for a request that this code does not understand.
function callOf(
  envelope: string,
  method: string | undefined,
  args: readonly unknown[],
  extras: CallExtras | undefined,
): CallRequest | undefined {
  const read = decodeEnvelope(envelope);
  if (read === undefined) return undefined;
  const { meta, delivery } = read;
  const handleArgs = extras?.handleArgs;
  return handleArgs === undefined ? { meta, delivery, method, args } : { meta, delivery, method, args, handleArgs };
}

/** A slot that is kept for a caller. The platform disposes of it when the caller is gone, also one that died while it waited. */
class GrantStub extends RpcTarget implements Disposable {
  readonly #grant: Disposable;

  constructor(grant: Disposable) {
    super();
    this.#grant = grant;
  }

  [Symbol.dispose](): void {
    this.#grant[Symbol.dispose]();
  }
}

/** Where a result's stream comes from, as a stub that the caller asks. */
class SourceStub extends RpcTarget implements StreamSource {
  readonly #source: StreamSource;

  constructor(source: StreamSource) {
    super();
    this.#source = source;
  }

  reason(): Promise<WireError | undefined> {
    return this.#source.reason();
  }
}

/** A stream of items as a stub that the caller pulls from. */
class ItemStub extends RpcTarget implements ItemPuller {
  readonly #items: ItemPuller;

  constructor(items: ItemPuller) {
    super();
    this.#items = items;
  }

  pull(): Promise<ItemBatch> {
    return this.#items.pull();
  }

  cancel(): Promise<void> | void {
    return this.#items.cancel();
  }

  // The caller has gone, whether it said so or not.
  [Symbol.dispose](): void {
    void this.#items.cancel();
  }
}
