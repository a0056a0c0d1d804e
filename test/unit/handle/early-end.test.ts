import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RequestScope, runInScope, type Scope } from "../../../src/context/scope.ts";
import { RequestCancelledError, RequestTimeoutError } from "../../../src/protocol/errors.ts";
import type { Answer, RequestMeta } from "../../../src/protocol/messages.ts";
import { turnOfTheEventLoop } from "../../support/event-loop.ts";
import { handleOf, never, streamOf, value } from "../../support/recorded-handle.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { replicaScope, requestMeta } from "../../support/scope.ts";

const reason = new RequestCancelledError("gone");

/** The request that a call is made for, and how many calls it would stop. */
function parentOf(changes: Partial<RequestMeta> = {}) {
  const request = new RequestScope(requestMeta(changes));
  let listening = 0;
  const onAbort = request.onAbort.bind(request);
  vi.spyOn(request, "onAbort").mockImplementation((listener) => {
    const forget = onAbort(listener);
    listening++;
    return () => {
      listening--;
      forget();
    };
  });
  const scope: Scope = { replica: replicaScope(), request };
  return { request, run: <R>(body: () => R): R => runInScope(scope, body), listening: () => listening };
}

describe("the deadline of a call", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([
    { parentMs: 100, timeoutMs: 200, requestTimeoutMs: 300, expected: 100 },
    { parentMs: 300, timeoutMs: 100, requestTimeoutMs: 200, expected: 100 },
    { parentMs: 300, timeoutMs: 200, requestTimeoutMs: 100, expected: 100 },
    { parentMs: undefined, timeoutMs: undefined, requestTimeoutMs: 50, expected: 50 },
    { parentMs: undefined, timeoutMs: undefined, requestTimeoutMs: undefined, expected: undefined },
  ])(
    "is the earliest of the request's, the handle's and the deployment's: %j",
    async ({ parentMs, timeoutMs, requestTimeoutMs, expected }) => {
      const now = Date.now();
      const { handle, sent } = handleOf(value(1), requestTimeoutMs === undefined ? {} : { requestTimeoutMs });
      const { run } = parentOf(parentMs === undefined ? {} : { deadline: now + parentMs });
      await run(() => handle.options(timeoutMs === undefined ? {} : { timeoutMs }).remote());
      expect(sent[0]?.meta.deadline).toBe(expected === undefined ? undefined : now + expected);
    },
  );

  it("ends the call and stops it where it runs", async () => {
    const { handle, stopped } = handleOf(never, { requestTimeoutMs: 30 });
    const ended = rejectionOf(handle.remote());
    await vi.advanceTimersByTimeAsync(29);
    expect(stopped).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await ended).toBeInstanceOf(RequestTimeoutError);
    expect(stopped).toEqual([await ended]);
  });

  it("leaves no timer behind when the answer is there in time", async () => {
    await handleOf(value(1), { requestTimeoutMs: 30 }).handle.remote();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("ends a stream that has begun, with its error, also while it waits for an item", async () => {
    const { answer, cancels } = streamOf({ items: [1], done: false });
    const items = handleOf(answer, { requestTimeoutMs: 30 }).handle.tokens.remote()[Symbol.asyncIterator]();
    expect(await items.next()).toEqual({ done: false, value: 1 });
    const next = rejectionOf(items.next());
    await vi.advanceTimersByTimeAsync(30);
    expect(await next).toBeInstanceOf(RequestTimeoutError);
    expect([cancels(), vi.getTimerCount()]).toEqual([1, 0]);
  });

  it("ends a broadcast too", async () => {
    const { handle, stopped } = handleOf(never, { requestTimeoutMs: 30 });
    const ended = rejectionOf(handle.broadcast());
    await vi.advanceTimersByTimeAsync(30);
    expect(await ended).toBeInstanceOf(RequestTimeoutError);
    expect(stopped).toHaveLength(1);
  });
});

