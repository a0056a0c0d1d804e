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
import { currentScope } from "../context/scope.ts";
import { decodeError } from "../protocol/error-codec.ts";
import { ConfigError } from "../protocol/errors.ts";
import type { DeploymentHandle, HandleOptions } from "../protocol/handle-types.ts";
import { type CallRequest, type HandleRef, type Reply, type RequestMeta, tooDeep } from "../protocol/messages.ts";
import { toSendable } from "../protocol/sendable.ts";
import { RemoteItems } from "./remote-items.ts";
import { CallResponse } from "./response.ts";

/** Where a handle's calls go. */
export interface HandleTarget {
  readonly app: string;
  readonly deployment: string;
  call(request: CallRequest): Promise<Reply>;
  broadcast(request: CallRequest): Promise<PromiseSettledResult<Reply>[]>;
}

/** What stands behind a handle; looked up when the handle is itself an argument. */
interface HandleCore {
  readonly target: HandleTarget;
  readonly options: HandleOptions;
}

// V8's own, which the platform's types leave out. Formatting waits until somebody reads the stack.
const captureStack = (Error as { captureStackTrace?: (target: object, above: object) => void }).captureStackTrace;

// Not a property of the handle: every property of a handle is a method of the deployment.
const cores = new WeakMap<object, HandleCore>();

/** Makes a handle. `T` is the deployment's class, or the type of its function. */
export function createHandle<T>(target: HandleTarget, options: HandleOptions = {}): DeploymentHandle<T> {
  const core: HandleCore = { target, options };
  const methods = new Map<string, object>();
  const own: Record<string, unknown> = {
    ...remoteMethod(core, undefined),
    options: (more: HandleOptions) => createHandle(target, { ...options, ...more }),
  };
  const handle = new Proxy(own, {
    get(_, name) {
      // A handle is not a promise, and a symbol is not a method's name.
      if (typeof name !== "string" || name === "then" || name === "toJSON") return undefined;
      if (Object.hasOwn(own, name)) return own[name];
      let method = methods.get(name);
      if (method === undefined) methods.set(name, (method = remoteMethod(core, name)));
      return method;
    },
  });
  cores.set(handle, core);
  return handle as unknown as DeploymentHandle<T>;
}

/** Whether `value` is a handle. */
export function isHandle(value: unknown): value is DeploymentHandle<unknown> {
  return typeof value === "object" && value !== null && cores.has(value);
}

function remoteMethod(core: HandleCore, method: string | undefined): { remote: unknown; broadcast: unknown } {
  const remote = (...args: unknown[]): CallResponse => {
    const callSite: { stack?: string } = {};
    captureStack?.(callSite, remote);
    return new CallResponse(start(core, method, args), { ...core.options, callSite });
  };
  return {
    remote,
    broadcast: (...args: unknown[]) => broadcast(core, method, args),
  };
}

async function start(core: HandleCore, method: string | undefined, args: unknown[]): Promise<Reply> {
  const meta = nextMeta(core);
  const sent = args.some(isResponse) ? await arrived(args) : args;
  return core.target.call(toRequest(core, method, sent, meta));
}

async function broadcast(core: HandleCore, method: string | undefined, args: unknown[]): Promise<PromiseSettledResult<unknown>[]> {
  const meta = nextMeta(core);
  const sent = args.some(isResponse) ? await arrived(args) : args;
  const replies = await core.target.broadcast(toRequest(core, method, sent, meta));
  return replies.map((settled): PromiseSettledResult<unknown> => {
    if (settled.status === "rejected") return settled;
    const reply = settled.value;
    if (reply.kind === "error") return { status: "rejected", reason: decodeError(reply.error) };
    return { status: "fulfilled", value: reply.kind === "value" ? reply.value : new RemoteItems(reply.items) };
  });
}

// Only responses are awaited: any other promise is refused like everything that cannot cross.
function arrived(args: readonly unknown[]): Promise<unknown[]> {
  return Promise.all(args.map(async (arg) => (isResponse(arg) ? { value: await (arg as CallResponse) } : { value: arg }))).then((all) =>
    all.map(({ value }) => value),
  );
}

function isResponse(arg: unknown): boolean {
  return arg instanceof CallResponse;
}

function nextMeta({ target, options }: HandleCore): RequestMeta {
  const parent = currentScope()?.request?.meta;
  const chain = [...(parent?.chain ?? []), `${target.app}/${target.deployment}`];
  const hops = (parent?.hops ?? 0) + 1;
  const refusal = tooDeep({ hops, chain });
  if (refusal !== undefined) throw new ConfigError(refusal);
  const deadline = earlier(parent?.deadline, options.timeoutMs === undefined ? undefined : Date.now() + options.timeoutMs);
  return {
    requestId: parent?.requestId ?? crypto.randomUUID(),
    chain,
    hops,
    ...(parent?.routePrefix === undefined ? {} : { routePrefix: parent.routePrefix }),
    ...(parent?.traceparent === undefined ? {} : { traceparent: parent.traceparent }),
    ...(deadline === undefined ? {} : { deadline }),
    ...(options.multiplexedModelId === undefined ? {} : { multiplexedModelId: options.multiplexedModelId }),
    ...(options.key === undefined ? {} : { key: options.key }),
  };
}

function earlier(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

function toRequest({ target }: HandleCore, method: string | undefined, args: readonly unknown[], meta: RequestMeta): CallRequest {
  const handleArgs: number[] = [];
  const sendable = args.map((arg, index) => {
    const core = typeof arg === "object" && arg !== null ? cores.get(arg) : undefined;
    if (core === undefined)
      return toSendable(arg, `Argument ${index + 1} of ${JSON.stringify(`${target.deployment}.${method ?? "call"}`)}`);
    handleArgs.push(index);
    return toRef(core);
  });
  return handleArgs.length === 0 ? { meta, method, args: sendable } : { meta, method, args: sendable, handleArgs };
}

function toRef({ target, options }: HandleCore): HandleRef {
  const { signal: _, ...carried } = options;
  return { app: target.app, deployment: target.deployment, options: carried };
}
