/**
 * What is behind a handle that calls from outside the system, whichever way its calls go: over HTTP or a service binding.
 */
import type { HandleTarget } from "../handle/handle.ts";
import type { KeyedTarget } from "../handle/keyed-handle.ts";
import { checkKey } from "../protocol/keys.ts";
import type { Cancellation } from "../protocol/cancellation.ts";
import { decodeError } from "../protocol/error-codec.ts";
import { SerializationError } from "../protocol/errors.ts";
import type { Answer, CallRequest, HandleOptionsRef } from "../protocol/messages.ts";
import type { OutsideAnswer, RpcCall, TaskQuestion } from "../protocol/rpc-messages.ts";
import { resultOf } from "../protocol/task-result.ts";
import type { ResultWait, TaskCall, TaskOutcome, TaskPort, TaskStatus } from "../protocol/tasks.ts";

/** How the loss of a system is put whose answer was still under way. */
export const BROKEN_OFF = "The connection ended before the answer was complete.";

/** What is called: an application's ingress deployment, or the one named, or the object of a key of it. */
export interface Called {
  readonly app: string;
  readonly deployment?: string | undefined;
  readonly key?: string | undefined;
}

/** A deployment, from outside. */
export abstract class OutsideTarget implements HandleTarget, TaskPort {
  readonly app: string;
  readonly deployment: string;
  readonly key?: string;
  readonly requestTimeoutMs = null;
  /** What the system says. */
  readonly takesTasks = true;

  readonly #called: Called;

  constructor(called: Called) {
    this.#called = called;
    this.app = called.app;
    this.deployment = called.deployment ?? "ingress";
    if (called.key !== undefined) this.key = called.key;
  }

  /** The same way to something else. */
  protected abstract to(called: Called): OutsideTarget;

  /** Whether it is keyed, the system knows. */
  get keyed(): KeyedTarget {
    const { app, deployment } = this;
    const at = (key: string): OutsideTarget => {
      checkKey(key, this);
      return this.to({ ...this.#called, key });
    };
    return { app, deployment, at, delete: async (key) => void (await at(key).#ask([], { erase: true })) };
  }

  /** Sends a call. Rejects when it could not be sent, or its answer not be had. */
  protected abstract send(call: RpcCall, cancellation?: Cancellation): Promise<OutsideAnswer>;

  async call(request: CallRequest, cancellation?: Cancellation): Promise<Answer> {
    const answer = await this.send(this.#callOf(request, {}), cancellation);
    if (answer.kind === "broadcast") throw unexpected(answer.kind);
    return answer;
  }

  async broadcast(request: CallRequest, cancellation?: Cancellation): Promise<PromiseSettledResult<Answer>[]> {
    const answer = await this.send(this.#callOf(request, { broadcast: true }), cancellation);
    if (answer.kind === "error") throw decodeError(answer.error);
    if (answer.kind !== "broadcast") throw unexpected(answer.kind);
    return answer.replies.map((value) => ({ status: "fulfilled", value }));
  }

  get tasks(): TaskPort {
    return this;
  }

  enqueue({ method, args, routing, traceparent, idempotencyKey, delayMs }: TaskCall): Promise<string> {
    const options = {
      ...routing,
      ...(traceparent === undefined ? {} : { traceparent }),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      ...(delayMs === undefined ? {} : { delayMs }),
    };
    return this.#ask(args, { task: "enqueue", method, options }) as Promise<string>;
  }

  status(id: string): Promise<TaskStatus> {
    return this.#ask([id], { task: "status" }) as Promise<TaskStatus>;
  }

  result(id: string, wait: ResultWait): Promise<unknown> {
    return resultOf(id, (waitMs) => this.outcome(id, waitMs), wait, Date.now);
  }

  outcome(id: string, waitMs: number): Promise<TaskOutcome> {
    return this.#ask([id, waitMs], { task: "outcome" }) as Promise<TaskOutcome>;
  }

  cancel(id: string): Promise<boolean> {
    return this.#ask([id], { task: "cancel" }) as Promise<boolean>;
  }

  async #ask(args: readonly unknown[], { method, ...question }: Question & { readonly method?: string | undefined }): Promise<unknown> {
    const meta = { requestId: crypto.randomUUID(), chain: [], hops: 0 };
    const answer = await this.send(this.#callOf({ meta, method, args }, question));
    if (answer.kind === "error") throw decodeError(answer.error);
    if (answer.kind !== "value") throw unexpected(answer.kind);
    return answer.value;
  }

  #callOf({ meta, method, args, handleArgs: [handle] = [] }: CallRequest, { options = {}, ...extra }: Question): RpcCall {
    if (handle !== undefined) {
      throw new SerializationError(
        `Argument ${handle + 1} of ${JSON.stringify(`${this.deployment}.${method ?? "call"}`)} is a handle, which cannot be sent to another ` +
          "system. If it belongs to that system, send the name of its application, and use getAppHandle() there.",
      );
    }
    const { deployment, key } = this.#called;
    return {
      ...(deployment === undefined ? {} : { deployment }),
      ...(key === undefined ? {} : { objectKey: key }),
      ...(method === undefined ? {} : { method }),
      args,
      requestId: meta.requestId,
      options: {
        ...options,
        ...(meta.key === undefined ? {} : { key: meta.key }),
        ...(meta.traceparent === undefined ? {} : { traceparent: meta.traceparent }),
        ...(meta.multiplexedModelId === undefined ? {} : { multiplexedModelId: meta.multiplexedModelId }),
        // Past it nobody waits, and the least that is left is still a time.
        ...(meta.deadline === undefined ? {} : { timeoutMs: Math.max(1, meta.deadline - Date.now()) }),
      },
      ...extra,
    };
  }
}

/** What is asked, besides a plain call. */
interface Question {
  readonly broadcast?: true;
  readonly erase?: true;
  readonly task?: TaskQuestion;
  readonly options?: HandleOptionsRef;
}

/** An answer that does not fit the call. */
export function unexpected(kind: string): Error {
  return new Error(`This is a bug in edge-serve: a frame of kind ${JSON.stringify(kind)} came where it does not belong.`);
}
