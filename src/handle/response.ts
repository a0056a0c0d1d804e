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
  #reject!: (reason: unknown) => void;
  #items: RemoteItems | undefined;
  #isGivenUp = false;

  constructor(reply: Promise<Reply>, { callSite, timeoutMs, signal }: CallSettings) {
    this.#settled = new Promise((resolve, reject) => {
      this.#reject = reject;
      reply.then((answer) => {
        if (answer.kind === "value") resolve(answer.value);
        else if (answer.kind === "error") reject(decodeError(answer.error, callSite.stack));
        else resolve(this.#stream(new RemoteItems(answer.items, callSite)));
      }, reject);
    });
    // A response that nobody awaits is not an unhandled rejection: the replica has logged the failure.
    this.#settled.catch(() => {});
    if (timeoutMs !== undefined) this.#limit(timeoutMs);
    if (signal !== undefined) this.#follow(signal);
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
      const late = new RequestTimeoutError(`The result was not there within ${timeoutMs} ms. The call goes on; cancel() stops it.`);
      const timer = setTimeout(() => reject(late), timeoutMs);
      this.#settled.then(resolve, reject).finally(() => clearTimeout(timer));
    });
  }

  cancel(): void {
    this.#giveUp(new RequestCancelledError("The request was cancelled by its caller."));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown, void, undefined> {
    const items = await this.#settled;
    if (!(items instanceof RemoteItems)) {
      throw new TypeError("The method returned one value, not a generator: await the response instead of iterating it.");
    }
    yield* items;
  }

  #giveUp(reason: Error): void {
    this.#isGivenUp = true;
    this.#reject(reason);
    this.#items?.cancel();
  }

  // The stream may arrive after its consumer has gone.
  #stream(items: RemoteItems): RemoteItems {
    this.#items = items;
    if (this.#isGivenUp) items.cancel();
    return items;
  }

  #limit(timeoutMs: number): void {
    const timer = setTimeout(() => this.#giveUp(new RequestTimeoutError(`The request took longer than ${timeoutMs} ms.`)), timeoutMs);
    const stop = () => clearTimeout(timer);
    this.#settled.then(stop, stop);
  }

  #follow(signal: AbortSignal): void {
    if (signal.aborted) return this.cancel();
    const cancel = () => this.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    // A signal may outlive many calls.
    const forget = () => signal.removeEventListener("abort", cancel);
    this.#settled.then(forget, forget);
  }
}
