/**
 * Sends a request to one of a deployment's replicas: claim, then queue.
 *
 * A claim asks a replica to run the request at once or to refuse; asking is worth more than any stale knowledge of
 * who is busy. After the last refusal the request waits in the queue of the least loaded replica seen.
 *
 * Owns: which replica, how often, and what a lost one means to the caller.
 * Does not own: the connection (a port), admission (the replica's), what runs there.
 *
 * Invariants:
 *   T1. A connection lives for one attempt; between requests only plain data is kept.
 *   T2. What the platform throws never reaches a caller as it is.
 *   T3. A request that a lost replica may have begun is not sent again, unless the deployment allows it.
 *   T4. A request is at one replica at a time.
 */
import {
  BackPressureError,
  DeploymentUnavailableError,
  ReplicaUnavailableError,
  RequestCancelledError,
  ServeError,
} from "../protocol/errors.ts";
import type { DeploymentConfig } from "../protocol/manifest.ts";
import type { AdmissionMode, Answer, CallRequest, Delivery, Refusal, Reply, RequestMeta, Reservation } from "../protocol/messages.ts";
import { decodeError } from "../protocol/error-codec.ts";
import { classifyFailure } from "../protocol/platform-failures.ts";
import { explainRefusal } from "../protocol/sendable.ts";
import { backoffMs } from "./backoff.ts";
import { Cancellation } from "../protocol/cancellation.ts";
import { Knowledge } from "./knowledge.ts";
import { LostReplica } from "./lost-replica.ts";
import type { Policy } from "./policy.ts";
import { policyOf } from "./policies/policy-of.ts";
import type { ReplicaRef, ReplicaSet } from "./replica-set.ts";
import { resendable } from "./resendable.ts";

/** A way to a replica, good for one request. */
export interface ReplicaConnection {
  call(request: CallRequest): Promise<Reply>;
  fetch(request: Request, meta: RequestMeta, delivery: Delivery): Promise<Response | Refusal>;
  /** Keeps a slot for a request that can be sent only once. */
  reserve(meta: RequestMeta, delivery: Delivery): Promise<Reservation>;
  /** Stops a request that was sent over this connection. */
  cancel(id: string, reason: unknown): void;
}

/** What a router needs from the platform. */
export interface RouterPorts {
  connect(replica: ReplicaRef): ReplicaConnection;
  random(): number;
  now(): number;
  sleep(ms: number): Promise<void>;
  /** Lets a request finish what it has begun although its client has gone. */
  keepAlive?(promise: Promise<unknown>): void;
  /** The application's own router, where it has one. */
  readonly customPolicy?: Policy;
}

/** The part of a deployment's configuration that a router obeys. */
export type RouterConfig = Pick<
  DeploymentConfig,
  "requestRouter" | "retries" | "backpressure" | "requestTimeoutMs" | "maxOngoingRequests" | "maxQueuedRequests"
>;

/** How many replicas are asked to run a request at once before it waits. By the simulation in design.md, more is worth little. */
const CLAIMS = 2;
/** How many queues are tried before the caller is told that all are full. */
const QUEUES = 5;

/** Sends a request once. Calls `begun` when it goes to a replica that may run it from then on. */
type Send<T> = (connection: ReplicaConnection, delivery: Delivery, begun: () => void) => Promise<T | Refusal>;

interface Attempt {
  readonly replica: ReplicaRef;
  readonly load: number;
}

export class Router {
  readonly app: string;
  readonly deployment: string;
  /** Deadline of a request in milliseconds, if the deployment has one. */
  readonly requestTimeoutMs: number | null;
  readonly #config: RouterConfig;
  readonly #ports: RouterPorts;
  readonly #set: ReplicaSet;
  readonly #knowledge: Knowledge;

  constructor(identity: { readonly app: string; readonly deployment: string }, set: ReplicaSet, config: RouterConfig, ports: RouterPorts) {
    this.app = identity.app;
    this.deployment = identity.deployment;
    this.requestTimeoutMs = config.requestTimeoutMs;
    this.#set = set;
    this.#config = config;
    this.#ports = ports;
    this.#knowledge = new Knowledge(ports.now);
  }

  /** Runs a call on one replica. Rejects only with errors of edge-serve; what the method threw is in the reply. */
  call(request: CallRequest, cancellation?: Cancellation): Promise<Answer> {
    const send: Send<Answer> = (connection, delivery, begun) => {
      if (delivery.mode === "claim") begun();
      return connection.call({ ...request, delivery });
    };
    return this.#route(request, request.isOnce === true ? this.#reserving(request.meta, send) : send, cancellation);
  }

