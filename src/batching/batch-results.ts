/**
 * What a caller of a batched function holds: a promise, or the caller's own part of a stream.
 */
import type { Outlet } from "./item.ts";

/**
 * A caller's part of a batch that streams. It is an async generator in all but how it is made: leaving it must be noticed
 * even if it was never begun, and a generator's body does not see that.
 */
export class CallerStream implements AsyncGenerator<unknown, void, undefined>, Outlet {
  #unread: unknown[] = [];
  readonly #readers: PromiseWithResolvers<IteratorResult<unknown, void>>[] = [];
  #failure: { readonly reason: unknown } | undefined;
  #isOver = false;
  /** Told when the reader may want more. */
  onRead: (() => void) | undefined;
  /** Told when the reader leaves early. */
  onReturn: (() => void) | undefined;

  get unread(): number {
    return this.#unread.length;
  }

  get [Symbol.toStringTag](): string {
    return "AsyncGenerator";
  }

  give(value: unknown): void {
    if (this.#isOver) return;
    const reader = this.#readers.shift();
    if (reader === undefined) this.#unread.push(value);
    else reader.resolve({ value, done: false });
  }

  end(): void {
    this.#isOver = true;
    for (const reader of this.#readers.splice(0)) reader.resolve({ value: undefined, done: true });
  }

  fail(reason: unknown): void {
    if (this.#isOver) return;
    const first = this.#readers.shift();
    if (first === undefined) this.#failure = { reason };
    else first.reject(reason);
    this.end();
  }

  stream(): void {}

  next(): Promise<IteratorResult<unknown, void>> {
    if (this.#unread.length > 0) {
      const value = this.#unread.shift();
      this.onRead?.();
      return Promise.resolve({ value, done: false });
    }
    const failure = this.#failure;
    if (failure !== undefined) {
      this.#failure = undefined;
      return Promise.reject(failure.reason);
    }
    if (this.#isOver) return Promise.resolve({ value: undefined, done: true });
    const reader = Promise.withResolvers<IteratorResult<unknown, void>>();
    this.#readers.push(reader);
    this.onRead?.();
    return reader.promise;
  }

  async return(): Promise<IteratorResult<unknown, void>> {
    this.#unread = [];
    this.#failure = undefined;
    this.end();
    this.onReturn?.();
    return { value: undefined, done: true };
  }

  async throw(reason: unknown): Promise<IteratorResult<unknown, void>> {
    await this.return();
    throw reason;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** A caller's promise of one result, or of a stream if that is what the function turns out to give. */
export class CallerPromise implements Outlet {
  readonly #settled = Promise.withResolvers<unknown>();
  readonly #newStream: () => CallerStream;
  #stream: CallerStream | undefined;

  /** @param newStream Makes the stream if there is to be one. */
  constructor(newStream: () => CallerStream) {
    this.#newStream = newStream;
  }

  get promise(): Promise<unknown> {
    return this.#settled.promise;
  }

  get unread(): number {
    return this.#stream?.unread ?? 0;
  }

  give(value: unknown): void {
    if (this.#stream === undefined) this.#settled.resolve(value);
    else this.#stream.give(value);
  }

  end(): void {
    this.#stream?.end();
  }

  fail(reason: unknown): void {
    if (this.#stream === undefined) this.#settled.reject(reason);
    else this.#stream.fail(reason);
  }

  stream(): void {
    this.#stream = this.#newStream();
    this.#settled.resolve(this.#stream);
  }

  /** The caller leaves, whether or not its stream has begun. */
  async leave(left: () => void): Promise<void> {
    if (this.#stream !== undefined) return void (await this.#stream.return());
    // It leaves as from a loop: with no error.
    this.#settled.promise.catch(() => {});
    left();
  }
}

type PromiseOrStream = Promise<unknown> & AsyncGenerator<unknown, void, undefined>;

/**
 * A promise that can also be iterated, for a function of which nobody knows yet whether it gives arrays or a generator:
 * an arrow function may return either.
 *
 * @param left Called when the caller leaves before its batch has begun.
 */
export function promiseOrStream(outlet: CallerPromise, left: () => void): PromiseOrStream {
  const stream = outlet.promise as Promise<CallerStream>;
  let hasLeft = false;
  const leave = async () => {
    hasLeft = true;
    await outlet.leave(left);
    return { value: undefined, done: true } as const;
  };
  const both: PromiseOrStream = Object.assign(outlet.promise, {
    next: async () => (hasLeft ? leave() : (await stream).next()),
    return: leave,
    throw: async (reason: unknown) => {
      await leave();
      throw reason;
    },
    [Symbol.asyncDispose]: async () => void (await leave()),
    [Symbol.asyncIterator]: () => both,
  });
  return both;
}
