/**
 * Streams among a call's arguments: they cross as bytes, and text as its bytes. Nobody can tell before it is read whether a
 * stream holds anything else, and whoever receives one that does is told only that it broke off. So what is read from a
 * stream is looked at here, and the caller is told what it was.
 */
import { encodeError } from "../protocol/error-codec.ts";
import { SerializationError } from "../protocol/errors.ts";
import type { Answer, CallRequest, ItemPuller } from "../protocol/messages.ts";
import { returnedText } from "../protocol/thrown.ts";

interface Watch {
  /** What was wrong with the streams of a call, if something was. */
  fault: SerializationError | undefined;
}

/**
 * Sends a call that has streams among its arguments. A failure that one of these has brought about says so.
 *
 * @param nameOf Names an argument for errors: `Argument 1 of "Model.embed"`.
 */
export async function sendStreams(
  request: CallRequest,
  send: (request: CallRequest) => Promise<Answer>,
  nameOf: (index: number) => string,
): Promise<Answer> {
  const watch: Watch = { fault: undefined };
  const args = request.args.map((arg, index) => {
    const body = bodyOf(arg);
    if (body === null || isOfBytes(body)) return arg;
    return withBody(
      arg as Body,
      watched(body, (chunk) => (watch.fault ??= refusal(nameOf(index), arg as Body, chunk))),
    );
  });
  const reply = await send({ ...request, args }).catch((error: unknown) => {
    throw watch.fault ?? error;
  });
  if (reply.kind === "error" && watch.fault !== undefined) throw watch.fault;
  return reply.kind === "stream" ? { ...reply, items: explainedItems(reply.items, watch) } : reply;
}

type Body = ReadableStream | Request | Response;

function bodyOf(arg: unknown): ReadableStream | null {
  if (arg instanceof ReadableStream) return arg;
  return arg instanceof Request || arg instanceof Response ? arg.body : null;
}

function withBody(arg: Body, body: ReadableStream): Body {
  if (arg instanceof ReadableStream) return body;
  // Named differently by the types of workerd and of Node.
  if (arg instanceof Response) return new Response(body as ConstructorParameters<typeof Response>[0], arg);
  return new Request(arg, { body, duplex: "half" } as RequestInit);
}

function refusal(subject: string, arg: Body, chunk: unknown): SerializationError {
  const what = arg instanceof ReadableStream ? "a ReadableStream" : `a ${arg instanceof Request ? "Request" : "Response"} with a body`;
  return new SerializationError(
    `${subject} is ${what} that gave ${returnedText(chunk)}. A stream crosses as bytes or text: write the chunks as text, ` +
      "or give them from a generator method.",
  );
}

// The platform's own streams, and those of `type: "bytes"`, hold nothing else; they stay as they are, and as fast.
function isOfBytes(stream: ReadableStream): boolean {
  try {
    stream.getReader({ mode: "byob" }).releaseLock();
    return true;
  } catch {
    return false;
  }
}

function watched(source: ReadableStream<unknown>, refused: (chunk: unknown) => SerializationError): ReadableStream<unknown> {
  const reader = source.getReader();
  return new ReadableStream<unknown>(
    {
      async pull(controller) {
        const { done, value } = await reader.read();
        if (done) return controller.close();
        if (typeof value === "string" || value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return controller.enqueue(value);
        const fault = refused(value);
        controller.error(fault);
        await reader.cancel(fault);
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

function explainedItems(items: ItemPuller, watch: Watch): ItemPuller & Disposable {
  return {
    async pull() {
      const batch = await items.pull();
      return batch.error === undefined || watch.fault === undefined ? batch : { ...batch, error: encodeError(watch.fault) };
    },
    cancel: () => items.cancel(),
    [Symbol.dispose]: () => (items as Partial<Disposable>)[Symbol.dispose]?.(),
  };
}
