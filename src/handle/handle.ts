/**
 * What user code calls: `handle.remote(...)`, `handle.predict.remote(...)`.
 *
 * Owns: the handle's face, what travels with a call, what an answer becomes.
 * Does not own: where the call goes; that is the target's business, a router in a Worker, a connection elsewhere.
 *
 * Invariants:
 *   H1. `remote` starts the call at once and never throws; every failure is in the response.
 *   H2. A call carries the request id, deadline and chain of the request that it is made for.
 */
import type { OuterRequest } from "../context/outer-request.ts";
import type { ReplicaScope, RequestScope } from "../context/scope.ts";
import { after } from "../context/with-timeout.ts";
import { decodeError } from "../protocol/error-codec.ts";
import { ConfigError, RequestCancelledError } from "../protocol/errors.ts";
import type { DeploymentHandle, HandleOptions } from "../protocol/handle-types.ts";
import { type Answer, type CallRequest, type HandleRef, type RequestMeta, tooDeep } from "../protocol/messages.ts";
import { Cancellation } from "../protocol/cancellation.ts";
import { isTraced } from "../protocol/tracing.ts";
import { marked } from "../protocol/request-mark.ts";
import { isScalar } from "../protocol/plain-data.ts";
import { handleMethods, handles, toSendable } from "../protocol/sendable.ts";
import { sendStreams } from "./byte-streams.ts";
import { callSiteOf } from "./call-site.ts";
import { type EnqueueTarget, enqueueTo } from "./enqueue.ts";
import { checkHandleOptions } from "./handle-options.ts";
import type { KeyedTarget } from "./keyed-handle.ts";
import { RemoteItems } from "./remote-items.ts";
import { RemoteTask } from "./remote-task.ts";
import { CallResponse } from "./response.ts";

/** Where a handle's calls go. */
export interface HandleTarget extends EnqueueTarget {
  /** Deadline of a request in milliseconds, if the deployment has one. */
  readonly requestTimeoutMs: number | null;
  /** Of the object of a key. */
  readonly key?: string;
  /** Where nobody knows whether the deployment is keyed: what the object of a key is, should it be. */
  readonly keyed?: KeyedTarget;
  call(request: CallRequest, cancellation?: Cancellation): Promise<Answer>;
  broadcast(request: CallRequest, cancellation?: Cancellation): Promise<PromiseSettledResult<Answer>[]>;
}

/** Where a call is made, and for which request. Handed in, because a handle also works where there is neither. */
export type ScopeOf = () => CallScope | undefined;

/** What a call has of the place where it is made. */
export interface CallScope {
  /** Missing outside of replicas. */
  readonly replica?: Pick<ReplicaScope, "after">;
  readonly request?: RequestScope | undefined;
  /** The request that code of the user's own Worker works on. */
  readonly outer?: OuterRequest;
}

/** What stands behind a handle; looked up when the handle is itself an argument. */
interface HandleCore {
  readonly target: HandleTarget;
  readonly scopeOf: ScopeOf;
  readonly options: HandleOptions;
}

/** The handles of keyed deployments, which have no calls of their own, and what they stand for as arguments. */
const keyedHandles = new WeakMap<object, Pick<HandleRef, "app" | "deployment">>();

/** Lets a keyed deployment's handle be an argument. */
export function registerKeyed(handle: object, ref: Pick<HandleRef, "app" | "deployment">): void {
  keyedHandles.set(handle, ref);
  handles.add(handle);
}

// Not a property of the handle: every property of a handle is a method of the deployment.
const cores = new WeakMap<object, HandleCore>();

/** How many methods a handle has made at most, and hands out again. */
const MAX_METHODS = 100;

