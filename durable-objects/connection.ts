/**
 * A router's way to the replicas of a deployment: the stubs of their Durable Objects.
 *
 * Invariants:
 *   N1. A stub is used by the object that made it, or within the request of a Worker that did; never after it has failed.
 */
import { waitUntil } from "cloudflare:workers";
import type { ReplicaRpc } from "./replica.ts";
import { outerRequest } from "../src/context/outer-request.ts";
import { currentScope, type ReplicaScope } from "../src/context/scope.ts";
import { sleep } from "../src/context/with-timeout.ts";
import { checkUnderstood, decodeReply, encodeEnvelope, type WireReply } from "../src/protocol/envelope.ts";
import { encodeError } from "../src/protocol/error-codec.ts";
import { RequestCancelledError } from "../src/protocol/errors.ts";
import type { CallRequest, Delivery, News, Refusal, Reply, RequestMeta, Reservation } from "../src/protocol/messages.ts";
import type { CompiledPlace } from "../src/protocol/http-request.ts";
import { classNameOf } from "../src/protocol/names.ts";
import { PlatformRequest } from "../src/protocol/platform-request.ts";
import type { ReplicaRef } from "../src/protocol/replica-set.ts";
import { answerOf, fetchInit } from "../src/protocol/wire.ts";
import type { KeyedPorts, ObjectConnection } from "../src/router/keyed-router.ts";
import type { Learner, RouterPorts } from "../src/router/router.ts";
import { region } from "./location.ts";
import { type Namespace, namespaceOf } from "./namespaces.ts";
import { perReplica } from "./per-replica.ts";

interface ReplicaStub extends ReplicaRpc {
  fetch(request: Request | string, init?: Request | { readonly cf: object }): Promise<Response>;
}

/** What was compiled of a deployment, as far as it decides where its objects are and what they know. */
export interface Compiled {
  readonly jurisdiction: string | undefined;
  /** Where its application is reached over HTTP. */
  readonly place: CompiledPlace;
}

/**
 * The connections of each object, by the record of the replica in its caller's set. A stub costs a call as much as the rest of the framework, and all requests of an
 * object may use the same one: they have one I/O context. Those of a Worker's requests may not.
 */
const kept = new WeakMap<ReplicaScope, WeakMap<ReplicaRef, StubConnection>>();

/**
 * The connections to the objects of keys over which something is under way, of each object, and of each request of a Worker: one stub
 * keeps the order of calls. One that is not used is not kept. When its object has ended meanwhile, by another caller's `delete(key)` or by
 * itself, the next call over it would fail as one that may have begun, and nobody could tell.
 */
const busyObjects = new WeakMap<object, Map<string, ObjectStub>>();

function busyObjectsHere(): Map<string, ObjectStub> | undefined {
  const scope = currentScope();
  // What runs inline in a Worker is there for many requests, and none may use another's stubs.
  const caller = scope?.replica.isUnshared === true ? scope.request?.work : (scope?.replica ?? outerRequest());
  if (caller === undefined) return undefined;
  let connections = busyObjects.get(caller);
  if (connections === undefined) busyObjects.set(caller, (connections = new Map()));
  return connections;
}

function keptHere(): WeakMap<ReplicaRef, StubConnection> | undefined {
  const replica = currentScope()?.replica;
  if (replica === undefined || replica.isUnshared === true) return undefined;
  let connections = kept.get(replica);
  if (connections === undefined) kept.set(replica, (connections = new WeakMap()));
  return connections;
}

/** What a router to a deployment needs of the platform. */
export function routerPortsTo(app: string, deployment: string, { jurisdiction, place }: Compiled): RouterPorts {
  const className = classNameOf(app, deployment);
  // Looked up when first used: at the top level of the entry module its exports are not there yet.
  let namespace: Namespace<ReplicaStub> | undefined;
  // An id is plain data, and making it of its name costs as much as the stub.
  const idOf = perReplica((name) => namespace!.idFromName(name));
  const made = (replica: ReplicaRef, learner: Learner): StubConnection => {
    namespace ??= namespaceOf<ReplicaStub>(className, jurisdiction);
    const { name, locationHint } = replica;
    const id = idOf(replica);
    const stub = locationHint === undefined ? namespace.get(id) : namespace.get(id, { locationHint });
    return new StubConnection(name, stub, learner, place);
  };
  return {
    random: Math.random,
    now: Date.now,
    keepAlive: waitUntil,
    region,
    sleep,
    connect(replica, learner) {
      const connections = keptHere();
      if (connections === undefined) return made(replica, learner);
      let connection = connections.get(replica);
      if (connection === undefined) connections.set(replica, (connection = made(replica, learner)));
      return connection;
    },
    disconnected: (replica) => void keptHere()?.delete(replica),
  };
}

/** The ids of so many objects are kept, of each keyed deployment; after that they are made anew. */
const MAX_KEPT_IDS = 1000;

/** Nothing is learned from the objects of keys. */
const NOBODY: Learner = { learn() {}, told() {}, heard() {} };

