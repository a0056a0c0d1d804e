/**
 * What `remote` returns: awaited for a result, iterated for a stream.
 *
 * One class for both, because only the replica knows whether the method is a generator; the types say which.
 */
import { decodeError } from "../protocol/error-codec.ts";
import { RequestCancelledError, RequestTimeoutError } from "../protocol/errors.ts";
import type { DeploymentResponse, HandleOptions } from "../protocol/handle-types.ts";
import type { Reply } from "../protocol/messages.ts";
import { RESPONSE_BRAND } from "../protocol/sendable.ts";
import { RemoteItems } from "./remote-items.ts";

/** What a response knows of its call. */
export interface CallSettings extends Pick<HandleOptions, "timeoutMs" | "signal"> {
  /** Where `remote` was called. */
  readonly callSite: { readonly stack?: string };
}

export class CallResponse implements DeploymentResponse<unknown> {
  readonly #settled: Promise<unknown>;
  #cancel: (() => void) | undefined;

  constructor(reply: Promise<Reply>, settings: CallSettings) {
    this.#settled = this.#settle(reply, settings);
    // A response that nobody awaits is not an unhandled rejection: the replica has logged the failure.
    this.#settled.catch(() => {});
  }

  get [RESPONSE_BRAND](): true {
    return true;
  }

  // oxlint-disable-next-line unicorn/no-thenable -- a response is awaited: that is its contract
  then<A = unknown, B = never>(
    fulfilled?: ((value: unknown) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#settled.then(fulfilled, rejected);
  }

  result({ timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<unknown> {
    if (timeoutMs === undefined) return this.#settled;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new RequestTimeoutError(`The result was not there within ${timeoutMs} ms. The call goes on; cancel() stops it.`)),
        timeoutMs,
      );
      this.#settled.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }

  cancel(): void {
    this.#cancel?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown, void, undefined> {
    const items = await this.#settled;
    if (!(items instanceof RemoteItems)) {
      throw new TypeError("The method returned one value, not a generator: await the response instead of iterating it.");
    }
    yield* items;
  }

  async #settle(reply: Promise<Reply>, { callSite, timeoutMs, signal }: CallSettings): Promise<unknown> {
    const answered = reply.then((answer) => {
      if (answer.kind === "value") return answer.value;
      if (answer.kind === "error") throw decodeError(answer.error, callSite.stack);
      return new RemoteItems(answer.items, callSite);
    });
    const ended = new Promise<never>((_, reject) => {
      this.#cancel = () => {
        answered.then((value) => value instanceof RemoteItems && value.cancel(), () => {});
        reject(new RequestCancelledError("The request was cancelled by its caller."));
      };
      if (timeoutMs !== undefined) {
        const timer = setTimeout(() => reject(new RequestTimeoutError(`The request took longer than ${timeoutMs} ms.`)), timeoutMs);
        answered.then(() => clearTimeout(timer), () => clearTimeout(timer));
      }
    });
    ended.catch(() => {});
    if (signal?.aborted === true) this.#cancel?.();
    signal?.addEventListener("abort", () => this.#cancel?.(), { once: true });
    return Promise.race([answered, ended]);
  }
}
