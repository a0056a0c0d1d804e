import { currentScope } from "../../src/context/scope.ts";
import { createHandle, type HandleTarget } from "../../src/handle/handle.ts";
import { encodeError } from "../../src/protocol/error-codec.ts";
import { ReplicaUnavailableError } from "../../src/protocol/errors.ts";
import type { Answer, CallRequest, ItemBatch } from "../../src/protocol/messages.ts";

interface Model {
  call(...args: unknown[]): unknown;
  score(...args: unknown[]): unknown;
  tokens(): AsyncGenerator<number>;
}

/** What a recorded deployment may have besides its answers. */
export interface RecordedDeployment {
  readonly deployment?: string;
  readonly requestTimeoutMs?: number;
}

/** A handle whose calls are recorded and answered by `answer`; `stopped` are the reasons of those that were cancelled. */
export function handleOf(
  answer: (request: CallRequest) => Answer | Promise<Answer>,
  { deployment = "Model", requestTimeoutMs }: RecordedDeployment = {},
) {
  const sent: CallRequest[] = [];
  const stopped: unknown[] = [];
  const target: HandleTarget = {
    app: "news",
    deployment,
    requestTimeoutMs: requestTimeoutMs ?? null,
    async call(request, cancellation) {
      cancellation?.check();
      sent.push(request);
      cancellation?.listen((reason) => stopped.push(reason));
      try {
        return await answer(request);
      } finally {
        cancellation?.listen(undefined);
      }
    },
    async broadcast(request, cancellation) {
      sent.push(request);
      cancellation?.listen((reason) => stopped.push(reason));
      const lost = new ReplicaUnavailableError("lost");
      return [
        { status: "fulfilled", value: await answer(request) },
        { status: "rejected", reason: lost },
      ];
    },
  };
  return { handle: createHandle<Model>(target, currentScope), sent, stopped };
}

/** Answers every call with `result`. */
export const value = (result: unknown) => (): Answer => ({ kind: "value", value: result });
/** Answers every call with an error. */
export const failure = (error: unknown) => (): Answer => ({ kind: "error", error: encodeError(error) });
/** Answers every call with its arguments. */
export const echo = ({ args }: CallRequest): Answer => ({ kind: "value", value: args });
/** Answers no call. */
export const never = () => new Promise<Answer>(() => {});

/** A stream that gives its batches, then waits for ever unless the last one is done. */
export function streamOf(...batches: ItemBatch[]) {
  let cancels = 0;
  const items = {
    pull: () => Promise.resolve(batches.shift() ?? new Promise<ItemBatch>(() => {})),
    cancel: () => void cancels++,
  };
  return { answer: (): Answer => ({ kind: "stream", items }), cancels: () => cancels };
}
