/**
 * What an HTTP handler returned or threw, as a `Response` that can be sent. The platform finds out when it is too late to answer
 * anything else.
 */
import { runInScope, type Scope } from "../context/scope.ts";
import { isGenerator, RunAhead } from "./run-ahead.ts";
import { wasAccepted } from "./socket-pairs.ts";
import { acceptsEvents, encodeEvent, EVENT_STREAM } from "./server-sent-events.ts";
import { toJson } from "./json-answer.ts";

const TEXT = "text/plain; charset=utf-8";
const BYTES = "application/octet-stream";
const JSON_TYPE = "application/json";
const JSON_LINES = "application/x-ndjson";

/**
 * Converts a handler's result: a `Response` as it is, text, bytes, a stream or generator chunk by chunk,
 * `undefined` as an empty body, anything else as JSON.
 *
 * @param scope The request, which a streaming generator goes on running in.
 * @param request What the handler answers: a generator's items are server-sent events to a client that asks for these.
 * @throws SerializationError if the value cannot be written as JSON; it says which part. TypeError if it is a `Response`
 * that cannot be sent.
 */
export function toResponse(result: unknown, scope: Scope, request?: Request): Response | Promise<Response> {
  if (isResponse(result)) return withoutNeedlessBody(sendable(result, request), request);
  if (typeof result === "string") return ofType(result, TEXT);
  if (result === undefined) return new Response(null);
  if (result instanceof ArrayBuffer || ArrayBuffer.isView(result)) return ofType(result as Body, BYTES);
  if (result instanceof ReadableStream) return streamResponse(chunksOf(result), CHUNKS, scope, request);
  if (isGenerator(result) || isAsyncIterable(result)) {
    const form = acceptsEvents(request?.headers.get("accept") ?? null) ? EVENTS : CHUNKS;
    return streamResponse(iteratorOf(result), form, scope, request);
  }
  if (typeof result === "object" && result !== null && isForeignResponse(result)) {
    throw new TypeError("The HTTP handler returned a Response of another library. Return one of the platform's own class, `Response`.");
  }
  return ofType(toJson(result), JSON_TYPE);
}

type Body = ConstructorParameters<typeof Response>[0];

// Set afterwards: a record of headers costs the platform three times as much.
function ofType(body: Body, type: string): Response {
  const response = new Response(body);
  response.headers.set("content-type", type);
  return response;
}

// The platform would have all of a stream made, and throw it away.
function withoutNeedlessBody(response: Response, request: Request | undefined): Response {
  if (request?.method !== "HEAD" || response.body === null || bodyLength(response.body) !== undefined) return response;
  const { body } = response;
  body.cancel("A HEAD request has no use for it.").catch(() => {});
  return new Response(null, response);
}

type ChunkIterator = AsyncIterator<unknown, unknown, undefined> | Iterator<unknown, unknown, undefined>;

// A handle's stream, passed on as it arrives.
function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

function iteratorOf(source: AsyncIterable<unknown> | Iterable<unknown>): ChunkIterator {
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
}

// Not `for await`: leaving the loop must cancel the stream with its reason, and chunks may be strings.
function chunksOf(stream: ReadableStream<unknown>): ChunkIterator {
  const reader = stream.getReader();
  return {
    next: () => reader.read() as Promise<IteratorResult<unknown>>,
    return: async () => {
      await reader.cancel();
      return { done: true, value: undefined };
    },
  };
}

/** How the items of a stream are written. */
interface StreamForm {
  encode(item: unknown): Chunk;
  /** @param first The stream's first item; there is none if it is empty. */
  headersOf(first: IteratorResult<unknown>): Record<string, string>;
}

const CHUNKS: StreamForm = {
  encode: encodeChunk,
  headersOf: (first): Record<string, string> => (first.done === true ? {} : { "content-type": chunkType(first.value) }),
};

const EVENTS: StreamForm = {
  encode: (item) => encodeEvent(item, toJson),
  headersOf: () => ({ "content-type": EVENT_STREAM, "cache-control": "no-cache" }),
};

// The first chunk is awaited, so that it can name the content type, and so that a generator that fails before
// it has produced anything is an ordinary error.
async function streamResponse(iterator: ChunkIterator, form: StreamForm, scope: Scope, request: Request | undefined): Promise<Response> {
  const first = await iterator.next();
  const headers = form.headersOf(first);
  if (first.done === true) return new Response(null, { headers });
  const chunk = form.encode(first.value);
  if (request?.method !== "HEAD") return new Response(streamOf(iterator, chunk, form, scope), { headers });
  await iterator.return?.();
  return new Response(null, { headers });
}

// A chunk costs the platform as much as hundreds of tokens, so those that are ready together become one.
function streamOf(iterator: ChunkIterator, first: Chunk, { encode }: StreamForm, scope: Scope): ReadableStream<Uint8Array> {
  const settings = { convert: encode, sizeOf: (chunk: Chunk) => chunk.length, maxSize: MAX_JOINED, ended: () => {} };
  const rest = runInScope(scope, () => new RunAhead(iterator, settings));
  let failure: { readonly error: unknown } | undefined;
  return new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(bytesOf(first)),
    async pull(controller) {
      // In a pull of its own: an error drops what the client has not been given yet.
      if (failure !== undefined) throw failure.error;
      const ready = await rest.take();
      for (const chunk of joined(ready.items)) controller.enqueue(chunk);
      if (ready.failure === undefined) {
        if (ready.isDone) controller.close();
        return;
      }
      failure = ready.failure;
      if (ready.items.length === 0) throw failure.error;
    },
    async cancel() {
      await runInScope(scope, () => rest.cancel());
    },
  });
}

