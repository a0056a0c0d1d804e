/**
 * Sends a request to one of a deployment's replicas: claim, then queue.
 *
 * A claim asks a replica to run the request at once or to refuse; asking is worth more than any stale knowledge of
 * who is busy. After the last refusal the request waits in the queue of the least loaded replica seen.
 *
 * Owns: asking a replica, what its answer teaches, and what a lost one means to the caller.
 * Does not own: who is asked for what (asking.ts), the connection (a port), admission (the replica's), what runs there.
 *
 * Invariants:
 *   T1. A connection is asked for with each attempt, and never used after it has failed; a router keeps plain data only.
 *   T2. What the platform throws never reaches a caller as it is.
 *   T3. A request that a lost replica may have begun is not sent again, unless the deployment allows it. From the moment
 *       that it is sent to run it counts as begun, whatever becomes of the replica.
 *   T4. A request is at one replica at a time.
 */
import { decodeError } from "../protocol/error-codec.ts";
import { ServeError } from "../protocol/errors.ts";
import type { Answer, CallRequest, Refusal, ReplicaState, RequestMeta } from "../protocol/messages.ts";
import type { TasksConfig } from "../protocol/manifest.ts";
import type { TaskPort } from "../protocol/tasks.ts";
import { classifyFailure } from "../protocol/platform-failures.ts";
import { Cancellation } from "../protocol/cancellation.ts";
import { backoffMs } from "./backoff.ts";
import { Asking, type AskMode } from "./asking.ts";
import { ReplicaEstimates } from "./replica-estimates.ts";
import { Ordering, type OrderingPorts } from "./ordering.ts";
import type { ReplicaRef, ReplicaSet } from "../protocol/replica-set.ts";
import {
  allFull,
  begunBefore,
  type Destination,
  explainFailure,
  isElsewhere,
  type Loss,
  LostReplica,
  noReplicas,
  notThere,
  tooLate,
} from "./route-errors.ts";
import {
  type Resendable,
  resendable,
  whenPrepared,
  isRefusal,
  type Learner,
  type ReplicaConnection,
  type Send,
  SendCall,
  SendFetch,
} from "./send.ts";
import { type Seen, viewOf } from "./refusal-view.ts";

export type { Learner, ReplicaConnection } from "./send.ts";

/** What a router needs from the platform. */
export interface RouterPorts extends OrderingPorts {
  /** @param learner Is told of newer replica sets that come over the connection. */
  connect(replica: ReplicaRef, learner: Learner): ReplicaConnection;
  /** A connection has failed: the next one is to be another. */
  disconnected?(replica: ReplicaRef): void;
  sleep(ms: number): Promise<void>;
  /** Where calls are enqueued. */
  readonly tasks?: TaskPort | undefined;
  /** Lets a request finish what it has begun although its client has gone. */
  keepAlive?(promise: Promise<unknown>): void;
}

/** How often a request begins again because a replica brought a newer set. After that it goes through those that it has begun with. */
const CHANGES = 5;
export class Router {
  readonly app: string;
  readonly deployment: string;
  readonly takesUrl = true as const;
  readonly #ports: RouterPorts;
  readonly #estimates: ReplicaEstimates;
  readonly #ordering: Ordering;
  readonly #asking: Asking;
  #set: ReplicaSet;

  /** @param set What is known at first; answers bring newer ones. */
  constructor({ app, deployment }: Destination, set: ReplicaSet, ports: RouterPorts) {
    this.app = app;
    this.deployment = deployment;
    this.#set = set;
    this.#ports = ports;
    this.#estimates = new ReplicaEstimates(ports.now);
    this.#ordering = new Ordering(set, this.#estimates, ports);
    this.#asking = new Asking(this.#estimates, this.#ordering);
  }

  /** Deadline of a request in milliseconds, if the deployment has one. */
  get requestTimeoutMs(): number | null {
    return this.#set.config.requestTimeoutMs;
  }

  /** Whether the application has been deleted, as far as is known. */
  get isGone(): boolean {
    return this.#set.isGone === true;
  }