/** Makes a handle. `T` is the deployment's class, or the type of its function. */
export function createHandle<T>(target: HandleTarget, scopeOf: ScopeOf, options: HandleOptions = {}): DeploymentHandle<T> {
  const core: HandleCore = { target, scopeOf, options };
  const methods = new Map<string, object>();
  const own: Record<string, object> = {
    ...remoteMethod(core, undefined),
    options(more: HandleOptions) {
      const subject = () => `Handle of deployment ${JSON.stringify(target.deployment)} of application ${JSON.stringify(target.app)}`;
      checkHandleOptions(subject, more);
      if (target.key !== undefined && more.key !== undefined)
        throw new ConfigError(`${subject()}: there is no option key, because it is the handle of one key.`);
      return createHandle<T>(target, scopeOf, { ...options, ...more });
    },
  };
  const handle = new Proxy(own, {
    get(_, name) {
      // A handle is not a promise, and a symbol is not a method's name.
      if (typeof name !== "string" || name === "then" || name === "toJSON") return undefined;
      if (Object.hasOwn(own, name)) return alsoMethod(core, name, own[name]!);
      let method = methods.get(name);
      if (method === undefined) {
        // A program may make names up, or take them from whoever asks it.
        if (methods.size === MAX_METHODS) methods.clear();
        methods.set(name, (method = namedMethod(core, name)));
      }
      return method;
    },
  });
  cores.set(handle, core);
  handles.add(handle);
  return handle as unknown as DeploymentHandle<T>;
}

/** Whether `value` is a handle. */
export function isHandle(value: unknown): value is DeploymentHandle<unknown> {
  return typeof value === "object" && value !== null && (cores.has(value) || keyedHandles.has(value));
}

/** The task with this id, where a handle's calls are enqueued; `undefined` for what is no handle, or where nothing can be enqueued. */
export function taskBehind<T>(handle: object, id: string): RemoteTask<T> | undefined {
  const tasks = cores.get(handle)?.target.tasks;
  return tasks === undefined ? undefined : new RemoteTask<T>(id, tasks);
}

// What a handle has itself. A method of the class's may have the same name; made when it is asked for, as most handles are made for one call.
function alsoMethod(core: HandleCore, name: string, own: object): object {
  return Object.hasOwn(own, "remote") ? own : Object.assign(own, remoteMethod(core, name));
}

// A function, so that calling it says what is missing: once a method, not once a call.
function namedMethod(core: HandleCore, name: string): object {
  const { keyed } = core.target;
  if (keyed !== undefined && (name === "get" || name === "delete"))
    return Object.assign(ofKey(core, keyed, name), remoteMethod(core, name));
  const called = () => {
    const { app, deployment } = core.target;
    const method = JSON.stringify(`${deployment}.${name}`);
    throw new TypeError(
      `${method} of application ${JSON.stringify(app)} was called like a local method. It runs in a replica: use .${name}.remote(...).`,
    );
  };
  handleMethods.add(called);
  return Object.assign(called, remoteMethod(core, name));
}

// Of a handle over a connection, which may be one to a keyed deployment.
function ofKey({ scopeOf }: HandleCore, keyed: KeyedTarget, name: "get" | "delete"): (key: string) => unknown {
  return name === "get" ? (key) => createHandle(keyed.at(key), scopeOf) : async (key) => keyed.delete(key);
}

function remoteMethod(core: HandleCore, method: string | undefined): { remote: object; broadcast: object; enqueue: object } {
  const remote = (...args: unknown[]): CallResponse => begin(sendCall, { core, method, args }, remote);
  const broadcast = (...args: unknown[]): Promise<unknown> => begin(sendToAll, { core, method, args }, broadcast).result();
  const enqueue = (...args: unknown[]): Promise<unknown> => enqueued({ core, method, args });
  return { remote, broadcast, enqueue };
}

async function enqueued({ core: { target, options, scopeOf }, method, args }: Call): Promise<unknown> {
  const scope = scopeOf();
  // Another request works on it, and has another id: what is implied here is not there.
  const trace = scope?.request === undefined ? carriedTrace(options, undefined, scope?.outer) : traceIn(scope.request);
  return enqueueTo(target, { method, args: args.some(isResponse) ? await arrived(args) : args, options, trace });
}