describe("a request that ends early", () => {
  it("stops the calls that it made, and a broadcast, with its reason", async () => {
    const { request, run } = parentOf();
    const { handle, stopped } = handleOf(never);
    const ended = run(() => [rejectionOf(handle.remote()), rejectionOf(handle.score.remote()), rejectionOf(handle.broadcast())]);
    await turnOfTheEventLoop();
    request.abort(reason);
    expect(await Promise.all(ended)).toEqual([reason, reason, reason]);
    expect(stopped).toEqual([reason, reason, reason]);
  });

  it("makes no more calls", async () => {
    const { request, run } = parentOf();
    const { handle, sent } = handleOf(value(1));
    request.abort(reason);
    expect(await rejectionOf(run(() => handle.remote()))).toBe(reason);
    expect(sent).toEqual([]);
  });

  it("stops a stream that has not come yet, as soon as it comes", async () => {
    const { request, run } = parentOf();
    const later = Promise.withResolvers<Answer>();
    const { answer, cancels } = streamOf();
    const ended = run(() => rejectionOf(handleOf(() => later.promise).handle.tokens.remote() as unknown as PromiseLike<unknown>));
    request.abort(reason);
    expect(await ended).toBe(reason);
    later.resolve(answer());
    await turnOfTheEventLoop();
    expect(cancels()).toBe(1);
  });

  it("stops a stream that it is reading", async () => {
    const { request, run, listening } = parentOf();
    const { answer, cancels } = streamOf({ items: [1], done: false });
    const items = run(() => handleOf(answer).handle.tokens.remote())[Symbol.asyncIterator]();
    expect(await items.next()).toEqual({ done: false, value: 1 });
    expect(listening()).toBe(1);
    request.abort(reason);
    expect([cancels(), listening()]).toEqual([1, 0]);
  });

  it("is not listened to any longer than a call takes", async () => {
    const { run, listening } = parentOf();
    await run(async () => {
      await handleOf(value(1)).handle.remote();
      await rejectionOf(handleOf(() => Promise.reject(reason)).handle.remote());
      await handleOf(value(1)).handle.broadcast();
      const { answer } = streamOf({ items: [1], done: true });
      await Array.fromAsync(handleOf(answer).handle.tokens.remote());
      const { answer: endless } = streamOf({ items: [1], done: false });
      for await (const _ of handleOf(endless).handle.tokens.remote()) break;
    });
    expect(listening()).toBe(0);
  });
});

describe("a handle's signal", () => {
  it("that is aborted already keeps the call from being sent", async () => {
    const { handle, sent } = handleOf(value(1));
    expect(await rejectionOf(handle.options({ signal: AbortSignal.abort() }).remote())).toBeInstanceOf(RequestCancelledError);
    expect(sent).toEqual([]);
  });

  it("stops the call where it runs, and a stream that is being read", async () => {
    const controller = new AbortController();
    const { handle, stopped } = handleOf(never);
    const { answer, cancels } = streamOf({ items: [1], done: false });
    const running = rejectionOf(handle.options({ signal: controller.signal }).remote());
    const items = handleOf(answer).handle.options({ signal: controller.signal }).tokens.remote()[Symbol.asyncIterator]();
    await items.next();
    controller.abort();
    expect(await running).toBeInstanceOf(RequestCancelledError);
    expect([stopped.length, cancels()]).toEqual([1, 1]);
  });

  it("is not listened to any longer than a call takes", async () => {
    const { signal } = new AbortController();
    const [added, removed] = [vi.spyOn(signal, "addEventListener"), vi.spyOn(signal, "removeEventListener")];
    const { answer } = streamOf({ items: [1], done: true });
    await handleOf(value(1)).handle.options({ signal }).remote();
    await Array.fromAsync(handleOf(answer).handle.options({ signal }).tokens.remote());
    expect([added.mock.calls.length, removed.mock.calls.length]).toEqual([2, 2]);
  });
});

describe("cancel()", () => {
  it("stops the call where it runs, once", async () => {
    const { handle, stopped } = handleOf(never);
    const response = handle.remote();
    await turnOfTheEventLoop();
    response.cancel();
    response.cancel();
    expect(stopped).toEqual([await rejectionOf(response)]);
  });

  it("while the arguments are awaited keeps the call from being sent", async () => {
    const argument = Promise.withResolvers<Answer>();
    const { handle, sent } = handleOf(value(1));
    const response = handle.remote(handleOf(() => argument.promise).handle.remote());
    response.cancel();
    argument.resolve({ kind: "value", value: "late" });
    await turnOfTheEventLoop();
    expect(sent).toEqual([]);
    expect(await rejectionOf(response)).toBeInstanceOf(RequestCancelledError);
  });
});
