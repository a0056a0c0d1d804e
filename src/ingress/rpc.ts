/**
 * Lets authenticated callers outside the Worker call handles: `POST /-/rpc/<app>`.
 *
 * Open for the applications that say `rpc: true`, to who has the operator's token. A Worker with none of those does not
 * carry it.
 */
import type { KeyedTarget } from "../handle/keyed-handle.ts";
import { ConfigError, RequestCancelledError, SerializationError } from "../protocol/errors.ts";
import { MAX_MESSAGE_BYTES } from "../protocol/limits.ts";
import type { Answer, ItemPuller } from "../protocol/messages.ts";
import { Cancellation } from "../protocol/cancellation.ts";
import { FRAMES_TYPE, type OutsideAnswer, RPC_PATH, type RpcFrame } from "../protocol/rpc-messages.ts";
import { decodeText, encodeText } from "../protocol/text-codec.ts";
import { readText } from "../operator/body.ts";
import type { WorkerSurroundings } from "./ingress.ts";
import { type Call, checkedCall, type RpcTarget, runCall } from "./outside-call.ts";
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
  targetOf(app: string, deployment?: string): RpcTarget | KeyedTarget;
  /** Whether the application says `rpc: true`. */
  isOpen(app: string): boolean;
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
    const text = await readText(request, MAX_MESSAGE_BYTES);
    if (text === undefined)
      return refused(413, new SerializationError(`A call may take ${MAX_MESSAGE_BYTES} bytes, and this one takes more.`));
    const call = callIn(text);
    return await runCall(call, { target: targetOf(app, call.deployment), cancellation: cancelledWith(request.signal), write: written });
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
    return checkedCall(decodeText(text));
  } catch (error) {
    if (error instanceof ConfigError) throw new BadCall(error);
    throw new BadCall(new ConfigError("The body is not a call as connect() of edge-serve/client writes it.", { cause: error }));
  }
}

// The caller's end stops a request by ending the connection.
function cancelledWith(signal: AbortSignal): Cancellation {
  const cancellation = new Cancellation();
  signal.addEventListener("abort", () => cancellation.cancel(new RequestCancelledError("The client went away.")), { once: true });
  return cancellation;
}

async function written(answer: OutsideAnswer, name: string): Promise<Response> {
  return answer.kind === "stream" ? streamed(answer.items, name) : lines(await lineOf(await frameOf(answer), name));
}

async function frameOf(answer: OutsideAnswer): Promise<RpcFrame> {
  return answer.kind === "broadcast" ? { kind: "broadcast", replies: await Promise.all(answer.replies.map(oneFrame)) } : oneFrame(answer);
}

async function oneFrame(reply: Answer): Promise<RpcFrame> {
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

function streamed(items: ItemPuller, name: string): Response {
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode(`${encodeText({ kind: "stream" })}\n`)),
    async pull(controller) {
      const batch = await items.pull();
      const { line, isLast } = await lineOfItems(batch, name);
      controller.enqueue(encoder.encode(line));
      if (!isLast) return;
      controller.close();
      // One that could not be written has ended a generator that would go on.
      if (!batch.done) await Promise.resolve(items.cancel()).catch(() => {});
    },
    cancel: () => items.cancel(),
  });
  return new Response(body, LINES);
}
