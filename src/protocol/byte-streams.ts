/**
 * Streams that cross: as bytes, and text as its bytes. Nobody can tell before it is read whether a stream holds anything
 * else, and whoever receives one that does is told only that it broke off. So what is read from a stream is looked at where
 * it is sent, and whoever has sent it is told what it was.
 */
import { SerializationError } from "./errors.ts";
import { requestWithBody } from "./http-request.ts";
import { returnedText } from "./thrown.ts";

/** What can only be read once: a stream, or what has one as its body. */
export type Body = ReadableStream | Request | Response;

/** The stream in a value; `null` if there is none. */
export function bodyOf(arg: unknown): ReadableStream | null {
  if (arg instanceof ReadableStream) return arg;
  return arg instanceof Request || arg instanceof Response ? arg.body : null;
}

/** The same value with another stream in it. */
export function withBody(arg: Body, body: ReadableStream): Body {
  if (arg instanceof ReadableStream) return body;
  // Named differently by the types of workerd and of Node.
  if (arg instanceof Response) return new Response(body as ConstructorParameters<typeof Response>[0], arg);
  return requestWithBody(arg, body);
}

/** Says which value had a stream that gave something else. */
export function streamRefusal(subject: string, arg: Body, chunk: unknown): SerializationError {
  const what = arg instanceof ReadableStream ? "a ReadableStream" : `a ${arg instanceof Request ? "Request" : "Response"} with a body`;
  return new SerializationError(
    `${subject} is ${what} that gave ${returnedText(chunk)}. A stream crosses as bytes or text: write the chunks as text, ` +
      "or give them from a generator method.",
  );
}

/** Whether it is one of the platform's own streams, or of `type: "bytes"`: they hold nothing else, and stay as they are, and as fast. */
export function isOfBytes(stream: ReadableStream): boolean {
  try {
    stream.getReader({ mode: "byob" }).releaseLock();
    return true;
  } catch {
    return false;
  }
}

/** Who is told about a stream that is read. */
export interface StreamWatch {
  /** Makes the error of a chunk that is neither bytes nor text. */
  readonly refused: (chunk: unknown) => SerializationError;
  /** It is over: `reason` is why it broke off, if it did. Called once. */
  readonly ended?: (broken?: { readonly reason: unknown }) => void;
}

/** A stream with what is in `source`. It breaks off at the first chunk that is neither bytes nor text. */
export function watchedStream(source: ReadableStream<unknown>, { refused, ended = () => {} }: StreamWatch): ReadableStream<unknown> {
  const reader = source.getReader();
  const encoder = new TextEncoder();
  const next = () =>
    reader.read().catch((reason: unknown) => {
      ended({ reason });
      throw reason;
    });
  return new ReadableStream<unknown>(
    {
      async pull(controller) {
        const { done, value } = await next();
        if (done) {
          ended();
          return controller.close();
        }
        // The platform takes text, too, and nobody else does.
        if (typeof value === "string") return controller.enqueue(encoder.encode(value));
        if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return controller.enqueue(value);
        const reason = refused(value);
        ended({ reason });
        controller.error(reason);
        await reader.cancel(reason);
      },
      cancel(reason) {
        ended();
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
