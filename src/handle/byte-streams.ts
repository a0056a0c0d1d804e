/**
 * Streams among a call's arguments: what is wrong with one is said of the call that it was sent with.
 */
import { type Body, bodyOf, isOfBytes, streamRefusal, watchedStream, withBody } from "../protocol/byte-streams.ts";
import { encodeError } from "../protocol/error-codec.ts";
import type { SerializationError } from "../protocol/errors.ts";
import type { Answer, CallRequest, ItemPuller } from "../protocol/messages.ts";

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
      watchedStream(body, { refused: (chunk) => (watch.fault ??= streamRefusal(nameOf(index), arg as Body, chunk)) }),
    );
  });
  const reply = await send({ ...request, args }).catch((error: unknown) => {
    throw watch.fault ?? error;
  });
  if (reply.kind === "error" && watch.fault !== undefined) throw watch.fault;
  return reply.kind === "stream" ? { ...reply, items: explainedItems(reply.items, watch) } : reply;
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
