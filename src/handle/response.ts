/**
 * What `remote` returns: awaited for a result, iterated for a stream.
 *
 * One class for both, because only the replica knows whether the method is a generator; the types say which.
 */
import { decodeError } from "../protocol/error-codec.ts";
import { RequestCancelledError, RequestTimeoutError } from "../protocol/errors.ts";
import type { DeploymentResponse } from "../protocol/handle-types.ts";
import type { Answer } from "../protocol/messages.ts";
import type { RequestScope } from "../context/scope.ts";
import type { Cancellation } from "../protocol/cancellation.ts";
import { RESPONSE_BRAND } from "../protocol/sendable.ts";
import { RemoteItems } from "./remote-items.ts";

/** What a response knows of its call. */
export interface CallSettings {
  readonly cancellation: Cancellation;
  /** Where `remote` was called. */
  readonly callSite: { readonly stack?: string };
  /** The request that the call is made for: when it ends early, so does the call. */
  readonly parent: RequestScope | undefined;
  /** In milliseconds since the epoch. */
  readonly deadline: number | undefined;
  readonly signal: AbortSignal | undefined;
}

export class CallResponse implements DeploymentResponse<unknown> {
  readonly #settled: Promise<unknown>;
  readonly #cancellation: Cancellation;
  #reject!: (reason: unknown) => void;
  #items: RemoteItems | undefined;
  #isGivenUp = false;

  constructor(answer: Promise<Answer>, { cancellation, callSite, parent, deadline, signal }: CallSettings) {
    this.#cancellation = cancellation;
    this.#settled = new Promise((resolve, reject) => {
      this.#reject = reject;
      answer.then((reply) => {
        if (reply.kind === "value") resolve(reply.value);
        else if (reply.kind === "error") reject(decodeError(reply.error, callSite.stack));
        else resolve(this.#stream(new RemoteItems(reply.items, callSite)));
      }, reject);
    });
    // A response that nobody awaits is not an unhandled rejection: the replica has logged the failure.
    this.#settled.catch(() => {});
    if (parent !== undefined) this.#whenOver(parent.onAbort((reason) => this.#giveUp(reason)));
    if (deadline !== undefined) this.#limit(deadline);
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

  #giveUp(reason: unknown): void {
    this.#isGivenUp = true;
    this.#reject(reason);
    this.#cancellation.cancel(reason);
    this.#items?.cancel();
  }

  // The stream may arrive after its consumer has gone.
  #stream(items: RemoteItems): RemoteItems {
    this.#items = items;
    if (this.#isGivenUp) items.cancel();
    return items;
  }

  #limit(deadline: number): void {
    const late = () => this.#giveUp(new RequestTimeoutError("The request's deadline has passed."));
    const timer = setTimeout(late, Math.max(0, deadline - Date.now()));
    const stop = () => clearTimeout(timer);
    this.#settled.then(stop, stop);
  }

  #follow(signal: AbortSignal): void {
    if (signal.aborted) return this.cancel();
    const cancel = () => this.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    // A signal may outlive many calls.
    this.#whenOver(() => signal.removeEventListener("abort", cancel));
  }

  // A stream is over with its last item, not when it begins.
  #whenOver(forget: () => void): void {
    this.#settled.then((result) => (result instanceof RemoteItems ? result.whenOver(forget) : forget()), forget);
  }
}
