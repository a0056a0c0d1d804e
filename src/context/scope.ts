/**
 * Where code is running: in which replica, for which request.
 *
 * Owns: the one `AsyncLocalStorage`, and what user code may ask of it.
 * Does not own: making replicas or requests; whoever runs user code enters the scope.
 *
 * Invariants:
 *   C1. What user code awaits, it continues in the same scope.
 *   C2. A constructor, `setup` and `reconfigure` have a replica and no request.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { RequestCancelledError } from "../protocol/errors.ts";
import type { AnyHandle } from "../protocol/handle-types.ts";
import type { LoggingConfig } from "../protocol/manifest.ts";
import type { RequestMeta } from "../protocol/messages.ts";
import { isImpliedTrace, nextHop, type Trace } from "../protocol/trace.ts";
import type { TaskPort } from "../protocol/tasks.ts";
import type { ClientWatch, Watched } from "./client-watch.ts";
import { type RequestContext, requestContextOf } from "./request-context.ts";
import type { After } from "./with-timeout.ts";
import type { Work } from "./work.ts";

declare global {
  namespace Cloudflare {
    // What `wrangler types` fills in; empty until it has run.
    interface Env {}
  }
}

/** The replica that user code runs in. */
export interface ReplicaContext<Env = Cloudflare.Env> {
  readonly appName: string;
  readonly deployment: string;
  /** `<app>/<deployment>/<location or ->/<ordinal>.<incarnation>`, or `<app>/<deployment>/@<key>` in a keyed deployment. */
  readonly replicaId: string;
  /** Counts from 0 within the deployment; 0 in the object of a key. */
  readonly ordinal: number;
  /** Of a keyed deployment: which object this is. */
  readonly key?: string;
  /** Of the code and the configuration that were built together. */
  readonly version: string;
  /** The Worker's bindings. */
  readonly env: Env;
  /**
   * The state of the replica's own Durable Object: storage, its alarm (where the class has a method `alarm`), WebSockets that hibernate,
   * `waitUntil`. In `runLocal` there is none, and reading it throws.
   */
  readonly state: DurableObjectState;
}

/** A replica as the framework sees it while user code runs. */
export interface ReplicaScope {
  readonly context: ReplicaContext;
  readonly logging: LoggingConfig;
  /** Lets something happen later. Where requests may share a timer, they share it. */
  readonly after: After;
  /**
   * Its requests are a Worker's, of which each has an I/O context of its own: no promise, timer or stub of one is of use to another, and
   * the platform may end one without a word.
   */
  readonly isUnshared?: true;
  /** The application whose controller tells it what is new; missing where nobody does: in the object of a key, in a Worker. */
  readonly controlledBy?: string;
  /** Makes a handle to any deployment of the system; `deployment` is the application's ingress when left out. */
  handleTo(app: string, deployment?: string): AnyHandle;
  /** Missing where no deployment has tasks. */
  readonly tasks?: TaskPort | undefined;
}

/** Every replica makes it out by itself. */
const NOT_CARRIED: Pick<RequestMeta, "traceparent" | "tracestate"> = {};

/** A request while it is worked on. */
export class RequestScope implements RequestContext, Watched {
  readonly meta: RequestMeta;
  #trace: Trace | undefined;
  #carried: Pick<RequestMeta, "traceparent" | "tracestate"> | undefined;
  /** Where requests share nothing: what all calls have in common that are made for one request of the Worker. */
  work: Work | undefined;
  #signal: AbortController | undefined;
  // Where `signal` was asked for: its listeners run there, because the platform does not bind them.
  #inScope: (<R>(body: () => R) => R) | undefined;
  #reason: unknown;
  #abortedAtMs: number | undefined;
  // What the request has going on elsewhere: stopped when it is.
  #listeners: Set<(reason: unknown) => void> | undefined;
  // Who is to know that the request is over; made when somebody asks, because most requests use nothing of the replica's.
  #endListeners: (() => void)[] | undefined;
  #hasEnded = false;
  // Followed when somebody asks: listening costs a tenth of a whole request, and most handlers never look.
  #source: { readonly signal: AbortSignal } | undefined;
  readonly #clients: ClientWatch | undefined;
  #isWatched = false;
  #context: RequestContext | undefined;
  #fromAfar: Set<unknown> | undefined;

  /**
   * @param source The HTTP request, whose client may go away.
   * @param clients Listens to the client for `onAbortSoon`.
   */
  constructor(meta: RequestMeta, source?: { readonly signal: AbortSignal }, clients?: ClientWatch) {
    this.meta = meta;
    this.#source = source;
    this.#clients = clients;
  }