/** What a router to a keyed deployment needs of the platform. */
export function keyedPortsTo(app: string, deployment: string, { jurisdiction, place }: Compiled): KeyedPorts {
  const className = classNameOf(app, deployment);
  const keyedPlace: CompiledPlace = { ...place, isKeyed: true };
  let namespace: Namespace<ReplicaStub> | undefined;
  // Plain data, as those of replicas.
  const ids = new Map<string, DurableObjectId>();
  const stubOf = ({ name, locationHint }: ReplicaRef): ReplicaStub => {
    namespace ??= namespaceOf<ReplicaStub>(className, jurisdiction);
    let id = ids.get(name);
    if (id === undefined) {
      if (ids.size >= MAX_KEPT_IDS) ids.clear();
      ids.set(name, (id = namespace.idFromName(name)));
    }
    return locationHint === undefined ? namespace.get(id) : namespace.get(id, { locationHint });
  };
  return {
    random: Math.random,
    now: Date.now,
    keepAlive: waitUntil,
    sleep,
    connect(object) {
      const connections = busyObjectsHere();
      if (connections === undefined) return new StubConnection(object.name, stubOf(object), NOBODY, keyedPlace);
      return connections.get(object.name) ?? new ObjectStub(object.name, stubOf(object), keyedPlace, connections);
    },
    disconnected: ({ name }) => void busyObjectsHere()?.delete(name),
  };
}

class StubConnection implements ObjectConnection {
  readonly #stub: ReplicaStub;
  readonly #learner: Learner;
  readonly #name: string;
  readonly #place: CompiledPlace;

  constructor(name: string, stub: ReplicaStub, learner: Learner, place: CompiledPlace) {
    this.#name = name;
    this.#stub = stub;
    this.#learner = learner;
    this.#place = place;
  }

  call(request: CallRequest, delivery: Delivery): Promise<Reply> {
    return this.#call(request, delivery).then((wire) => this.#read(wire));
  }

  #call({ meta, method, args, handleArgs }: CallRequest, delivery: Delivery): Promise<WireReply> {
    const envelope = encodeEnvelope(meta, delivery);
    const { keyed } = delivery;
    // What there is not is not sent: each argument is looked at on its way out and in.
    if (keyed !== undefined) return this.#stub.call(envelope, method, args, handleArgs === undefined ? { keyed } : { handleArgs, keyed });
    if (handleArgs !== undefined) return this.#stub.call(envelope, method, args, { handleArgs });
    return args.length === 0 ? this.#stub.call(envelope, method) : this.#stub.call(envelope, method, args);
  }

  #read(wire: WireReply): Reply {
    const reply = decodeReply(wire);
    this.#hear(reply);
    return reply;
  }

  #hear({ set, state }: News): void {
    if (set !== undefined) this.#learner.learn(set);
    if (state !== undefined) this.#learner.heard(this.#name, state);
  }

  fetch(request: Request, meta: RequestMeta, delivery: Delivery, url?: string): Promise<Response | Refusal> {
    return this.#fetch(request, fetchInit(request, meta, delivery, this.#place), url).then(
      // No refusal, and nothing that its headers could tell: they are left alone.
      (response) => (delivery.epoch === undefined && response.ok ? response : this.#answered(response, delivery)),
      (error: unknown) => {
        throw request.signal.aborted ? clientGone(error) : error;
      },
    );
  }

  // The platform joins an address to a request at a fraction of what a request costs that is made with it.
  #fetch(request: Request, init: { readonly cf: object } | undefined, url: string | undefined): Promise<Response> {
    if (url === undefined) return this.#stub.fetch(request, init);
    return init === undefined ? this.#stub.fetch(url, request) : this.#stub.fetch(new PlatformRequest(url, request), init);
  }

  async #answered(response: Response, delivery: Delivery): Promise<Response | Refusal> {
    const answer = await answerOf(response);
    if (answer instanceof Response) return answer;
    this.#hear(answer);
    if (answer.kind === "refused") return answer;
    if (delivery.epoch !== undefined) this.#learner.told(this.#name, delivery.epoch);
    return answer.response;
  }

  async reserve(meta: RequestMeta, delivery: Delivery): Promise<Reservation> {
    const reservation = await this.#stub.reserve(encodeEnvelope(meta, delivery));
    checkUnderstood(reservation);
    if (reservation.kind === "refused") this.#hear(reservation);
    return reservation;
  }

  erase(): Promise<void> {
    return this.#stub.erase();
  }

  cancel(id: string, reason: unknown): void {
    // The replica may be gone, and the request with it.
    this.#stub.cancel(id, encodeError(reason)).catch(() => {});
  }
}

/** A connection to the object of a key, which others may share while something is under way over it. */
class ObjectStub extends StubConnection {
  readonly #name: string;
  readonly #busy: Map<string, ObjectStub>;
  #underWay = 0;

  constructor(name: string, stub: ReplicaStub, place: CompiledPlace, busy: Map<string, ObjectStub>) {
    super(name, stub, NOBODY, place);
    this.#name = name;
    this.#busy = busy;
  }

  override call(request: CallRequest, delivery: Delivery): Promise<Reply> {
    return this.#followed(super.call(request, delivery));
  }

  override fetch(request: Request, meta: RequestMeta, delivery: Delivery, url?: string): Promise<Response | Refusal> {
    return this.#followed(super.fetch(request, meta, delivery, url));
  }

  override reserve(meta: RequestMeta, delivery: Delivery): Promise<Reservation> {
    return this.#followed(super.reserve(meta, delivery));
  }

  #followed<T>(sent: Promise<T>): Promise<T> {
    if (this.#underWay++ === 0) this.#busy.set(this.#name, this);
    // Not kept as a function of its own: to name one costs more than the rest of this.
    sent.then(
      () => this.#over(),
      () => this.#over(),
    );
    return sent;
  }

  // Before whoever waits for the answer goes on.
  #over(): void {
    if (--this.#underWay === 0 && this.#busy.get(this.#name) === this) this.#busy.delete(this.#name);
  }
}

// A client that goes away while its body is being sent breaks the connection; the replica is not lost for that.
function clientGone(cause: unknown): RequestCancelledError {
  return new RequestCancelledError("The client went away.", { cause });
}
