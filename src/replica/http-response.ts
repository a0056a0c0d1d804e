/**
 * What an HTTP handler returned, as a `Response`.
 */
import { SerializationError } from "../protocol/errors.ts";
import { writeLog } from "../context/logger.ts";
import { runInScope, type Scope } from "../context/scope.ts";
import { isGenerator } from "./item-source.ts";

const TEXT = "text/plain; charset=utf-8";
const BYTES = "application/octet-stream";
const JSON_TYPE = "application/json";
const JSON_LINES = "application/x-ndjson";

/**
 * Converts a handler's result: a `Response` as it is, text, bytes, a stream or generator chunk by chunk,
 * `undefined` as an empty body, anything else as JSON.
 *
 * @param scope The request, which a streaming generator goes on running in.
 * @throws SerializationError if the value cannot be written as JSON; it says which part.
 */
export function toResponse(result: unknown, scope: Scope): Response | Promise<Response> {
  if (result instanceof Response) return unread(result);
  if (typeof result === "string") return ofType(result, TEXT);
  if (result === undefined) return new Response(null);
  if (result instanceof ArrayBuffer || ArrayBuffer.isView(result)) return ofType(result as Body, BYTES);
  if (result instanceof ReadableStream) return streamResponse(chunksOf(result), scope);
  if (isGenerator(result) || isAsyncIterable(result)) return streamResponse(iteratorOf(result), scope);
  return ofType(toJson(result), JSON_TYPE);
}

type Body = ConstructorParameters<typeof Response>[0];

// Set afterwards: a record of headers costs the platform three times as much.
function ofType(body: Body, type: string): Response {
  const response = new Response(body);
  response.headers.set("content-type", type);
  return response;
}

// A body that cannot be read again would never end, and the client would wait for it.
function unread(response: Response): Response {
  if (!response.bodyUsed && response.body?.locked !== true) return response;
  throw new TypeError("The HTTP handler returned a Response whose body has been read or is being read. Return its clone(), made before.");
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

// The first chunk is awaited, so that it can name the content type, and so that a generator that fails before
// it has produced anything is an ordinary error.
async function streamResponse(iterator: ChunkIterator, scope: Scope): Promise<Response> {
  const first = await iterator.next();
  if (first.done === true) return new Response(null);
  let pending: IteratorResult<unknown> | undefined = first;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = pending ?? (await nextOrLog(iterator, scope));
      pending = undefined;
      if (next.done === true) controller.close();
      else controller.enqueue(encodeChunk(next.value));
    },
    async cancel() {
      await runInScope(scope, () => iterator.return?.());
    },
  });
  return new Response(body, { headers: { "content-type": chunkType(first.value) } });
}

// The status has been sent: all that is left is to break the connection, and to say why in the log.
async function nextOrLog(iterator: ChunkIterator, scope: Scope): Promise<IteratorResult<unknown, unknown>> {
  try {
    return await runInScope(scope, () => iterator.next());
  } catch (error) {
    writeLog("ERROR", "The response's stream failed after it had begun.", { error }, scope);
    throw error;
  }
}

function chunkType(chunk: unknown): string {
  if (typeof chunk === "string") return TEXT;
  return isBytes(chunk) ? BYTES : JSON_LINES;
}

function isBytes(chunk: unknown): chunk is ArrayBuffer | ArrayBufferView {
  return chunk instanceof ArrayBuffer || ArrayBuffer.isView(chunk);
}

const encoder = new TextEncoder();

function encodeChunk(chunk: unknown): Uint8Array {
  if (typeof chunk === "string") return encoder.encode(chunk);
  if (chunk instanceof Uint8Array) return chunk;
  if (chunk instanceof ArrayBuffer) return new Uint8Array(chunk);
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  return encoder.encode(`${toJson(chunk)}\n`);
}

function toJson(value: unknown): string {
  let text: string | undefined;
  let cause: unknown;
  try {
    if (!(value instanceof Map || value instanceof Set)) text = JSON.stringify(value);
  } catch (error) {
    cause = error;
  }
  if (text !== undefined) return text;
  const { path, what } = findNotJson(value, "", []) ?? { path: "", what: String(cause) };
  throw new SerializationError(
    `The HTTP handler returned ${path === "" ? what : `a value with ${what} at ${path}`}, which JSON cannot carry. ` +
      "Return a string, bytes, a stream, a Response, or plain data.",
    { cause },
  );
}

function findNotJson(value: unknown, path: string, above: readonly unknown[]): { path: string; what: string } | undefined {
  if (typeof value === "bigint") return { path, what: "a bigint" };
  if (typeof value === "function" || typeof value === "symbol") return { path, what: `a ${typeof value}` };
  if (typeof value !== "object" || value === null) return undefined;
  if (above.includes(value)) return { path, what: "a reference to itself" };
  if (value instanceof Map || value instanceof Set) return { path, what: value instanceof Map ? "a Map" : "a Set" };
  const isArray = Array.isArray(value);
  for (const [key, item] of Object.entries(value)) {
    // Inside an object JSON leaves functions and symbols out, as it does undefined.
    if (typeof item === "function" || typeof item === "symbol") continue;
    const found = findNotJson(item, isArray ? `${path}[${key}]` : `${path}.${key}`, [...above, value]);
    if (found !== undefined) return found;
  }
  return undefined;
}
