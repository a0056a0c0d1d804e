/**
 * The way to the objects of a keyed deployment: one send to the one object that a key has.
 *
 * Nothing is chosen and nothing is reserved. A request waits where it runs, so that what one caller sends to one key begins in the order
 * in which it was sent; what waited in an object that was lost counts as begun.
 *
 * Owns: what an isolate knows of the deployment, which objects it has told lately, what a lost object means to the caller.
 * Does not own: keys (protocol/keys.ts), the connection (a port), what runs there.
 *
 * Invariants:
 *   Y1. A call is sent before `call` returns to its caller.
 *   Y2. No request waits for the control plane. What is known of the configuration is renewed beside requests, and goes with them.
 *   Y3. A request that may have begun is sent again only where `retries` says so, and never to the object after one that was deleted.
 */
import type { Cancellation } from "../protocol/cancellation.ts";
import { decodeError } from "../protocol/error-codec.ts";
import { BackPressureError, DeploymentUnavailableError, ReplicaUnavailableError, ServeError } from "../protocol/errors.ts";
import { checkKey, isDeletion, type KeyedConfig, objectNameOf } from "../protocol/keys.ts";
import type { TasksConfig } from "../protocol/manifest.ts";
import type { Answer, CallRequest, Refusal, RequestMeta } from "../protocol/messages.ts";
import { classifyFailure } from "../protocol/platform-failures.ts";
import type { ReplicaRef } from "../protocol/replica-set.ts";
import type { TaskPort } from "../protocol/tasks.ts";
import { begunBefore, type Destination, explainFailure, LostReplica } from "./route-errors.ts";
import { backoffMs } from "./backoff.ts";
import {
  type FetchPorts,
  isRefusal,
  type ReplicaConnection,
  type Resendable,
  resendable,
  type Send,
  SendCall,
  SendFetch,
  whenPrepared,
} from "./send.ts";

/** A way to the object of a key. */
export interface ObjectConnection extends ReplicaConnection {
  /** Deletes it: resolves when it is gone. */
  erase(): Promise<void>;
}

/** What is needed of wherever the caller runs. */
export interface KeyedPorts extends FetchPorts {
  now(): number;
  sleep(ms: number): Promise<void>;
  connect(object: ReplicaRef): ObjectConnection;
  /** A connection has failed, and is asked for anew the next time. */
  disconnected?(object: ReplicaRef): void;
  /** Asks beside the requests what runs, where nobody else tells. */
  renew?(): void;
  readonly tasks?: TaskPort | undefined;
}

/** How long an object that was told its configuration is taken to know it. */
const TOLD_MS = 5000;
/** So many objects are remembered to have been told; after that they are told once more. */
const MAX_TOLD = 10_000;
/** How often a request is sent on to the next object of its key, because the one before is being deleted. */
const DELETIONS = 20;

export class KeyedRouter implements Destination {
  readonly app: string;
  readonly deployment: string;
  readonly #version: string;
  readonly #compiled: KeyedConfig;
  readonly #ports: KeyedPorts;
  readonly #toldAtMs = new Map<string, number>();
  #config: KeyedConfig;

  /** @param compiled What was compiled, of the code that runs. */
  constructor({ app, deployment }: Destination, compiled: KeyedConfig, ports: KeyedPorts) {
    this.app = app;
    this.deployment = deployment;
    this.#version = compiled.version;
    this.#compiled = compiled;
    this.#config = compiled;
    this.#ports = ports;
  }

