/**
 * A call from outside the Worker, whichever way it has come: what it may say about itself, and how it is run.
 *
 * Owns: the check of a call, its deadline, what is asked of tasks. Does not own: who may call, and how calls and answers are
 * written (rpc.ts, service-calls.ts).
 */
import { type EnqueueTarget, enqueueTo } from "../handle/enqueue.ts";
import { holdsStream } from "../handle/handle.ts";
import { checkHandleOptions } from "../handle/handle-options.ts";
import type { KeyedTarget } from "../handle/keyed-handle.ts";
import type { Cancellation } from "../protocol/cancellation.ts";
import { encodeError } from "../protocol/error-codec.ts";
import { ConfigError, TaskNotFoundError } from "../protocol/errors.ts";
import type { Answer, CallRequest, HandleOptionsRef, ItemBatch, ItemPuller } from "../protocol/messages.ts";
import { REQUEST_ID_PATTERN } from "../protocol/names.ts";
import { own } from "../protocol/own.ts";
import { type OutsideAnswer, type RpcCall, type TaskQuestion, toRpcCall } from "../protocol/rpc-messages.ts";
import { show } from "../protocol/wording.ts";
import { Deadline } from "./deadline.ts";

/** Where calls go: an application's router. */
export interface RpcTarget extends EnqueueTarget {
  /** Deadline of a request in milliseconds, if the deployment has one. */
  readonly requestTimeoutMs: number | null;
  call(request: CallRequest, cancellation?: Cancellation): Promise<Answer>;
  broadcast(request: CallRequest, cancellation?: Cancellation): Promise<PromiseSettledResult<Answer>[]>;
}

/** A call that was checked, with the id that it goes by. */
export type Call = RpcCall & { readonly requestId: string };

/**
 * The call in what a stranger has sent.
 *
 * @throws ConfigError naming the part that is wrong, its value and what is accepted.
 */
export function checkedCall(value: unknown): Call {
  const { options, requestId, ...call } = toRpcCall(value);
  // By name: what the framework uses between its own parts cannot be said from outside.
  const given = ownOptions(options);
  checkHandleOptions(() => "A call from outside", given);
  const isId = requestId !== undefined && REQUEST_ID_PATTERN.test(requestId);
  return { ...call, options: given as HandleOptionsRef, requestId: isId ? requestId : crypto.randomUUID() };
}

function ownOptions(options: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    ["key", "multiplexedModelId", "timeoutMs", "traceparent", "idempotencyKey", "delayMs"].map((name) => [name, own(options, name)]),
  );
}

/** What calls are run with. */
export interface Run<R> {
  readonly target: RpcTarget | KeyedTarget;
  readonly cancellation: Cancellation;
  /** Writes the answer, within the deadline. @param name Of the method, for errors: `"Model.embed"`, with its quotation marks. */
  write(answer: OutsideAnswer, name: string): R | Promise<R>;
}

/** Runs a call, within its deadline. A stream is within it as well, until its last item. */
export async function runCall<R>(call: Call, { target: found, cancellation, write }: Run<R>): Promise<R> {
  if (call.erase === true) {
    await keyedOf(found).delete(call.objectKey ?? "");
    return write({ kind: "value", value: undefined }, "delete");
  }
  if (call.task !== undefined) return write({ kind: "value", value: await taskAnswer(found, call, call.task) }, call.task);
  const target = calledOf(found, call.objectKey);
  const timeoutMs = Math.min(call.options.timeoutMs ?? Infinity, target.requestTimeoutMs ?? Infinity);
  const deadline = new Deadline(timeoutMs === Infinity ? undefined : timeoutMs, (reason) => cancellation.cancel(reason));
  const request = toRequest(target, call, timeoutMs);
  const name = JSON.stringify(`${target.deployment}.${call.method ?? "call"}`);
  let isStreaming = false;
  try {
    const answer = await deadline.wait(call.broadcast === true ? toAll(target, request, cancellation) : target.call(request, cancellation));
    isStreaming = answer.kind === "stream";
    if (answer.kind === "stream")
      return await write({ kind: "stream", items: new LimitedItems(answer.items, deadline, cancellation) }, name);
    return await deadline.wait(Promise.resolve(write(answer, name)));
  } finally {
    if (!isStreaming) deadline.over();
  }
}

function calledOf(found: RpcTarget | KeyedTarget, objectKey: string | undefined): RpcTarget {
  if (objectKey !== undefined) return keyedOf(found).at(objectKey);
  if (!("at" in found)) return found;
  throw new ConfigError(`Deployment ${JSON.stringify(found.deployment)} is keyed: it has an object for each key. Use get(key).`);
}

function keyedOf(found: RpcTarget | KeyedTarget): KeyedTarget {
  if ("at" in found) return found;
  throw new ConfigError(`Deployment ${JSON.stringify(found.deployment)} is not keyed: it has no get(key) and no delete(key).`);
}

async function taskAnswer(found: RpcTarget | KeyedTarget, call: Call, question: TaskQuestion): Promise<unknown> {
  const { app, tasks } = found;
  const { method, args, options, objectKey } = call;
  if (question === "enqueue") {
    const { traceparent } = options;
    return (await enqueueTo(calledOf(found, objectKey), { method, args, options, trace: traceparent === undefined ? {} : { traceparent } }))
      .id;
  }
  const [id, waitMs = 0] = args;
  // Whoever may call one application is told nothing of another's tasks.
  if (tasks === undefined || typeof id !== "string" || !id.startsWith(`${app}.`))
    throw new TaskNotFoundError(`Application ${JSON.stringify(app)} has no task ${show(id)}.`);
  return question === "outcome" ? tasks.outcome(id, Number(waitMs)) : tasks[question](id);
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

async function toAll(target: RpcTarget, request: CallRequest, cancellation: Cancellation): Promise<OutsideAnswer> {
  const settled = await target.broadcast(request, cancellation);
  return { kind: "broadcast", replies: settled.map((one) => (one.status === "fulfilled" ? one.value : failure(one.reason))) };
}

/** The answer that says why there is no other. */
export function failure(reason: unknown): Extract<Answer, { kind: "error" }> {
  return { kind: "error", error: encodeError(reason) };
}

/** The items of a stream until the deadline of its call, or until it is cancelled. */
class LimitedItems implements ItemPuller {
  readonly #items: ItemPuller;
  readonly #deadline: Deadline;

  constructor(items: ItemPuller, deadline: Deadline, cancellation: Cancellation) {
    this.#items = items;
    this.#deadline = deadline;
    // The call has been answered: what stops it from now on stops its generator. The replica may be gone, and it with it.
    cancellation.listen(() => void this.cancel().catch(() => {}));
  }

  async pull(): Promise<ItemBatch> {
    const batch = await this.#deadline
      .wait(this.#items.pull())
      .catch((error: unknown): ItemBatch => ({ items: [], done: true, error: encodeError(error) }));
    if (batch.done) this.#deadline.over();
    return batch;
  }

  async cancel(): Promise<void> {
    this.#deadline.over();
    await this.#items.cancel();
  }
}
