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
import { SerializationError } from "./errors.ts";
import { isError } from "./strangers.ts";

// Named differently by the types of workerd and of Node.
type ResponseBody = ConstructorParameters<typeof Response>[0];
type Reducers = Record<string, (value: unknown) => unknown>;

const toText: Reducers = {
  Error: (value) => isError(value) && encodeError(value),
  Headers: (value) => value instanceof Headers && [...value],
  Plain: (value) => hasSymbols(value) && { ...withoutSymbols(value as object) },
};

// From here on there are promises of what is to be written: the parts of a value are read while the rest is.

// Without bodies that can be read once: those are named as what cannot be written.
const storedToText: Reducers = {
  ...toText,
  Blob: (value) => value instanceof Blob && { type: value.type, body: value.arrayBuffer() },
};

const wholeToText: Reducers = {
  ...storedToText,
  Request: (value) => value instanceof Request && requestParts(value),
  Response: (value) => value instanceof Response && responseParts(value),
  Stream: (value) => value instanceof ReadableStream && new Response(value as ResponseBody).arrayBuffer(),
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
export function encodeWhole(value: unknown, naming?: Naming): Promise<string> {
  return written(value, wholeToText, naming);
}

/**
 * Writes `value` without line breaks, to be kept: with the blobs in it, and without requests, responses and streams.
 *
 * @throws SerializationError naming the part that cannot be written, or read.
 */
export function encodeStored(value: unknown, naming?: Naming): Promise<string> {
  return written(value, storedToText, naming);
}

async function written(value: unknown, reducers: Reducers, naming: Naming = anything): Promise<string> {
  try {
    return await stringifyAsync(value, reducers);
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
