/**
 * Lets authenticated callers outside the Worker call handles: `POST /-/rpc/<app>`.
 *
 * Open for the applications that say `rpc: true`, to who has the operator's token. A Worker with none of those does not
 * carry it.
 */
import { type EnqueueTarget, enqueueTo } from "../handle/enqueue.ts";
import { holdsStream } from "../handle/handle.ts";
import { checkHandleOptions } from "../handle/handle-options.ts";
import { encodeError } from "../protocol/error-codec.ts";
import { ConfigError, RequestCancelledError, SerializationError, TaskNotFoundError } from "../protocol/errors.ts";
import { MAX_MESSAGE_BYTES } from "../protocol/limits.ts";
import type { Answer, CallRequest, HandleOptionsRef, ItemBatch } from "../protocol/messages.ts";
import { Cancellation } from "../protocol/cancellation.ts";
import { REQUEST_ID_PATTERN } from "../protocol/names.ts";
import { own } from "../protocol/own.ts";
import { FRAMES_TYPE, RPC_PATH, type RpcCall, type RpcFrame, type TaskQuestion, toRpcCall } from "../protocol/rpc-messages.ts";
import { decodeText, encodeText } from "../protocol/text-codec.ts";
import { show } from "../protocol/wording.ts";
import { readText } from "../operator/body.ts";
import { Deadline } from "./deadline.ts";
import type { WorkerSurroundings } from "./ingress.ts";
import { failed, lineOf, lineOfItems } from "./rpc-frames.ts";
import { OPERATOR_TOKEN } from "../operator/operator.ts";
import { authorize } from "../operator/token.ts";

/** How calls from outside are let in. */
export interface RpcFeature {
  /** The variable that holds a token which opens every application: how `edge-serve/testing` comes in. */
  readonly testToken?: string;
}

/** What the endpoint acts on. */
export interface RpcPorts {
  targetOf(app: string, deployment?: string): RpcTarget;
  /** Whether the application says `rpc: true`. */
  isOpen(app: string): boolean;
}

/** Where calls go: an application's router. */
export interface RpcTarget extends EnqueueTarget {
  /** Deadline of a request in milliseconds, if the deployment has one. */
  readonly requestTimeoutMs: number | null;
  call(request: CallRequest, cancellation?: Cancellation): Promise<Answer>;
  broadcast(request: CallRequest, cancellation?: Cancellation): Promise<PromiseSettledResult<Answer>[]>;
}

/** Answers requests under `/-/rpc/`; `undefined` for any other path. */
export type RpcEndpoint = (request: Request, path: string, worker: WorkerSurroundings) => Promise<Response> | undefined;

/**
 * Switches the endpoint on: pass the result to `createWorker`. An entry module that does not import this does not
 * carry its codec.
 */
export function rpcEndpoint({ testToken }: RpcFeature = {}): (ports: RpcPorts) => RpcEndpoint {
  return (ports) =>
    (request, path, { env, keepAlive }) => {
      const app = path.startsWith(RPC_PATH) && request.method === "POST" ? decoded(path.slice(RPC_PATH.length)) : undefined;
      if (app === undefined) return undefined;
      const bindings = [...(ports.isOpen(app) ? [OPERATOR_TOKEN] : []), ...(testToken === undefined ? [] : [testToken])];
      if (bindings.length === 0) return undefined;
      const tokens = bindings.map((binding) => (env as Record<string, unknown> | undefined)?.[binding]);
      const answered = answer(request, app, tokens, ports);
      // A Worker whose client has gone stops, unless it says that it has something to finish: the call to cancel.
      keepAlive(answered);
      return answered;
    };
}

/** A call that was checked, with the id that it goes by. */
type Call = RpcCall & { readonly requestId: string };

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

async function answer(request: Request, app: string, tokens: readonly unknown[], { targetOf }: RpcPorts): Promise<Response> {
  const refusals = await Promise.all(tokens.map((token) => authorize(request, token)));
  const [refusal] = refusals;
  if (refusal !== undefined && !refusals.includes(undefined)) return refusal;
  try {
    const text = await readText(request, MAX_MESSAGE_BYTES);
    if (text === undefined)
      return refused(413, new SerializationError(`A call may take ${MAX_MESSAGE_BYTES} bytes, and this one takes more.`));
    return await run(callIn(text), app, request.signal, targetOf);
  } catch (error) {
    return error instanceof BadCall ? refused(400, error.reason) : refused(200, error);
  }
}

/** The body is no call: the caller's mistake, whatever reading it has thrown. */
class BadCall extends Error {
  readonly reason: ConfigError;

  constructor(reason: ConfigError) {
    super();
    this.reason = reason;
  }
}

function callIn(text: string): Call {
  try {
    const { options, requestId, ...call } = toRpcCall(decodeText(text));
    // By name: what the framework uses between its own parts cannot be said from outside.
    const given = ownOptions(options);
    checkHandleOptions(() => "A call from outside", given);
    const isId = requestId !== undefined && REQUEST_ID_PATTERN.test(requestId);
    const known = given as HandleOptionsRef;
    return { ...call, options: known, requestId: isId ? requestId : crypto.randomUUID() };
  } catch (error) {
    if (error instanceof ConfigError) throw new BadCall(error);
    throw new BadCall(new ConfigError("The body is not a call as connect() of edge-serve/client writes it.", { cause: error }));
  }
}

