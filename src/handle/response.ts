/**
 * What `remote` returns: awaited for a result, iterated for a stream.
 *
 * One class for both, because only the replica knows whether the method is a generator; the types say which.
 */
import { decodeError } from "../protocol/error-codec.ts";
import { ConfigError, RequestCancelledError, RequestTimeoutError } from "../protocol/errors.ts";
import type { DeploymentResponse } from "../protocol/handle-types.ts";
import type { Answer } from "../protocol/messages.ts";
import type { RequestScope } from "../context/scope.ts";
import type { After } from "../context/with-timeout.ts";
import type { Cancellation } from "../protocol/cancellation.ts";
import { RESPONSE_BRAND } from "../protocol/sendable.ts";
import { addAwaiters, type CallSite } from "./call-site.ts";
import { timeoutProblem } from "./handle-options.ts";
import { RemoteItems } from "./remote-items.ts";

/** What a response knows of its call. */
export interface CallSettings {
  readonly cancellation: Cancellation;
  /** Where `remote` was called. */
  readonly callSite: CallSite;
  /** The request that the call is made for: when it ends early, so does the call. */
  readonly parent: RequestScope | undefined;
  /** In milliseconds since the epoch. */
  readonly deadline: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly after: After;
}

export class CallResponse implements DeploymentResponse<unknown> {
  readonly #settled: Promise<unknown>;
  readonly #cancellation: Cancellation;
  readonly #callSite: CallSite;
  readonly #after: After;
  #resolve!: (result: unknown) => void;
  #reject!: (reason: unknown) => void;
  #items: RemoteItems | undefined;
  // What the replica threw, until somebody awaits it: then its stack says who.
  #thrown: unknown;
  #parent: RequestScope | undefined;
  #isGivenUp = false;
  // What could end the call early, until it is over.
  #forgetDeadline: (() => void) | undefined;
  #forgetSignal: (() => void) | undefined;
  #forgetParent: (() => void) | undefined;

  constructor(answer: Promise<Answer>, { cancellation, callSite, parent, deadline, signal, after }: CallSettings) {
    this.#cancellation = cancellation;
    this.#callSite = callSite;
    this.#after = after;
    this.#settled = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    answer.then(
      (reply) => this.#receive(reply),
      (error: unknown) => this.#fail(error),
    );
    if (deadline !== undefined) this.#limit(deadline);
    if (signal !== undefined) this.#follow(signal);
    this.#parent = parent;
    if (parent !== undefined) this.#forgetParent = parent.onAbortSoon((reason) => this.#giveUp(reason));
    if (this.#isGivenUp) this.#end();
  }

  get [RESPONSE_BRAND](): true {
    return true;
  }

  // oxlint-disable-next-line unicorn/no-thenable -- a response is awaited: that is its contract
  then<A = unknown, B = never>(
    fulfilled?: ((value: unknown) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#settled.then(fulfilled, (reason: unknown) => this.#explained(reason).then(fulfilled, rejected));
  }

  result({ timeoutMs }: { readonly timeoutMs?: number } = {}): Promise<unknown> {
    if (timeoutMs === undefined) return this.#settled;
    const problem = timeoutProblem(timeoutMs);
    if (problem !== undefined) return Promise.reject(new ConfigError(`result(): ${problem}`));
    return new Promise((resolve, reject) => {
      const late = new RequestTimeoutError(`The result was not there within ${timeoutMs} ms. The call goes on; cancel() stops it.`);
      const stop = this.#after(timeoutMs, () => reject(late));
      this.#settled.then(resolve, reject).finally(stop);
    });
  }

  cancel(): void {
    // Its caller knows, so the loop just ends.
    this.#items?.cancel();
    this.#giveUp(new RequestCancelledError("The request was cancelled by its caller."));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<unknown, void, undefined> {
    const items = await this.#settled;
    if (!(items instanceof RemoteItems)) {
      throw new TypeError("The method returned one value, not a generator: await the response instead of iterating it.");
    }
    yield* items;
  }

  #receive(reply: Answer): void {
    if (reply.kind === "stream")
      return this.#receiveStream(new RemoteItems(reply.items, this.#callSite, (thrown) => this.#noteFromAfar(thrown)));
    if (reply.kind === "value") this.#resolve(reply.value);
    else {
      this.#thrown = decodeError(reply.error, this.#callSite.stack);
      this.#noteFromAfar(this.#thrown);
      this.#failWith(this.#thrown);
    }
    this.#end();
  }

  // The replica has logged it. What is no object has to be known by its request.
  #noteFromAfar(thrown: unknown): void {
    if (typeof thrown !== "object" || thrown === null) this.#parent?.noteFromAfar(thrown);
  }

  // The way round only for what failed: V8 sees from inside a promise's handler who awaits that promise.
  #explained(reason: unknown): Promise<never> {
    const explain = (error: unknown): never => {
      // Once: whoever else awaits it shows in no stack.
      if (error === this.#thrown && error instanceof Error) addAwaiters(error, this.#callSite, explain);
      this.#thrown = undefined;
      throw error;
    };
    return Promise.reject(reason).catch(explain);
  }

  // A stream is over with its last item, not when it begins, and may arrive after its consumer has gone.
  #receiveStream(items: RemoteItems): void {
    this.#items = items;
    if (this.#isGivenUp) items.cancel();
    this.#resolve(items);
    items.whenOver(() => this.#end());
  }

  #fail(error: unknown): void {
    this.#failWith(error);
    this.#end();
  }

  // A response that nobody awaits is not an unhandled rejection: the replica has logged the failure.
  #failWith(reason: unknown): void {
    this.#settled.catch(ignore);
    this.#reject(reason);
  }

  #giveUp(reason: unknown): void {
    this.#isGivenUp = true;
    this.#failWith(reason);
    this.#cancellation.cancel(reason);
    // Or the loop would end as if it had had all items.
    this.#items?.cancel({ reason });
    this.#end();
  }

  #limit(deadline: number): void {
    this.#forgetDeadline = this.#after(Math.max(0, deadline - Date.now()), () =>
      this.#giveUp(new RequestTimeoutError("The request's deadline has passed.")),
    );
  }

  #follow(signal: AbortSignal): void {
    if (signal.aborted) return this.cancel();
    const cancel = () => this.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    this.#forgetSignal = () => signal.removeEventListener("abort", cancel);
  }

  // A parent and a signal may outlive many calls.
  #end(): void {
    this.#forgetDeadline?.();
    this.#forgetSignal?.();
    this.#forgetParent?.();
    this.#forgetDeadline = undefined;
    this.#forgetSignal = undefined;
    this.#forgetParent = undefined;
  }
}

function ignore(): void {}
