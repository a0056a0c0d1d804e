import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { encodeError } from "../../../src/protocol/error-codec.ts";
import { RequestCancelledError, RequestTimeoutError } from "../../../src/protocol/errors.ts";
import type { Answer } from "../../../src/protocol/messages.ts";
import { turnOfTheEventLoop } from "../../support/event-loop.ts";
import { handleOf, never, streamOf, value } from "../../support/recorded-handle.ts";
import { rejectionOf } from "../../support/rejection.ts";

describe("waiting and cancelling", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it("result({ timeoutMs }) stops waiting, and the call goes on", async () => {
    const later = Promise.withResolvers<Answer>();
    const response = handleOf(() => later.promise).handle.remote();
    const waited = rejectionOf(response.result({ timeoutMs: 50 }));
    await vi.advanceTimersByTimeAsync(50);
    const error = await waited;
    expect(error).toBeInstanceOf(RequestTimeoutError);
    expect((error as Error).message).toContain("50 ms");
    later.resolve({ kind: "value", value: "late" });
    expect(await response).toBe("late");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("result({ timeoutMs }) leaves no timer behind when the result is there in time", async () => {
    expect(await handleOf(value(1)).handle.remote().result({ timeoutMs: 50 })).toBe(1);
    await vi.advanceTimersByTimeAsync(0);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("options({ timeoutMs }) ends the call, and sends its deadline along", async () => {
    const { handle, sent } = handleOf(never);
    const ended = rejectionOf(handle.options({ timeoutMs: 30 }).remote());
    await vi.advanceTimersByTimeAsync(30);
    expect(await ended).toBeInstanceOf(RequestTimeoutError);
    expect(sent[0]?.meta.deadline).toBe(Date.now());
  });

  it("cancel() rejects the response at once", async () => {
    const response = handleOf(never).handle.remote();
    response.cancel();
    response.cancel();
    expect(await rejectionOf(response)).toBeInstanceOf(RequestCancelledError);
  });

  it("cancel() after the result changes nothing", async () => {
    const response = handleOf(value(1)).handle.remote();
    await response;
    response.cancel();
    expect(await response).toBe(1);
  });

  it("an aborted signal cancels, before and during the call", async () => {
    const controller = new AbortController();
    const { handle } = handleOf(never);
    const running = rejectionOf(handle.options({ signal: controller.signal }).remote());
    controller.abort();
    expect(await running).toBeInstanceOf(RequestCancelledError);
    expect(await rejectionOf(handle.options({ signal: AbortSignal.abort() }).remote())).toBeInstanceOf(RequestCancelledError);
  });
});

describe("a stream", () => {
  it("gives its items in order", async () => {
    const { answer } = streamOf({ items: [1, 2], done: false }, { items: [3], done: true });
    expect(await Array.fromAsync(handleOf(answer).handle.tokens.remote())).toEqual([1, 2, 3]);
  });

  it("gives the items before an error, then the error as its class", async () => {
    const { answer } = streamOf({ items: [1], done: true, error: encodeError(new RangeError("broken")) });
    const seen: number[] = [];
    const consume = async () => {
      for await (const item of handleOf(answer).handle.tokens.remote()) seen.push(item);
    };
    expect(await rejectionOf(consume())).toBeInstanceOf(RangeError);
    expect(seen).toEqual([1]);
  });

  it("is stopped by leaving the loop, once", async () => {
    const { answer, cancels } = streamOf({ items: [1, 2], done: false });
    for await (const item of handleOf(answer).handle.tokens.remote()) if (item === 1) break;
    expect(cancels()).toBe(1);
  });

  it("is not stopped when it ended by itself", async () => {
    const { answer, cancels } = streamOf({ items: [1], done: true });
    await Array.fromAsync(handleOf(answer).handle.tokens.remote());
    expect(cancels()).toBe(0);
  });

  it("is stopped by cancel(), iterated or not", async () => {
    const { answer, cancels } = streamOf();
    const response = handleOf(answer).handle.tokens.remote();
    await turnOfTheEventLoop();
    response.cancel();
    await turnOfTheEventLoop();
    expect(cancels()).toBe(1);
  });

  it("is not what a method with one result gives", async () => {
    const response = handleOf(value([1, 2])).handle.tokens.remote();
    expect(await rejectionOf(Array.fromAsync(response))).toMatchObject({
      name: "TypeError",
      message: "The method returned one value, not a generator: await the response instead of iterating it.",
    });
  });
});