function chunkType(chunk: unknown): string {
  if (typeof chunk === "string") return TEXT;
  return isBytes(chunk) ? BYTES : JSON_LINES;
}

function isBytes(chunk: unknown): chunk is ArrayBuffer | ArrayBufferView {
  return chunk instanceof ArrayBuffer || ArrayBuffer.isView(chunk);
}

/** Text stays text until it is sent: joining strings and encoding them at once costs least. */
type Chunk = string | Uint8Array;

/** How much waits for a slow client, and goes in one piece. */
const MAX_JOINED = 64 * 1024;

const encoder = new TextEncoder();

function encodeChunk(chunk: unknown): Chunk {
  if (typeof chunk === "string") return chunk;
  if (!isBytes(chunk)) return `${toJson(chunk)}\n`;
  const { buffer, byteOffset, byteLength } = ArrayBuffer.isView(chunk) ? chunk : new Uint8Array(chunk);
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  // It waits while the generator goes on, which may use its buffer again; after a large one the generator pauses.
  return bytes.length < MAX_JOINED ? bytes.slice() : bytes;
}

function bytesOf(chunk: Chunk): Uint8Array {
  return typeof chunk === "string" ? encoder.encode(chunk) : chunk;
}

// Runs of text become one chunk each, and so does everything, unless there is too much to copy.
function joined(chunks: readonly Chunk[]): Uint8Array[] {
  const all: Uint8Array[] = [];
  let text = "";
  for (const chunk of chunks) {
    if (typeof chunk === "string") {
      text += chunk;
      continue;
    }
    if (text !== "") all.push(encoder.encode(text));
    text = "";
    all.push(chunk);
  }
  if (text !== "") all.push(encoder.encode(text));
  return all.length > 1 && lengthOf(all) <= MAX_JOINED ? [concatenated(all)] : all;
}

function lengthOf(all: readonly Uint8Array[]): number {
  return all.reduce((length, { byteLength }) => length + byteLength, 0);
}

function concatenated(all: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(lengthOf(all));
  let at = 0;
  for (const bytes of all) {
    whole.set(bytes, at);
    at += bytes.length;
  }
  return whole;
}

// Where workerd shows an inspector how long a body is, which it knows unless user code is still making it. Without
// this every response would have to be watched to its end, at half the cost of a whole request.
const LENGTH = Object.getOwnPropertySymbols(ReadableStream.prototype).find(({ description }) => description === "length");

/** The length of a body in bytes; `undefined` for a stream, and where the platform does not say it. */
export function bodyLength(body: ReadableStream): number | bigint | undefined {
  const inspected: object = body;
  return LENGTH === undefined ? undefined : (inspected as Record<symbol, number | bigint | undefined>)[LENGTH];
}

const HANDLED = "The HTTP handler returned";

/**
 * Returns the response.
 *
 * @param request What it answers; a socket needs one that asked for it.
 * @throws TypeError that says why it cannot be sent: it is no real response, an error response, read, or locked, or has a
 * socket that is no answer.
 */
function sendable(response: Response, request: Request | undefined): Response {
  const status = statusOf(response);
  if (status === undefined) {
    throw new TypeError(`${HANDLED} a Proxy of a Response, or an object that only inherits from one. Return the Response itself.`);
  }
  if (status === 0) throw new TypeError(`${HANDLED} Response.error(), which cannot be sent. Return a Response with a status.`);
  // A body that cannot be read again would never end, and the client would wait for it.
  const { body } = response;
  if (body !== null && (response.bodyUsed || body.locked)) {
    throw new TypeError(`${HANDLED} a Response whose body has been read or is being read. Return its clone(), made before.`);
  }
  if (status === 101) checkSocket(response, request);
  return response;
}

function checkSocket(response: Response, request: Request | undefined): void {
  const { webSocket = null } = response as { readonly webSocket?: WebSocket | null };
  if (webSocket === null || request === undefined) return;
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    throw new TypeError(`${HANDLED} a WebSocket, but the request did not ask for one: it has no "Upgrade: websocket".`);
  }
  if (wasAccepted(webSocket)) {
    throw new TypeError(`${HANDLED} an end of a WebSocketPair that it has accepted. Accept one end, and return the other.`);
  }
}

/** Whether something claims to be a `Response` of this runtime. A proxy may throw when it is asked. */
export function isResponse(value: unknown): value is Response {
  try {
    return value instanceof Response;
  } catch {
    return false;
  }
}

/** A thrown `Response`, which is an answer like a returned one. Anything else is thrown again. */
export function thrownResponse(thrown: unknown): Response {
  if (isResponse(thrown)) return thrown;
  throw thrown;
}

/** Whether something is a `Response` of another library, which would be sent as empty JSON. */
function isForeignResponse(value: object): boolean {
  try {
    const { status, headers, arrayBuffer } = value as { status?: unknown; headers?: unknown; arrayBuffer?: unknown };
    return typeof status === "number" && typeof arrayBuffer === "function" && typeof headers === "object";
  } catch {
    return false;
  }
}

// Past any trap: a proxy that passes for a response is none to the platform.
const STATUS = Object.getOwnPropertyDescriptor(Response.prototype, "status")!.get as (this: Response) => number;

function statusOf(response: Response): number | undefined {
  try {
    return STATUS.call(response);
  } catch {
    return undefined;
  }
}