  /** What objects are to run with, as far as is known here. Of other code's configuration nothing is known but where it is reached. */
  get config(): KeyedConfig["config"] {
    return (this.#config.version === this.#version ? this.#config : this.#compiled).config;
  }
  get routePrefix(): string | null {
    return this.isGone ? null : this.#config.routePrefix;
  }
  get routing(): number {
    return this.#config.routing ?? 0;
  }
  get isGone(): boolean {
    return this.#config.isGone === true;
  }
  /** Of what is known. */
  get epoch(): number {
    return this.#config.epoch;
  }
  get requestTimeoutMs(): number | null {
    return this.config.requestTimeoutMs;
  }
  get tasksConfig(): TasksConfig | undefined {
    return this.config.tasks;
  }
  get takesTasks(): boolean {
    return this.tasksConfig !== undefined;
  }
  get tasks(): TaskPort | undefined {
    return this.#ports.tasks;
  }

  /** Takes a configuration, unless it knows a newer one. */
  learn(config: KeyedConfig): void {
    if (config.epoch <= this.#config.epoch) return;
    this.#config = config;
    this.#toldAtMs.clear();
  }

  /** The object of a key. @throws KeyError for what is no key. */
  at(key: string): ObjectRoute {
    checkKey(key, this);
    return new ObjectRoute(this, key);
  }

  /** Deletes the object of a key. */
  async delete(key: string): Promise<void> {
    checkKey(key, this);
    this.#requireThere();
    const object = this.#refOf(key);
    this.#toldAtMs.delete(object.name);
    for (let losses = 0; ; losses++) {
      try {
        await this.#ports.connect(object).erase();
        return;
      } catch (error) {
        // Its object has ended, whatever the answer was.
        this.#ports.disconnected?.(object);
        if (isDeletion(error)) return;
        // To erase once more does no harm.
        if (losses >= this.config.retries.attempts) throw explainFailure(this.#failed(object, error), this, "delete");
        await this.#ports.sleep(backoffMs(losses, this.#ports.random));
      }
    }
  }

  /** Reads a small body, so that the request outlives a lost object. What it returns is given to `fetch`. */
  prepare(request: Request): Promise<Resendable> {
    return resendable(request);
  }

  /** Gives an HTTP request to the object of a key. */
  fetch(key: string, request: Request | Resendable, meta: RequestMeta): Promise<Response> {
    checkKey(key, this);
    return whenPrepared(request, (prepared) => this.send(key, new SendFetch(prepared, meta, this.#ports)));
  }

  /** Runs a call in the object of a key. */
  call(key: string, request: CallRequest, cancellation?: Cancellation): Promise<Answer> {
    return this.send(key, new SendCall(request, this.#ports.random), cancellation);
  }

  /** Sends a request to the object of a key, whatever it is. Rejects only with errors of edge-serve. */
  async send<T>(key: string, send: Send<T>, cancellation?: Cancellation): Promise<T> {
    const object = this.#refOf(key);
    let mayHaveBegun = false;
    for (let losses = 0, deletions = 0; ;) {
      try {
        const outcome = await this.#deliver(object, send, cancellation);
        if (!isRefusal(outcome)) return outcome;
        if (outcome.isDeleted !== true || deletions++ >= DELETIONS) throw this.#full(outcome);
        if (send.isOnce) throw this.#deletedBefore();
      } catch (error) {
        const isLost = error instanceof LostReplica;
        mayHaveBegun ||= isLost && error.mayHaveBegun;
        if (!isLost || losses >= this.config.retries.attempts || !this.#mayGoAgain(error, send)) {
          const explained = explainFailure(error, this, send.method);
          throw mayHaveBegun ? begunBefore(explained) : explained;
        }
        losses++;
      }
      await this.#ports.sleep(backoffMs(losses + deletions, this.#ports.random));
    }
  }

  async #deliver<T>(object: ReplicaRef, send: Send<T>, cancellation: Cancellation | undefined): Promise<T | Refusal> {
    cancellation?.check();
    this.#requireThere();
    this.#ports.renew?.();
    const connection = this.#ports.connect(object);
    send.begin(object.name, "queue", undefined);
    send.keyed = this.#news(object.name);
    cancellation?.listen((reason) => connection.cancel(send.id, reason));
    try {
      const outcome = await send.inTurn(connection);
      if (isRefusal(outcome)) {
        // It knows why, and the next one starts anew.
        if (outcome.failedStart !== undefined) throw decodeError(outcome.failedStart);
        return outcome;
      }
      return send.guard(outcome, (error) => explainFailure(this.#failed(object, error), this, send.method));
    } catch (error) {
      cancellation?.check();
      throw this.#failed(object, error);
    } finally {
      cancellation?.listen(undefined);
    }
  }

  // What was compiled need not be said, and what was said a moment ago neither.
  #news(name: string): KeyedConfig | undefined {
    if (this.#config === this.#compiled) return undefined;
    const nowMs = this.#ports.now();
    if (nowMs - (this.#toldAtMs.get(name) ?? -Infinity) < TOLD_MS) return undefined;
    if (this.#toldAtMs.size >= MAX_TOLD) this.#toldAtMs.clear();
    this.#toldAtMs.set(name, nowMs);
    return this.#config;
  }

  // Only what the platform throws at a connection means that an object is lost.
  #failed(object: ReplicaRef, error: unknown): unknown {
    if (error instanceof ServeError || error instanceof LostReplica) return error;
    this.#ports.disconnected?.(object);
    this.#toldAtMs.delete(object.name);
    const failure = classifyFailure(error);
    return failure === "unsendable" ? error : new LostReplica(object, error, { failure, isSent: true });
  }

  #mayGoAgain(lost: LostReplica, { isOnce, isSent, beginsOnce }: Send<unknown>): boolean {
    if ((isOnce && isSent) || isDeletion(lost.cause)) return false;
    // An overloaded object that is asked again has even more to do.
    if (lost.failure === "overloaded") return false;
    return !lost.mayHaveBegun || !(beginsOnce || this.config.retries.onlyIfNotStarted);
  }

  #requireThere(): void {
    if (!this.isGone) return;
    throw new DeploymentUnavailableError(
      `Deployment ${JSON.stringify(this.deployment)} of application ${JSON.stringify(this.app)} has been deleted.`,
    );
  }

  #full({ load }: Refusal): BackPressureError {
    const { maxQueuedRequests, backpressure } = this.config;
    const { statusCode, retryAfterMs } = backpressure;
    return new BackPressureError(
      `Request dropped due to backpressure: the object of its key of ${JSON.stringify(this.deployment)} runs ${load.ongoing} ` +
        `${load.ongoing === 1 ? "request" : "requests"} (maxOngoingRequests) and holds ${maxQueuedRequests} waiting (maxQueuedRequests). ` +
        `Retry after ${Math.ceil(retryAfterMs / 1000)} s.`,
      { status: statusCode, retryAfterMs },
    );
  }

  #deletedBefore(): ReplicaUnavailableError {
    return new ReplicaUnavailableError(
      `The object of its key of ${JSON.stringify(this.deployment)} was being deleted when the request came. It did not begin, and holds a ` +
        "stream, which cannot be sent again.",
    );
  }

  #refOf(key: string): ReplicaRef {
    const name = objectNameOf(this.app, this.deployment, key);
    const [locationHint] = this.config.placement.locationHints ?? [];
    return locationHint === undefined ? { name } : { name, locationHint };
  }
}

/** The object of one key, as a handle calls it. */
export class ObjectRoute implements Destination {
  readonly #router: KeyedRouter;
  readonly key: string;

  constructor(router: KeyedRouter, key: string) {
    this.#router = router;
    this.key = key;
  }

  get app(): string {
    return this.#router.app;
  }
  get deployment(): string {
    return this.#router.deployment;
  }
  get requestTimeoutMs(): number | null {
    return this.#router.requestTimeoutMs;
  }
  get takesTasks(): boolean {
    return this.#router.takesTasks;
  }
  get tasks(): TaskPort | undefined {
    return this.#router.tasks;
  }

  call(request: CallRequest, cancellation?: Cancellation): Promise<Answer> {
    return this.#router.call(this.key, request, cancellation);
  }

  /** Sends a request there, whatever it is. */
  send<T>(send: Send<T>, cancellation?: Cancellation): Promise<T> {
    return this.#router.send(this.key, send, cancellation);
  }

  /** Reaches that one. */
  async broadcast(request: CallRequest, cancellation?: Cancellation): Promise<PromiseSettledResult<Answer>[]> {
    return Promise.allSettled([this.call(request, cancellation)]);
  }
}
