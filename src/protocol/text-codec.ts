/**
 * Values as text, for calls that come over HTTP: what structured clone carries, on one line.
 *
 * Invariants:
 *   W1. What crosses between replicas crosses as text, too, at any depth: bodies are read for it. Only what goes the other
 *       way, a `WritableStream`, and a member named `__proto__` do not.
 *   W2. A value that cannot be written is a `SerializationError` that names the place, and does not hold the value: what
 *       says that something cannot be written can itself be.
 */
import { parse, stringify, stringifyAsync } from "devalue";
import { decodeError, encodeError, type WireError } from "./error-codec.ts";
import { SerializationError, ConfigError } from "./errors.ts";
import { isError } from "./strangers.ts";
import type { HandleOptionsRef, ItemBatch } from "./messages.ts";
import { own } from "./own.ts";
import { show } from "./wording.ts";

// Named differently by the types of workerd and of Node.
type ResponseBody = ConstructorParameters<typeof Response>[0];
type Reducers = Record<string, (value: unknown) => unknown>;

const toText: Reducers = {
  Error: (value) => isError(value) && encodeError(value),
  Headers: (value) => value instanceof Headers && [...value],
  Plain: (value) => hasSymbols(value) && { ...withoutSymbols(value as object) },
};

// Promises of what is to be written: the parts of a value are read while the rest is.
const wholeToText: Reducers = {
  Request: (value) => value instanceof Request && requestParts(value),
  Response: (value) => value instanceof Response && responseParts(value),
  Stream: (value) => value instanceof ReadableStream && new Response(value as ResponseBody).arrayBuffer(),
  Blob: (value) => value instanceof Blob && { type: value.type, body: value.arrayBuffer() },
  ...toText,
};

// Without bodies that can be read once: those are named as what cannot be written.
const storedToText: Reducers = {
  Blob: (value) => value instanceof Blob && { type: value.type, body: value.arrayBuffer() },
  ...toText,
};

const fromText: Parameters<typeof parse>[1] = {
  Error: (wire: WireError) => decodeError(wire),
  Headers: (entries: [string, string][]) => new Headers(entries),
  Plain: (value: object) => value,
  Request: ({ url, ...init }: { url: string }) => new Request(url, init as RequestInit),
  Response: ({ body, ...init }: { body: unknown }) => new Response(body as ResponseBody, init as ResponseInit),
  Stream: (body: ArrayBuffer) => new Response(body as ResponseBody).body,
  Blob: ({ type, body }: { type: string; body: ArrayBuffer }) => new Blob([body], { type }),
};

function requestParts(request: Request): object {
  const { url, method, body } = request;
  return { url, method, headers: [...request.headers], body: body === null ? null : request.arrayBuffer() };
}

function responseParts(response: Response): object {
  const { status, statusText, body } = response;
  return { status, statusText, headers: [...response.headers], body: body === null ? null : response.arrayBuffer() };
}

// Structured clone leaves them out.
function hasSymbols(value: unknown): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    Object.getPrototypeOf(value) === Object.prototype &&
    Object.getOwnPropertySymbols(value).length > 0
  );
}

function withoutSymbols(value: object): object {
  return Object.fromEntries(Object.entries(value));
}

/** Names the part of a value that cannot be written, by its path in it: `The result of "Model.embed", at .a[0]`. */
export type Naming = (path: string) => string;

const anything: Naming = (path) => (path === "" ? "A value" : `A value, at ${path},`);

/**
 * Writes `value` without line breaks. For what has no bodies in it.
 *
 * @throws SerializationError naming the part that cannot be written.
 */
export function encodeText(value: unknown): string {
  try {
    return stringify(value, toText);
  } catch (error) {
    throw unwritable(error, anything);
  }
}

/**
 * Writes `value` without line breaks, with the bodies of requests, responses, streams and blobs in it.
 *
 * @throws SerializationError naming the part that cannot be written, or read.
 */
export async function encodeWhole(value: unknown, naming: Naming = anything): Promise<string> {
  try {
    return await stringifyAsync(value, wholeToText);
  } catch (error) {
    throw unwritable(error, naming);
  }
}

/**
 * Writes `value` without line breaks, to be kept: with the blobs in it, and without requests, responses and streams.
 *
 * @throws SerializationError naming the part that cannot be written, or read.
 */
export async function encodeStored(value: unknown, naming: Naming = anything): Promise<string> {
  try {
    return await stringifyAsync(value, storedToText);
  } catch (error) {
    throw unwritable(error, naming);
  }
}

// Not with its cause, which holds the value.
function unwritable(error: unknown, naming: Naming): SerializationError {
  const { message, path } = error as { readonly message?: unknown; readonly path?: unknown };
  return new SerializationError(`${naming(typeof path === "string" ? path.slice(0, 300) : "")} cannot be sent: ${String(message)}`);
}

/** Reads what {@link encodeText} or {@link encodeWhole} wrote. */
export function decodeText(text: string): unknown {
  return parse(text, fromText) as unknown;
}

export const RPC_PATH = "/-/rpc/";
/** The content type of what comes back. */
export const FRAMES_TYPE = "application/x-ndjson";

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
}

/**
 * A call as a stranger has sent it: each part of the right kind, and nothing but the parts that there are. What is in
 * `options` is not looked at.
 *
 * @throws ConfigError naming the part that is wrong, its value and what is accepted.
 */
export function toRpcCall(value: unknown): Omit<RpcCall, "options"> & { readonly options: Readonly<Record<string, unknown>> } {
  if (!isRecord(value)) throw new ConfigError(`A call must be an object, got ${show(value)}.`);
  const { deployment, method, broadcast, requestId } = ownParts(value);
  const args = own(value, "args");
  const options = own(value, "options") ?? {};
  // An array may say that it is longer than anything that could be passed on.
  if (!Array.isArray(args) || args.length > MAX_ARGS) throw wrong("args", `an array of at most ${MAX_ARGS}`, args);
  if (!isRecord(options)) throw wrong("options", "an object", options);
  if (deployment !== undefined && typeof deployment !== "string") throw wrong("deployment", "a string", deployment);
  if (method !== undefined && typeof method !== "string") throw wrong("method", "a string", method);
  if (broadcast !== undefined && typeof broadcast !== "boolean") throw wrong("broadcast", "true or false", broadcast);
  return {
    args: args as unknown[],
    options,
    ...(deployment === undefined ? {} : { deployment }),
    ...(method === undefined ? {} : { method }),
    ...(broadcast === true ? { broadcast } : {}),
    ...(typeof requestId === "string" ? { requestId } : {}),
  };
}

/** The most arguments of a call: more than anybody writes, and fewer than a function can be given. */
const MAX_ARGS = 10_000;

function ownParts(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(["deployment", "method", "broadcast", "requestId"].map((name) => [name, own(value, name)]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
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