  /** What user code sees of it, the same object each time. */
  get context(): RequestContext {
    return (this.#context ??= requestContextOf(this));
  }
  get requestId(): string {
    return this.meta.requestId;
  }
  get routePrefix(): string | undefined {
    return this.meta.routePrefix;
  }
  get multiplexedModelId(): string | undefined {
    return this.meta.multiplexedModelId;
  }
  get deadline(): number | undefined {
    return this.meta.deadline;
  }
  /** Where the request is in its trace. Made when somebody asks: most requests end before. */
  get trace(): Trace {
    return (this.#trace ??= nextHop(this.meta));
  }
  get traceparent(): string {
    return this.trace.traceparent;
  }
  get tracestate(): string | undefined {
    return this.meta.tracestate;
  }
  /** What calls that are made for the request are to carry of its trace. */
  get carried(): Pick<RequestMeta, "traceparent" | "tracestate"> {
    return (this.#carried ??= this.meta.traceparent === undefined && isImpliedTrace(this.requestId) ? NOT_CARRIED : this.#own);
  }
  get #own(): Pick<RequestMeta, "traceparent" | "tracestate"> {
    const { traceparent, tracestate } = this;
    return tracestate === undefined ? { traceparent } : { traceparent, tracestate };
  }
  get key(): string | undefined {
    return this.meta.key;
  }
  get task(): RequestMeta["task"] {
    return this.meta.task;
  }
  get shadow(): boolean {
    return this.meta.shadow === true;
  }
  get signal(): AbortSignal {
    this.#follow();
    if (this.#signal === undefined) {
      this.#signal = new AbortController();
      this.#inScope = AsyncLocalStorage.snapshot();
      if (this.isAborted) this.#signal.abort(this.#reason);
    }
    return this.#signal.signal;
  }

  /** A call that was made for the request has thrown what is no object, which cannot be told from another one by itself. */
  noteFromAfar(thrown: unknown): void {
    (this.#fromAfar ??= new Set()).add(thrown);
  }

  /** Whether a call of the request has thrown this. */
  isFromAfar(thrown: unknown): boolean {
    return this.#fromAfar?.has(thrown) === true;
  }

  get isAborted(): boolean {
    return this.#abortedAtMs !== undefined;
  }

  /** Since when nobody waits for it, in milliseconds since the epoch; `undefined` while somebody does. Looks for the client, too. */
  get abandonedAtMs(): number | undefined {
    this.#follow();
    return this.#abortedAtMs;
  }

  /** Tells whoever looks at `signal`, and whatever was started for the request, that nobody waits any more. */
  abort(reason: unknown): void {
    if (this.isAborted) return;
    this.#abortedAtMs = Date.now();
    this.#reason = reason;
    this.#inScope?.(() => this.#signal?.abort(reason));
    for (const listener of this.#listeners ?? []) listener(reason);
    this.#listeners = undefined;
  }

  /** Calls `listener` when the request is aborted, at once if it is. Returns what takes the listener off again. */
  onAbort(listener: (reason: unknown) => void): () => void {
    this.#follow();
    return this.#listen(listener);
  }

  /** The same for what may hear a moment late that the client has gone. Costs a short request much less. */
  onAbortSoon(listener: (reason: unknown) => void): () => void {
    if (this.#clients === undefined) return this.onAbort(listener);
    if (this.#source !== undefined && !this.#isWatched) {
      this.#isWatched = true;
      this.#clients.add(this);
    }
    return this.#listen(listener);
  }

  /** Listens to the client from now on, unless there is nothing left that it could stop. */
  watch(): void {
    this.#isWatched = false;
    if (!this.#hasEnded || (this.#listeners?.size ?? 0) > 0) this.#follow();
  }

  #listen(listener: (reason: unknown) => void): () => void {
    if (this.isAborted) {
      listener(this.#reason);
      return () => {};
    }
    const listeners = (this.#listeners ??= new Set());
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  /** Says that the request is over: it holds its slot no longer, and nothing that it was given. A second time does nothing. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const listeners = this.#endListeners;
    this.#endListeners = undefined;
    if (listeners !== undefined) for (const listener of listeners) listener();
  }

  /** Calls `listener` once when the request is over, at once if it is. It must not throw. */
  onEnd(listener: () => void): void {
    if (this.#hasEnded) listener();
    else (this.#endListeners ??= []).push(listener);
  }

  #follow(): void {
    const signal = this.#source?.signal;
    this.#source = undefined;
    if (signal === undefined) return;
    if (signal.aborted) this.#clientGone();
    else signal.addEventListener("abort", () => this.#clientGone(), { once: true });
  }

  #clientGone(): void {
    this.abort(new RequestCancelledError("The client went away."));
  }
}

/** The replica and, unless the replica is starting, the request. */
export interface Scope {
  readonly replica: ReplicaScope;
  readonly request: RequestScope | undefined;
}

const scopes = new AsyncLocalStorage<Scope>();

/** Runs `body`, and all that it awaits, in `scope`. */
export function runInScope<R>(scope: Scope, body: () => R): R {
  return scopes.run(scope, body);
}

/** The scope that the caller runs in; `undefined` outside a replica. */
export function currentScope(): Scope | undefined {
  return scopes.getStore();
}

/**
 * The replica that this code runs in.
 *
 * @throws Error outside a replica: at the top level of a module, in a test.
 */
export function getReplicaContext<Env = Cloudflare.Env>(): ReplicaContext<Env> {
  const scope = currentScope();
  if (scope === undefined) {
    throw new Error("getReplicaContext() works only inside a replica: in a deployment's constructor, methods, and what they call.");
  }
  return scope.replica.context as ReplicaContext<Env>;
}

/**
 * The request that this code works on.
 *
 * @throws Error outside a request: in a constructor, in `setup`, outside a replica.
 */
export function getRequestContext(): RequestContext {
  const request = currentScope()?.request;
  if (request === undefined) {
    throw new Error("getRequestContext() works only while a request is handled: in a deployment's methods, and what they call.");
  }
  return request.context;
}
