/**
 * Answers that are still under way when their replica is lost: what the platform throws at whoever reads them becomes one of
 * edge-serve's errors.
 *
 * Owns: items and bodies that calls return. Does not own: an HTTP answer, which goes on to the client as it is.
 */
import { decodeError } from "../protocol/error-codec.ts";
import type { Answer, ItemBatch, ItemPuller, StreamSource } from "../protocol/messages.ts";

/** Says what the platform's error means for the request. */
export type Explain = (error: unknown) => unknown;

/** Where the stream comes from knows better, unless it is lost. */
async function reasonOf(error: unknown, source: StreamSource | undefined, explain: Explain): Promise<unknown> {
  const reason = await source?.reason().catch(() => undefined);
  return reason === undefined ? explain(error) : decodeError(reason);
}

/** The answer to hand on for `answer`: itself, unless some of it is still to come. */
export function guarded(answer: Answer, explain: Explain): Answer {
  if (answer.kind === "stream") return { ...answer, items: new GuardedItems(answer.items, explain) };
  if (answer.kind === "error" || typeof answer.value !== "object") return answer;
  const { value, source } = answer;
  const why = (error: unknown) => reasonOf(error, source, explain);
  if (value instanceof ReadableStream) return { ...answer, value: guardedStream(value, why) };
  if (value instanceof Response && value.body !== null) guardBody(value, why, source !== undefined);
  return answer;
}

/** Over RPC the items are a stub, which has to be disposed of. */
class GuardedItems implements ItemPuller, Disposable {
  readonly #items: ItemPuller;
  readonly #explain: Explain;

  constructor(items: ItemPuller, explain: Explain) {
    this.#items = items;
    this.#explain = explain;
  }

  async pull(): Promise<ItemBatch> {
    try {
      return await this.#items.pull();
    } catch (error) {
      throw this.#explain(error);
    }
  }

  cancel(): Promise<void> | void {
    return this.#items.cancel();
  }

  [Symbol.dispose](): void {
    (this.#items as Partial<Disposable>)[Symbol.dispose]?.();
  }
}

type Why = (error: unknown) => Promise<unknown>;

function guardedStream(stream: ReadableStream<unknown>, why: Why): ReadableStream<unknown> {
  const reader = stream.getReader();
  return new ReadableStream(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read();
          if (done) controller.close();
          else controller.enqueue(value);
        } catch (error) {
          controller.error(await why(error));
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

const READERS = ["arrayBuffer", "blob", "bytes", "formData", "json", "text"] as const;

// Methods of its own, so that a response which is only handed on still goes past JavaScript.
function guardBody(response: Response, why: Why, isWatched: boolean): void {
  for (const name of READERS) {
    const read = response[name].bind(response) as () => Promise<unknown>;
    const value = () =>
      read().catch(async (error: unknown) => {
        // Text that is no JSON, or no form, is the reader's.
        throw error instanceof SyntaxError || (error instanceof TypeError && !isWatched) ? error : await why(error);
      });
    Object.defineProperty(response, name, { value, configurable: true, writable: true });
  }
}