function traceIn({ traceparent, tracestate }: RequestScope): CarriedTrace {
  return { traceparent, tracestate };
}

interface Call {
  readonly core: HandleCore;
  readonly method: string | undefined;
  readonly args: readonly unknown[];
}

/** Sends a call. Throws or rejects when it cannot be sent; what the method threw is in the answer. */
type Sender = (core: HandleCore, request: CallRequest, cancellation: Cancellation) => Promise<Answer>;

// `entry` is what user code called: the stack of an error begins above it.
function begin(send: Sender, call: Call, entry: object): CallResponse {
  const { core } = call;
  const callSite = callSiteOf(entry);
  const scope = core.scopeOf();
  const parent = scope?.request;
  const { signal = scope?.outer?.signal } = core.options;
  const cancellation = new Cancellation();
  // Before it is sent: what nobody waits for is not to begin.
  if (signal?.aborted === true || parent?.isAborted === true) cancellation.cancel(new RequestCancelledError("The request was cancelled."));
  const settings = { cancellation, callSite, parent, signal, after: scope?.replica?.after ?? after };
  let meta: RequestMeta;
  try {
    meta = nextMeta(core, parent, scope?.outer);
  } catch (error) {
    return new CallResponse(Promise.reject(error), { ...settings, deadline: undefined });
  }
  const answer = sent(send, call, meta, cancellation);
  scope?.outer?.keepAlive(answer.catch(() => {}));
  return new CallResponse(answer, { ...settings, deadline: meta.deadline });
}

function sent(send: Sender, { core, method, args }: Call, meta: RequestMeta, cancellation: Cancellation): Promise<Answer> {
  try {
    const refusal = tooDeep(meta);
    if (refusal !== undefined) throw new ConfigError(refusal);
    if (!args.some(isResponse)) return send(core, toRequest(core, method, args, meta), cancellation);
    return arrived(args).then((results) => send(core, toRequest(core, method, results, meta), cancellation));
  } catch (error) {
    return Promise.reject(error);
  }
}

function sendCall({ target }: HandleCore, request: CallRequest, cancellation: Cancellation): Promise<Answer> {
  if (request.isOnce !== true) return target.call(request, cancellation);
  const send = (watched: CallRequest) => target.call(watched, cancellation);
  return sendStreams(request, send, (index) => argumentName(target, request.method, index));
}

function argumentName({ deployment }: HandleTarget, method: string | undefined, index: number): string {
  return `Argument ${index + 1} of ${JSON.stringify(`${deployment}.${method ?? "call"}`)}`;
}

async function sendToAll({ target }: HandleCore, request: CallRequest, cancellation: Cancellation): Promise<Answer> {
  const replies = await target.broadcast(request, cancellation);
  return { kind: "value", value: replies.map(settledOf) };
}

function settledOf(settled: PromiseSettledResult<Answer>): PromiseSettledResult<unknown> {
  if (settled.status === "rejected") return settled;
  const reply = settled.value;
  if (reply.kind === "error") return { status: "rejected", reason: decodeError(reply.error) };
  return { status: "fulfilled", value: reply.kind === "value" ? reply.value : new RemoteItems(reply.items) };
}

// Only responses are awaited: any other promise is refused like everything that cannot cross.
function arrived(args: readonly unknown[]): Promise<unknown[]> {
  return Promise.all(args.map(async (arg) => (isResponse(arg) ? { value: await (arg as CallResponse).result() } : { value: arg }))).then(
    (all) => all.map(({ value }) => value),
  );
}

function isResponse(arg: unknown): boolean {
  return arg instanceof CallResponse;
}

type CarriedTrace = Pick<RequestMeta, "traceparent" | "tracestate">;
const NO_TRACE: CarriedTrace = {};

