import { createHandle, type HandleTarget } from "../../src/handle/handle.ts";
import { encodeError } from "../../src/protocol/error-codec.ts";
import { ReplicaUnavailableError } from "../../src/protocol/errors.ts";
import type { CallRequest, ItemBatch, Reply } from "../../src/protocol/messages.ts";

interface Model {
  call(...args: unknown[]): unknown;
  score(...args: unknown[]): unknown;
  tokens(): AsyncGenerator<number>;
}

/** A handle whose calls are recorded and answered by `answer`. */
export function handleOf(answer: (request: CallRequest) => Reply | Promise<Reply>, deployment = "Model") {
  const sent: CallRequest[] = [];
  const target: HandleTarget = {
    app: "news",
    deployment,
    async call(request) {
      sent.push(request);
      return answer(request);
    },
    async broadcast(request) {
      sent.push(request);
      const lost = new ReplicaUnavailableError("lost");
      return [
        { status: "fulfilled", value: await answer(request) },
        { status: "rejected", reason: lost },
      ];
    },
  };
  return { handle: createHandle<Model>(target), sent };
}

/** Answers every call with `result`. */
export const value = (result: unknown) => (): Reply => ({ kind: "value", value: result });
/** Answers every call with an error. */
export const failure = (error: unknown) => (): Reply => ({ kind: "error", error: encodeError(error) });
/** Answers every call with its arguments. */
export const echo = ({ args }: CallRequest): Reply => ({ kind: "value", value: args });

/** A stream that gives its batches, then waits for ever unless the last one is done. */
export function streamOf(...batches: ItemBatch[]) {
  let cancels = 0;
  const items = {
    pull: () => Promise.resolve(batches.shift() ?? new Promise<ItemBatch>(() => {})),
    cancel: () => void cancels++,
  };
  return { answer: (): Reply => ({ kind: "stream", items }), cancels: () => cancels };
}
