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
import { type KeyedConfig, OBJECT_DELETED } from "../src/protocol/keys.ts";
import type { CallRequest, Reply, Reservation } from "../src/protocol/messages.ts";
import { answerResponse, envelopeOf, keyedConfigOf, refusalResponse } from "../src/protocol/wire.ts";
import type { ObjectHandler } from "../src/replica/object-handlers.ts";
import type { Replica } from "../src/replica/replica.ts";
import { eraseStorage, releaseHoldings } from "./replica-memory.ts";
import { ItemStub, SourceStub } from "./stubs.ts";

/** What a replica's object is called by, besides `fetch`. */
export interface ReplicaRpc {
  /** @param envelope By `encodeEnvelope`. What it answers is read with `decodeReply`. */
  call(envelope: string, method: string | undefined, args?: readonly unknown[], extras?: CallExtras): Promise<WireReply>;
  /** @param envelope By `encodeEnvelope`. */
  reserve(envelope: string): Promise<Reservation>;
  cancel(id: string, reason: WireError): Promise<void>;
  /** What becomes of the attempt of a task with this id; `undefined` if it does not run, and then it will not. */
  rejoin(id: string): Promise<Rejoined | undefined>;
  assign(assignment: Assignment, isStart: boolean): Promise<OrderOutcome>;
  /** Deletes the object of a key. Ends with it: whoever asks sees it lost, with an error that says so. */
  erase(): Promise<void>;
}

/** How an attempt of a task has ended. */
export interface Rejoined {
  readonly reply: Reply;
}

/** Makes the core of a replica from what the platform gives its object. */
export type MakeReplica = (state: DurableObjectState, env: unknown) => Replica;

/**
 * The Durable Object class of a deployment.
 *
 * @param handlers Which handlers of the platform's events the user's class has. The platform does otherwise what it does where
 *   there is none: `setAlarm` fails without `alarm`.
 */
export function replicaClass(
  makeReplica: MakeReplica,
  handlers: ReadonlySet<ObjectHandler>,
): new (state: DurableObjectState, env: unknown) => DurableObject & ReplicaRpc {
  return class ReplicaObject extends DurableObject implements ReplicaRpc {
    readonly #replica: Replica;

    // Only what the user's class has: the platform looks here before it sets an alarm.
    static {
      const define = (name: ObjectHandler, value: (this: ReplicaObject, ...args: never[]) => Promise<void>): void => {
        if (handlers.has(name)) Object.defineProperty(this.prototype, name, { value, configurable: true, writable: true });
      };
      define("alarm", function (info: unknown) {
        return this.#replica.events.alarm(info);
      });
      define("webSocketError", function (socket: WebSocket, error: unknown) {
        return this.#replica.events.failed(socket, error);
      });
    }

    constructor(state: DurableObjectState, env: unknown) {
      super(state, env as Cloudflare.Env);
      this.#replica = makeReplica(state, env);
    }

    override async fetch(request: Request): Promise<Response> {
      const envelope = envelopeOf(request);
      if (envelope !== undefined) this.#configure(keyedConfigOf(request));
      const read = envelope === undefined ? undefined : decodeEnvelope(envelope);
      if (envelope !== undefined && read === undefined) return refusalResponse(refuseUnread(this.#replica.load));
      const response = await this.#replica.fetch(request, read?.meta, read?.delivery);
      if (!(response instanceof Response)) return refusalResponse(response);
      const epoch = read?.delivery.epoch;
      return answerResponse(response, epoch === undefined ? undefined : this.#replica.newsWith(response, epoch));
    }

    /** RPC. Runs a call from a handle; failures are part of the reply. */
    async call(envelope: string, method: string | undefined, args: readonly unknown[] = NONE, extras?: CallExtras): Promise<WireReply> {
      const request = callOf(envelope, method, args, extras);
      if (request === undefined) return refuseUnread(this.#replica.load);
      this.#configure(extras?.keyed);
      const reply = await this.#replica.call(request);
      if (reply.kind === "stream") return { ...reply, items: new ItemStub(reply.items) };
      if (reply.kind === "value" && reply.source !== undefined) return { ...reply, source: new SourceStub(reply.source) };
      return encodeReply(reply);
    }

    #configure(keyed: KeyedConfig | undefined): void {
      if (keyed !== undefined) this.#replica.keyed?.take(keyed);
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

    /** RPC. Sockets first, so that clients see how they end; then storage; then nothing is left that could write to it. */
    async erase(): Promise<void> {
      const answered = this.#replica.keyed?.delete();
      await releaseHoldings(this.ctx, OBJECT_DELETED);
      await answered;
      await eraseStorage(this.ctx);
      this.ctx.abort(OBJECT_DELETED);
    }

    /** RPC. Waits for the attempt of a task with this id. */
    async rejoin(id: string): Promise<Rejoined | undefined> {
      const reply = await this.#replica.rejoin(id);
      return reply === undefined ? undefined : { reply: withoutSource(reply) };
    }

    /** RPC. Stops the request with this id. */
    async cancel(id: string, reason: WireError): Promise<void> {
      this.#replica.cancel(id, decodeError(reason));
    }

    // These two every class has, because a socket is answered also where nobody listens to it.
    override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): Promise<void> {
      return this.#replica.events.message(socket, message);
    }

    override webSocketClose(socket: WebSocket, code: number, reason: string, wasClean: boolean): Promise<void> {
      return this.#replica.events.closed(socket, code, reason, wasClean);
    }
  };
}

// Nobody reads a stream of a task's.
function withoutSource(reply: Reply): Reply {
  if (reply.kind !== "value") return reply;
  const { source: _, ...rest } = reply;
  return rest;
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