/** What a call carries of the trace that it is part of. */
function carriedTrace({ traceparent }: HandleOptions, request: RequestScope | undefined, outer: OuterRequest | undefined): CarriedTrace {
  if (request !== undefined) return request.carried;
  return traceparent === undefined ? (outer?.carried ?? NO_TRACE) : { traceparent };
}

function nextMeta({ target, options }: HandleCore, request: RequestScope | undefined, outer: OuterRequest | undefined): RequestMeta {
  const parent = request?.meta;
  const here = `${target.app}/${target.deployment}`;
  const chain = parent === undefined ? [here] : [...parent.chain, here];
  const hops = (parent?.hops ?? 0) + 1;
  const timeoutMs = earlier(options.timeoutMs, target.requestTimeoutMs ?? undefined);
  const deadline = earlier(parent?.deadline, timeoutMs === undefined ? undefined : Date.now() + timeoutMs);
  // Only what is set is sent, and this is the hot path: no spreading.
  const meta: Writable<RequestMeta> = { requestId: parent?.requestId ?? options.requestId ?? newRequestId(), chain, hops };
  if (parent?.routePrefix !== undefined) meta.routePrefix = parent.routePrefix;
  const { traceparent, tracestate } = carriedTrace(options, request, outer);
  if (traceparent !== undefined) meta.traceparent = traceparent;
  if (tracestate !== undefined) meta.tracestate = tracestate;
  if (deadline !== undefined) meta.deadline = deadline;
  if (parent?.shadow === true) meta.shadow = true;
  if (parent === undefined ? isTraced() : parent.isTraced === true) meta.isTraced = true;
  if (options.multiplexedModelId !== undefined) meta.multiplexedModelId = options.multiplexedModelId;
  if (options.key !== undefined) meta.key = options.key;
  return meta;
}

function newRequestId(): string {
  try {
    return crypto.randomUUID();
  } catch (cause) {
    // The platform makes nothing by chance while modules load.
    throw new ConfigError("A handle was called at module scope. Make it there, and call it in a handler: fetch, queue, scheduled.", {
      cause,
    });
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

function earlier(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

function toRequest({ target }: HandleCore, method: string | undefined, args: readonly unknown[], meta: RequestMeta): CallRequest {
  const request: Writable<CallRequest> = { meta, method, args };
  // Most calls have no arguments, or none that need looking at.
  if (args.length === 0) return request;
  const handleArgs: number[] = [];
  request.args = args.map((arg, index) => {
    const ref = typeof arg === "object" && arg !== null ? refOf(arg) : undefined;
    // Named only where it is looked at: most arguments need no name.
    if (ref === undefined) return isScalar(arg) ? arg : toSendable(marked(arg), argumentName(target, method, index));
    handleArgs.push(index);
    return ref;
  });
  if (handleArgs.length > 0) request.handleArgs = handleArgs;
  if (args.some(holdsStream)) request.isOnce = true;
  return request;
}

/** Whether an argument can be sent only once. Looked for among the arguments themselves; a stream further down goes with the first replica that is asked. */
export function holdsStream(arg: unknown): boolean {
  if (typeof arg !== "object" || arg === null) return false;
  return arg instanceof ReadableStream || ((arg instanceof Request || arg instanceof Response) && arg.body !== null);
}

function refOf(arg: object): HandleRef | undefined {
  const core = cores.get(arg);
  if (core !== undefined) return toRef(core);
  const keyed = keyedHandles.get(arg);
  return keyed && { ...keyed, options: {}, isKeyed: true };
}

function toRef({ target, options }: HandleCore): HandleRef {
  // What is said for the request in which a handle is made does not hold for the one that it is carried to.
  const { signal: _signal, requestId: _id, traceparent: _trace, ...carried } = options;
  const ref = { app: target.app, deployment: target.deployment, options: carried };
  return target.key === undefined ? ref : { ...ref, objectKey: target.key };
}