  /** Gives an HTTP request to one replica. */
  async fetch(request: Request, meta: RequestMeta): Promise<Response> {
    const body = await resendable(request);
    const send: Send<Response> = (connection, delivery, begun) => {
      begun();
      return connection.fetch(body.request(), meta, delivery);
    };
    const reserving = this.#reserving(meta, send);
    // A fetch cannot say when it begins, so one that has to wait waits for its slot first.
    const either: Send<Response> = (connection, delivery, begun) =>
      (delivery.mode === "claim" ? send : waiting)(connection, delivery, begun);
    const cancellation = new Cancellation();
    const waiting: Send<Response> = (connection, delivery, begun) => {
      cancelWith(request.signal, cancellation);
      cancellation.check();
      const answer = reserving(connection, delivery, begun);
      // A Worker whose client has gone stops, unless it says that it has something to finish: the call to cancel.
      this.#ports.keepAlive?.(answer.catch(() => {}));
      return answer;
    };
    return this.#route({ meta, method: "fetch", ...(body.isOnce ? { isOnce: true } : {}) }, body.isOnce ? waiting : either, cancellation);
  }

  /** Runs a call on every replica, in the order of the set. */
  broadcast(request: CallRequest, cancellation?: Cancellation): Promise<PromiseSettledResult<Answer>[]> {
    const send: Send<Answer> = (connection, delivery) => connection.call({ ...request, delivery });
    const each = this.#set.replicas.map((replica) => ({ replica, part: new Cancellation() }));
    cancellation?.listen((reason) => each.forEach(({ part }) => part.cancel(reason)));
    return Promise.allSettled(
      each.map(async ({ replica, part }) => {
        try {
          cancellation?.check();
          const reply = await this.#deliver(replica, "queue", send, part);
          if (reply.kind === "refused") throw this.#backPressure();
          return reply;
        } catch (error) {
          throw this.#explain(error, request.method);
        }
      }),
    );
  }