  /** What is done with calls that are enqueued; `undefined` where none may be. */
  get tasksConfig(): TasksConfig | undefined {
    return this.#set.config.tasks;
  }

  /** Whether calls may be enqueued. */
  get takesTasks(): boolean {
    return this.tasksConfig !== undefined;
  }

  /** Where calls are enqueued; `undefined` where no deployment of the system has tasks. */
  get tasks(): TaskPort | undefined {
    return this.#ports.tasks;
  }

  /** Where HTTP requests reach the application, as far as is known; `null` when they do not. */
  get routePrefix(): string | null {
    return this.#set.isGone === true ? null : this.#set.routePrefix;
  }

  /** How often prefixes have changed, as far as is known here. */
  get routing(): number {
    return this.#set.routing ?? 0;
  }

  /** Takes a replica set, unless it knows a newer one. */
  learn(set: ReplicaSet): void {
    if (set.epoch <= this.#set.epoch) return;
    this.#set = set;
    this.#ordering.take(set);
  }

  /** A replica has heard which set this caller knew: for a while it is not told again. */
  told(replica: string, epoch: number): void {
    this.#estimates.told(replica, epoch);
  }

  /** A replica has said what it has. */
  heard(replica: string, state: ReplicaState): void {
    this.#ordering.heard(replica, state);
  }

  /** Runs a call on one replica. Rejects only with errors of edge-serve; what the method threw is in the reply. */
  call(request: CallRequest, cancellation?: Cancellation): Promise<Answer> {
    return this.route(new SendCall(request, this.#ports.random), cancellation);
  }

  /** Reads a small body, so that the request outlives a refusal. What it returns is given to `fetch`. */
  prepare(request: Request): Promise<Resendable> {
    return resendable(request);
  }

  /** Gives an HTTP request to one replica. */
  fetch(request: Request | Resendable, meta: RequestMeta, url?: string): Promise<Response> {
    return whenPrepared(request, (prepared) => this.route(new SendFetch(prepared, meta, this.#ports), undefined), url);
  }

  /** Runs a call on every replica, in the order of the set. */
  broadcast(request: CallRequest, cancellation?: Cancellation): Promise<PromiseSettledResult<Answer>[]> {
    const { isOnce: _, ...always } = request;
    const each = this.#set.replicas.map((replica) => ({ replica, part: new Cancellation() }));
    cancellation?.listen((reason) => each.forEach(({ part }) => part.cancel(reason)));
    return Promise.allSettled(
      each.map(async ({ replica, part }) => {
        try {
          cancellation?.check();
          const reply = await this.#deliver(replica, "queue", new SendCall(always, this.#ports.random), part);
          if (reply.kind === "refused") throw allFull(this, this.#set);
          return reply;
        } catch (error) {
          throw explainFailure(error, this, request.method);
        }
      }),
    );
  }

  /** Sends a request to one replica, whatever it is. */
  async route<T>(send: Send<T>, cancellation: Cancellation | undefined): Promise<T> {
    let mayHaveBegun = false;
    for (let losses = 0, changes = 0; ;) {
      const set = this.#set;
      const refusals: Seen[] = [];
      try {
        for (const { replica, mode } of this.#asking.each(send, set, refusals)) {
          const outcome = await this.#deliver(replica, mode, send, cancellation);
          if (!isRefusal(outcome)) return outcome;
          if (mode !== "queue") refusals.push(this.#refused(replica, outcome));
          // It brought a newer set: begin again with that one. But not always, because a deployment that grows while it is full may
          // bring another one each time.
          if (this.#set !== set && changes < CHANGES) break;
        }
        // Only what was heard just now is certain: the application may have come back since.
        if (this.#set === set || changes >= CHANGES || isElsewhere(this.#set, send.meta)) throw this.#nobody(set, send);
        changes++;
      } catch (error) {
        mayHaveBegun ||= error instanceof LostReplica && error.mayHaveBegun;
        if (!(error instanceof LostReplica) || losses >= this.#set.config.retries.attempts || !this.#mayGoElsewhere(error, send)) {
          const explained = explainFailure(error, this, send.method);
          throw mayHaveBegun ? begunBefore(explained) : explained;
        }
        await this.#ports.sleep(backoffMs(losses++, this.#ports.random));
      }
    }
  }

  #mayGoElsewhere({ failure, isSent, mayHaveBegun }: LostReplica, { isOnce, beginsOnce }: Send<unknown>): boolean {
    if (isOnce && isSent) return false;
    // An overloaded object that is asked again has even more to do, and an instance that did not start fails again.
    if ((failure === "overloaded" || failure === "failed-start") && this.#set.replicas.every(({ name }) => this.#estimates.isAvoided(name)))
      return false;
    return !mayHaveBegun || !(beginsOnce || this.#set.config.retries.onlyIfNotStarted);
  }

  // Why nobody of a set has taken it.
  #nobody(asked: ReplicaSet, { meta }: Send<unknown>): ServeError {
    if (asked.replicas.length === 0 && asked === this.#set) return noReplicas(this, asked);
    return isElsewhere(this.#set, meta) ? notThere(this, this.#set) : allFull(this, this.#set);
  }

  #refused(replica: ReplicaRef, refusal: Refusal): Seen {
    const seen = viewOf(replica, refusal, this.#set.config);
    this.#estimates.claimed(replica.name, seen.isLong ? "refused, with a long queue" : "refused");
    return seen;
  }

  async #deliver<T>(replica: ReplicaRef, mode: AskMode, send: Send<T>, cancellation: Cancellation | undefined): Promise<T | Refusal> {
    cancellation?.check();
    const connection = this.#ports.connect(replica, this);
    const { epoch } = this.#set;
    const { wantsStates } = this.#ordering;
    const isTold = send.isTerse && mode === "claim" && !wantsStates && this.#estimates.isTold(replica.name, epoch);
    if (wantsStates) send.wantsState = true;
    send.begin(replica.name, mode, isTold ? undefined : epoch);
    cancellation?.listen((reason) => connection.cancel(send.id, reason));
    this.#estimates.sent(replica.name);
    try {
      const outcome = await send.over(connection);
      if (isRefusal(outcome)) return this.#refusedBy(replica, outcome, send);
      this.#answered(replica.name, mode, send.meta);
      return send.guard(outcome, (error) => explainFailure(this.#failed(replica, error, send), this, send.method));
    } catch (error) {
      cancellation?.check();
      throw this.#failed(replica, error, send);
    } finally {
      cancellation?.listen(undefined);
    }
  }

  #refusedBy(replica: ReplicaRef, refusal: Refusal, { isOnce, isSent }: Send<unknown>): Refusal {
    const { failedStart, load } = refusal;
    if (failedStart !== undefined) throw this.#lost(replica, decodeError(failedStart), { failure: "failed-start", isSent });
    this.#estimates.refused(replica.name, load);
    // A claim that is refused is still there to be sent; what can be sent once only went after its slot had been given back.
    if (isOnce && isSent) throw tooLate(this);
    return refusal;
  }

  // Only what the platform throws at a connection means that a replica is lost.
  #failed(replica: ReplicaRef, error: unknown, { isSent }: Send<unknown>): unknown {
    if (error instanceof ServeError || error instanceof LostReplica) return error;
    this.#ports.disconnected?.(replica);
    const failure = classifyFailure(error);
    return failure === "unsendable" ? error : this.#lost(replica, error, { failure, isSent });
  }

  #lost(replica: ReplicaRef, cause: unknown, loss: Loss): LostReplica {
    this.#estimates.lost(replica.name);
    this.#ordering.lost(replica.name);
    return new LostReplica(replica, cause, loss);
  }

  #answered(replica: string, mode: AskMode, meta: RequestMeta): void {
    this.#estimates.answered(replica);
    this.#ordering.answered(replica, meta);
    if (mode !== "queue") this.#estimates.claimed(replica, "taken");
  }
}
