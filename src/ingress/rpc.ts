/**
 * Lets authenticated callers outside the Worker call handles: `POST /-/rpc/<app>`.
 *
 * Open for the applications that say `rpc: true`, to who has the operator's token. A Worker with none of those does not
 * carry it.
 */
import { encodeError } from "../protocol/error-codec.ts";
import { RequestCancelledError } from "../protocol/errors.ts";
import type { Answer, CallRequest, ItemBatch } from "../protocol/messages.ts";
import { Cancellation } from "../protocol/cancellation.ts";
import { RPC_PATH, type RpcCall, type RpcFrame } from "../protocol/rpc-messages.ts";
import { buffered, decodeText, encodeText } from "../protocol/text-codec.ts";
import type { WorkerSurroundings } from "./ingress.ts";
import { OPERATOR_TOKEN } from "./operator.ts";
import { authorize } from "./token.ts";

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
export interface RpcTarget {
  readonly app: string;
  readonly deployment: string;
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
    const call = decodeText(await request.text()) as RpcCall;
    const target = targetOf(app, call.deployment);
    const cancellation = cancelledWith(request.signal);
    if (call.broadcast === true) return frames([await broadcastFrame(target, call, cancellation)]);
    const reply = await target.call(toRequest(target, call), cancellation);
    return reply.kind === "stream" ? streamed(reply) : frames([await toFrame(reply)]);
  } catch (error) {
    return frames([{ kind: "error", error: encodeError(error) }]);
  }
}

// The caller's end stops a request by ending the connection.
function cancelledWith(signal: AbortSignal): Cancellation {
  const cancellation = new Cancellation();
  signal.addEventListener("abort", () => cancellation.cancel(new RequestCancelledError("The client went away.")), { once: true });
  return cancellation;
}

function toRequest(target: RpcTarget, { method, args, options, requestId }: RpcCall): CallRequest {
  const { timeoutMs, ...carried } = options;
  return {
    method,
    args,
    meta: {
      requestId: requestId ?? crypto.randomUUID(),
      chain: [`${target.app}/${target.deployment}`],
      hops: 1,
      ...carried,
      ...(timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs }),
    },
  };
}

async function broadcastFrame(target: RpcTarget, call: RpcCall, cancellation: Cancellation): Promise<RpcFrame> {
  const settled = await target.broadcast(toRequest(target, call), cancellation);
  const replies = settled.map((one) =>
    one.status === "fulfilled" ? toFrame(one.value) : { kind: "error" as const, error: encodeError(one.reason) },
  );
  return { kind: "broadcast", replies: await Promise.all(replies) };
}

async function toFrame(reply: Answer): Promise<RpcFrame> {
  if (reply.kind === "error") return reply;
  if (reply.kind === "value") return { kind: "value", value: await buffered(reply.value) };
  await reply.items.cancel();
  return {
    kind: "error",
    error: encodeError(new TypeError("broadcast() calls methods that return one value, and this one is a generator.")),
  };
}

const LINES = { headers: { "content-type": "application/x-ndjson" } };
const encoder = new TextEncoder();

function frames(all: readonly RpcFrame[]): Response {
  return new Response(all.map((frame) => `${encodeText(frame)}\n`).join(""), LINES);
}

function streamed({ items }: Extract<Answer, { kind: "stream" }>): Response {
  const line = (frame: RpcFrame) => encoder.encode(`${encodeText(frame)}\n`);
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(line({ kind: "stream" })),
    async pull(controller) {
      const batch = await items.pull().catch((error: unknown): ItemBatch => ({ items: [], done: true, error: encodeError(error) }));
      controller.enqueue(line({ kind: "items", ...batch }));
      if (batch.done) controller.close();
    },
    cancel: () => items.cancel(),
  });
  return new Response(body, LINES);
}