  // For what can be sent only once: the slot first, then the request.
  #reserving<T>(meta: RequestMeta, send: Send<T>): Send<T> {
    return async (connection, { id, mode }, begun) => {
      const reservation = await connection.reserve(meta, { id, mode });
      if (reservation.kind === "refused") return reservation;
      if (reservation.kind === "error") throw decodeError(reservation.error);
      begun();
      return send(connection, { id, mode, isReserved: true }, begun);
    };
  }

  async #route<T>(
    request: Pick<CallRequest, "meta" | "method" | "isOnce">,
    send: Send<T>,
    cancellation: Cancellation | undefined,
  ): Promise<T> {
    for (let losses = 0; ; losses++) {
      try {
        return await this.#tryReplicas(request.meta, send, cancellation);
      } catch (error) {
        if (!(error instanceof LostReplica) || losses >= this.#config.retries.attempts || !this.#mayGoElsewhere(error, request)) {
          throw this.#explain(error, request.method);
        }
        await this.#ports.sleep(backoffMs(losses, this.#ports.random));
      }
    }
  }

  #mayGoElsewhere({ failure, isSent, mayHaveBegun }: LostReplica, { isOnce }: Pick<CallRequest, "isOnce">): boolean {
    if (isOnce === true && isSent) return false;
    // An overloaded object that is asked again has even more to do.
    if (failure === "overloaded" && this.#set.replicas.every(({ name }) => this.#knowledge.isAvoided(name))) return false;
    return !mayHaveBegun || !this.#config.retries.onlyIfNotStarted;
  }

  async #tryReplicas<T>(meta: RequestMeta, send: Send<T>, cancellation: Cancellation | undefined): Promise<T> {
    const { replicas } = this.#set;
    if (replicas.length === 0) throw this.#noReplicas();
    const seen: Attempt[] = [];
    const claims = this.#knowledge.isSaturated ? 0 : CLAIMS;
    for (const replica of this.#order(meta, Math.max(1, claims))) {
      if (claims === 0) {
        seen.push({ replica, load: 0 });
        continue;
      }
      const outcome = await this.#deliver(replica, "claim", send, cancellation);
      this.#knowledge.claimed(isRefusal(outcome));
      if (!isRefusal(outcome)) return outcome;
      seen.push({ replica, load: outcome.load.ongoing + outcome.load.queued });
    }
    return this.#wait(
      meta,
      seen.toSorted((a, b) => a.load - b.load),
      send,
      cancellation,
    );
  }

  async #wait<T>(meta: RequestMeta, seen: readonly Attempt[], send: Send<T>, cancellation: Cancellation | undefined): Promise<T> {
    const tried = new Set<ReplicaRef>();
    for (const { replica } of seen) {
      tried.add(replica);
      const outcome = await this.#deliver(replica, "queue", send, cancellation);
      if (!isRefusal(outcome)) return outcome;
    }
    for (const replica of this.#order(meta, QUEUES)) {
      if (tried.has(replica)) continue;
      const outcome = await this.#deliver(replica, "queue", send, cancellation);
      if (!isRefusal(outcome)) return outcome;
    }
    throw this.#backPressure();
  }

  async #deliver<T>(replica: ReplicaRef, mode: AdmissionMode, send: Send<T>, cancellation: Cancellation | undefined): Promise<T | Refusal> {
    cancellation?.check();
    const connection = this.#ports.connect(replica);
    const id = nextDeliveryId(this.#ports.random);
    let isSent = false;
    const begun = () => void (isSent = true);
    // A claim runs at once or not at all, so one that is lost may have begun; what waits says when it begins.
    const delivery: Delivery = mode === "claim" ? { id, mode } : { id, mode, started: begun };
    cancellation?.listen((reason) => connection.cancel(id, reason));
    this.#knowledge.sent(replica.name);
    try {
      const outcome = await send(connection, delivery, begun);
      if (isRefusal(outcome)) this.#knowledge.refused(replica.name, outcome.load);
      else this.#knowledge.answered(replica.name);
      return outcome;
    } catch (error) {
      const failure = classifyFailure(error);
      if (error instanceof ServeError || failure === "unknown") throw error;
      this.#knowledge.lost(replica.name);
      throw new LostReplica(replica, error, { failure, isSent });
    } finally {
      cancellation?.listen(undefined);
    }
  }

  // Lost replicas are left out while there are others.
  #order(meta: RequestMeta, count: number): ReplicaRef[] {
    const { replicas } = this.#set;
    if (replicas.length === 1) return [...replicas];
    const well = replicas.filter(({ name }) => !this.#knowledge.isAvoided(name));
    const usable = well.length === 0 ? replicas : well;
    const affinity = meta.multiplexedModelId ?? meta.key;
    const policy = policyOf(this.#config.requestRouter, affinity, this.#ports.customPolicy);
    const candidates = usable.map(({ name }) => ({ name, load: this.#knowledge.loadOf(name) }));
    return policy({ candidates, affinity, random: this.#ports.random }, count).map((index) => usable[index]!);
  }

  #explain(error: unknown, method: string | undefined): unknown {
    if (error instanceof LostReplica) return error.explain();
    if (error instanceof ServeError) return error;
    const refusal = explainRefusal(error, `An argument or the result of ${JSON.stringify(`${this.deployment}.${method ?? "call"}`)}`);
    if (refusal !== error) return refusal;
    if (error instanceof Error && error.name === "AbortError")
      return new RequestCancelledError("The request was cancelled.", { cause: error });
    const reason = error instanceof Error ? error.message : String(error);
    return new ReplicaUnavailableError(`A replica of ${JSON.stringify(this.deployment)} failed: ${reason}`, { cause: error });
  }

  #noReplicas(): DeploymentUnavailableError {
    return new DeploymentUnavailableError(
      `Deployment ${JSON.stringify(this.deployment)} of application ${JSON.stringify(this.app)} has no replicas. Set numReplicas to at least 1.`,
    );
  }

  #backPressure(): BackPressureError {
    const { maxOngoingRequests, maxQueuedRequests, backpressure } = this.#config;
    const { statusCode, retryAfterMs } = backpressure;
    const count = this.#set.replicas.length;
    return new BackPressureError(
      `Request dropped due to backpressure: ${count === 1 ? "the replica" : `all ${count} replicas`} of ${JSON.stringify(this.deployment)} ` +
        `run ${maxOngoingRequests} requests (maxOngoingRequests) and hold ${maxQueuedRequests} waiting (maxQueuedRequests). ` +
        `Retry after ${Math.ceil(retryAfterMs / 1000)} s.`,
      { status: statusCode, retryAfterMs },
    );
  }
}

function cancelWith(signal: AbortSignal, cancellation: Cancellation): void {
  const cancel = () => cancellation.cancel(new RequestCancelledError("The client went away."));
  if (signal.aborted) cancel();
  else signal.addEventListener("abort", cancel, { once: true });
}

function isRefusal<T>(outcome: T | Refusal): outcome is Refusal {
  return typeof outcome === "object" && outcome !== null && (outcome as { kind?: unknown }).kind === "refused";
}

// Unique within an isolate's life; the random part tells isolates apart. Made late: no randomness at the top level.
let isolate: string | undefined;
let deliveries = 0;

function nextDeliveryId(random: () => number): string {
  isolate ??= Math.floor(random() * 2 ** 52).toString(36);
  return `${isolate}.${(deliveries++).toString(36)}`;
}