function ownOptions(options: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    ["key", "multiplexedModelId", "timeoutMs", "idempotencyKey", "delayMs"].map((name) => [name, own(options, name)]),
  );
}

async function run(call: Call, app: string, signal: AbortSignal, targetOf: RpcPorts["targetOf"]): Promise<Response> {
  const target = targetOf(app, call.deployment);
  if (call.task !== undefined) return lines(await lineOf({ kind: "value", value: await taskAnswer(target, call, call.task) }, call.task));
  const cancellation = cancelledWith(signal);
  const timeoutMs = Math.min(call.options.timeoutMs ?? Infinity, target.requestTimeoutMs ?? Infinity);
  const deadline = new Deadline(timeoutMs === Infinity ? undefined : timeoutMs, (reason) => cancellation.cancel(reason));
  const request = toRequest(target, call, timeoutMs);
  let isStreaming = false;
  try {
    const name = JSON.stringify(`${target.deployment}.${call.method ?? "call"}`);
    if (call.broadcast === true) {
      const frame = await deadline.wait(broadcastFrame(target, request, cancellation));
      return lines(await deadline.wait(lineOf(frame, name)));
    }
    const reply = await deadline.wait(target.call(request, cancellation));
    isStreaming = reply.kind === "stream";
    if (reply.kind === "stream") return streamed(reply, { name, deadline, cancellation });
    return lines(await deadline.wait(lineOf(await toFrame(reply), name)));
  } finally {
    if (!isStreaming) deadline.over();
  }
}

async function taskAnswer(target: RpcTarget, { method, args, options }: Call, question: TaskQuestion): Promise<unknown> {
  const { app, tasks } = target;
  if (question === "enqueue") {
    const { traceparent } = options;
    return (await enqueueTo(target, { method, args, options, trace: traceparent === undefined ? {} : { traceparent } })).id;
  }
  const [id, waitMs = 0] = args;
  // Whoever may call one application is told nothing of another's tasks.
  if (tasks === undefined || typeof id !== "string" || !id.startsWith(`${app}.`))
    throw new TaskNotFoundError(`Application ${JSON.stringify(app)} has no task ${show(id)}.`);
  return question === "outcome" ? tasks.outcome(id, Number(waitMs)) : tasks[question](id);
}

// The caller's end stops a request by ending the connection.
function cancelledWith(signal: AbortSignal): Cancellation {
  const cancellation = new Cancellation();
  signal.addEventListener("abort", () => cancellation.cancel(new RequestCancelledError("The client went away.")), { once: true });
  return cancellation;
}

function toRequest(target: RpcTarget, { method, args, options, requestId }: Call, timeoutMs: number): CallRequest {
  const { key, multiplexedModelId, traceparent } = options;
  return {
    method,
    args,
    ...(args.some(holdsStream) ? { isOnce: true } : {}),
    meta: {
      requestId,
      chain: [`${target.app}/${target.deployment}`],
      hops: 1,
      ...(key === undefined ? {} : { key }),
      ...(traceparent === undefined ? {} : { traceparent }),
      ...(multiplexedModelId === undefined ? {} : { multiplexedModelId }),
      ...(timeoutMs === Infinity ? {} : { deadline: Date.now() + timeoutMs }),
    },
  };
}

async function broadcastFrame(target: RpcTarget, request: CallRequest, cancellation: Cancellation): Promise<RpcFrame> {
  const settled = await target.broadcast(request, cancellation);
  const replies = settled.map((one) => (one.status === "fulfilled" ? toFrame(one.value) : failed(one.reason)));
  return { kind: "broadcast", replies: await Promise.all(replies) };
}

async function toFrame(reply: Answer): Promise<RpcFrame> {
  if (reply.kind === "error") return reply;
  if (reply.kind === "value") return { kind: "value", value: reply.value };
  await reply.items.cancel();
  return failed(new TypeError("broadcast() calls methods that return one value, and this one is a generator."));
}

const LINES = { headers: { "content-type": FRAMES_TYPE } };
const encoder = new TextEncoder();

function lines(text: string, status = 200): Response {
  return new Response(text, { ...LINES, status });
}

function refused(status: number, error: unknown): Response {
  return lines(`${encodeText(failed(error))}\n`, status);
}

/** What a stream is sent within. */
interface Surroundings {
  /** Of the method, for errors. */
  readonly name: string;
  readonly deadline: Deadline;
  readonly cancellation: Cancellation;
}

function streamed({ items }: Extract<Answer, { kind: "stream" }>, { name, deadline, cancellation }: Surroundings): Response {
  const stop = async () => {
    deadline.over();
    await items.cancel();
  };
  // The call has been answered: what stops it from now on stops its generator. The replica may be gone, and it with it.
  cancellation.listen(() => void stop().catch(() => {}));
  const next = async (): Promise<ItemBatch> => {
    try {
      return await deadline.wait(items.pull());
    } catch (error) {
      return { items: [], done: true, error: encodeError(error) };
    }
  };
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode(`${encodeText({ kind: "stream" })}\n`)),
    async pull(controller) {
      const batch = await next();
      const { line, isLast } = await lineOfItems(batch, name);
      controller.enqueue(encoder.encode(line));
      if (!isLast) return;
      deadline.over();
      controller.close();
      // One that could not be written has ended a generator that would go on.
      if (!batch.done) await Promise.resolve(items.cancel()).catch(() => {});
    },
    cancel: stop,
  });
  return new Response(body, LINES);
}
