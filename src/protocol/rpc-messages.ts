/**
 * Calls that come from outside the Worker. Over HTTP: `POST /-/rpc/<app>`, a {@link RpcCall} in, a line of text for each
 * {@link RpcFrame} out. Over a service binding: {@link ServiceRpc}.
 */
import type { WireError } from "./error-codec.ts";
import { ConfigError } from "./errors.ts";
import type { Answer, HandleOptionsRef, ItemBatch } from "./messages.ts";
import { isRecord, own } from "./own.ts";
import { show } from "./wording.ts";

export const RPC_PATH = "/-/rpc/";
/** The content type of what comes back. */
export const FRAMES_TYPE = "application/x-ndjson";
/** The binding of a Worker on this machine to whoever knows the source files: text in, text with their positions in it out. */
export const SOURCE_POSITIONS = "EDGE_SERVE_SOURCE_POSITIONS";

/** A call to an application's ingress deployment, or to the one named. */
export interface RpcCall {
  readonly deployment?: string;
  readonly method?: string;
  readonly args: readonly unknown[];
  readonly options: HandleOptionsRef;
  /** Kept if it is what `x-request-id` may be. */
  readonly requestId?: string;
  /** Calls every replica; answered by one `broadcast` frame. */
  readonly broadcast?: true;
  /** The object of a keyed deployment. */
  readonly objectKey?: string;
  /** Deletes that object. Answered by a value. */
  readonly erase?: true;
  /** Not a call that is run now: `enqueue`, or a question about a task, whose id is the one argument. Answered by a value. */
  readonly task?: TaskQuestion;
}

/** What may be asked of tasks from outside. `outcome` has a second argument: how long it waits, in milliseconds. */
export const TASK_QUESTIONS = ["enqueue", "status", "outcome", "cancel"] as const;
export type TaskQuestion = (typeof TASK_QUESTIONS)[number];

/**
 * A call as a stranger has sent it: each part of the right kind, and nothing but the parts that there are. What is in
 * `options` is not looked at.
 *
 * @throws ConfigError naming the part that is wrong, its value and what is accepted.
 */
export function toRpcCall(value: unknown): Omit<RpcCall, "options"> & { readonly options: Readonly<Record<string, unknown>> } {
  if (!isRecord(value)) throw new ConfigError(`A call must be an object, got ${show(value)}.`);
  const { deployment, method, broadcast, requestId, task, objectKey, erase } = ownParts(value);
  const args = own(value, "args");
  const options = own(value, "options") ?? {};
  // An array may say that it is longer than anything that could be passed on.
  if (!Array.isArray(args) || args.length > MAX_ARGS) throw wrong("args", `an array of at most ${MAX_ARGS}`, args);
  if (!isRecord(options)) throw wrong("options", "an object", options);
  if (deployment !== undefined && typeof deployment !== "string") throw wrong("deployment", "a string", deployment);
  if (method !== undefined && typeof method !== "string") throw wrong("method", "a string", method);
  if (objectKey !== undefined && typeof objectKey !== "string") throw wrong("objectKey", "a string", objectKey);
  if (erase !== undefined && typeof erase !== "boolean") throw wrong("erase", "true or false", erase);
  if (broadcast !== undefined && typeof broadcast !== "boolean") throw wrong("broadcast", "true or false", broadcast);
  if (task !== undefined && !TASK_QUESTIONS.includes(task as TaskQuestion))
    throw wrong("task", `one of ${TASK_QUESTIONS.join(", ")}`, task);
  return {
    ...(task === undefined ? {} : { task: task as TaskQuestion }),
    args: args as unknown[],
    options,
    ...(deployment === undefined ? {} : { deployment }),
    ...(method === undefined ? {} : { method }),
    ...(objectKey === undefined ? {} : { objectKey }),
    ...(erase === true ? { erase } : {}),
    ...(broadcast === true ? { broadcast } : {}),
    ...(typeof requestId === "string" ? { requestId } : {}),
  };
}

/** The most arguments of a call: more than anybody writes, and fewer than a function can be given. */
const MAX_ARGS = 10_000;

function ownParts(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    ["deployment", "method", "broadcast", "requestId", "task", "objectKey", "erase"].map((name) => [name, own(value, name)]),
  );
}

function wrong(part: string, accepted: string, value: unknown): ConfigError {
  const seen = Array.isArray(value) ? `an array of ${value.length}` : show(value);
  return new ConfigError(`${part} of a call must be ${accepted}, got ${seen}.`);
}

/** What comes back. `stream` is followed by `items` frames until one is done. */
export type RpcFrame =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "error"; readonly error: WireError }
  | { readonly kind: "stream" }
  | ({ readonly kind: "items" } & ItemBatch)
  | { readonly kind: "broadcast"; readonly replies: readonly RpcFrame[] };

/** What becomes of a call from outside: what a replica says, or what each replica says to a broadcast. */
export type OutsideAnswer = Answer | { readonly kind: "broadcast"; readonly replies: readonly Answer[] };

/** What the system's entrypoint for other Workers is called by. */
export interface ServiceRpc {
  /** Where a call to an application is made. Whether that is allowed is in the call's answer. */
  open(app: string): OpenedCall;
}

/** Place for one call. */
export interface OpenedCall {
  readonly call: ServiceCall;
  /**
   * Disposed of by the caller once the call has been answered, and by the platform when the caller is gone: that stops a call. Not
   * the call itself, because a stub is not disposed of while it is asked something.
   */
  readonly lease: Disposable;
}

/**
 * A call over a service binding. An object of its own, because another request of the entrypoint's could not stop what this one
 * has begun. Over RPC it is a stub.
 */
export interface ServiceCall {
  /** Runs the one call. Never rejects by itself: failures are answers. */
  answer(call: RpcCall): Promise<OutsideAnswer>;
  cancel(reason: WireError): void;
}
