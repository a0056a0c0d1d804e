/**
 * A router's way to the replicas of a deployment: the stubs of their Durable Objects.
 */
import { waitUntil } from "cloudflare:workers";
import { NEWS_HEADER, REFUSED_STATUS, refusalOf, type ReplicaRpc } from "../../durable-objects/replica.ts";
import { checkUnderstood, decodeReply, encodeEnvelope, type WireReply } from "../protocol/envelope.ts";
import { encodeError } from "../protocol/error-codec.ts";
import { RequestCancelledError } from "../protocol/errors.ts";
import type { CallRequest, Delivery, Refusal, Reply, RequestMeta, Reservation } from "../protocol/messages.ts";
import { classNameOf, ENVELOPE_IN_CF } from "../protocol/names.ts";
import { decodeNews } from "../protocol/news.ts";
import type { ReplicaSet } from "../protocol/replica-set.ts";
import type { ReplicaConnection, RouterPorts } from "../router/router.ts";
import { whereabouts } from "./location.ts";
import { type Namespace, namespaceOf } from "./namespaces.ts";
import { perReplica } from "./per-replica.ts";

interface ReplicaStub extends ReplicaRpc {
  fetch(request: Request, init: { readonly cf: object }): Promise<Response>;
}

/** What a router to a deployment needs of the platform. */
export function routerPortsTo(app: string, deployment: string, jurisdiction: string | undefined): RouterPorts {
  const className = classNameOf(app, deployment);
  // Looked up when first used: at the top level of the entry module its exports are not there yet.
  let namespace: Namespace<ReplicaStub> | undefined;
  // An id is plain data, and making it of its name costs as much as the stub.
  const idOf = perReplica((name) => namespace!.idFromName(name));
  return {
    random: Math.random,
    now: Date.now,
    keepAlive: waitUntil,
    whereabouts,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    connect(replica) {
      const { locationHint } = replica;
      namespace ??= namespaceOf<ReplicaStub>(className, jurisdiction);
      const id = idOf(replica);
      return new StubConnection(locationHint === undefined ? namespace.get(id) : namespace.get(id, { locationHint }));
    },
  };
}

// A class, because this is made for every request, and methods of a prototype are not.
class StubConnection implements ReplicaConnection {
  readonly #stub: ReplicaStub;
  news: ReplicaSet | undefined;

  constructor(stub: ReplicaStub) {
    this.#stub = stub;
  }

  async call(request: CallRequest, delivery: Delivery): Promise<Reply> {
    const reply = decodeReply(await this.#call(request, delivery));
    this.news = reply.set;
    return reply;
  }

  #call({ meta, method, args, handleArgs }: CallRequest, delivery: Delivery): Promise<WireReply> {
    const envelope = encodeEnvelope(meta, delivery);
    // What there is not is not sent: each argument is looked at on its way out and in.
    if (handleArgs !== undefined) return this.#stub.call(envelope, method, args, { handleArgs });
    return args.length === 0 ? this.#stub.call(envelope, method) : this.#stub.call(envelope, method, args);
  }

  async fetch(request: Request, meta: RequestMeta, delivery: Delivery): Promise<Response | Refusal> {
    // Handed to `fetch`, where it costs a third of what a `Request` made for it does.
    const init = { cf: { ...request.cf, [ENVELOPE_IN_CF]: encodeEnvelope(meta, delivery) } };
    let response: Response;
    try {
      response = await this.#stub.fetch(request, init);
    } catch (error) {
      throw request.signal.aborted ? clientGone(error) : error;
    }
    if (response.status === REFUSED_STATUS) {
      const refusal = await refusalOf(response);
      if (refusal !== undefined) {
        checkUnderstood(refusal);
        this.news = refusal.set;
        return refusal;
      }
    }
    const news = response.headers.get(NEWS_HEADER);
    return news === null ? response : this.#withoutNews(response, news);
  }

  #withoutNews(response: Response, news: string): Response {
    this.news = decodeNews(news);
    const { webSocket } = response;
    const copy = new Response(
      response.body,
      webSocket === null ? response : { status: response.status, headers: response.headers, webSocket },
    );
    copy.headers.delete(NEWS_HEADER);
    return copy;
  }

  async reserve(meta: RequestMeta, delivery: Delivery): Promise<Reservation> {
    const reservation = await this.#stub.reserve(encodeEnvelope(meta, delivery));
    checkUnderstood(reservation);
    if (reservation.kind === "refused") this.news = reservation.set;
    return reservation;
  }

  cancel(id: string, reason: unknown): void {
    // The replica may be gone, and the request with it.
    this.#stub.cancel(id, encodeError(reason)).catch(() => {});
  }
}

// A client that goes away while its body is being sent breaks the connection; the replica is not lost for that.
function clientGone(cause: unknown): RequestCancelledError {
  return new RequestCancelledError("The client went away.", { cause });
}
