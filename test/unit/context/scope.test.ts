import { describe, expect, it, vi } from "vitest";
import { RequestScope } from "../../../src/context/scope.ts";
import { RequestCancelledError } from "../../../src/protocol/errors.ts";
import { requestMeta } from "../../support/scope.ts";

const reason = new RequestCancelledError("gone");

describe("a request's scope", () => {
  it("aborts its signal with the reason, whether the signal was looked at before or after", () => {
    const [before, after] = [new RequestScope(requestMeta()), new RequestScope(requestMeta())];
    const { signal } = before;
    expect([signal.aborted, before.isAborted]).toEqual([false, false]);
    before.abort(reason);
    after.abort(reason);
    expect([signal.reason, after.signal.reason, before.isAborted]).toEqual([reason, reason, true]);
    expect([before.signal, after.signal]).toEqual([signal, after.signal]);
  });

  it("keeps the first reason", () => {
    const scope = new RequestScope(requestMeta());
    const listener = vi.fn();
    scope.onAbort(listener);
    scope.abort(reason);
    scope.abort(new Error("again"));
    expect(scope.signal.reason).toBe(reason);
    expect(listener.mock.calls).toEqual([[reason]]);
  });

  it("tells every listener once, and one that comes late at once", () => {
    const scope = new RequestScope(requestMeta());
    const [first, second, late] = [vi.fn(), vi.fn(), vi.fn()];
    scope.onAbort(first);
    scope.onAbort(second);
    scope.abort(reason);
    scope.onAbort(late)();
    for (const listener of [first, second, late]) expect(listener.mock.calls).toEqual([[reason]]);
  });

  it("does not tell a listener that was taken off", () => {
    const scope = new RequestScope(requestMeta());
    const [gone, there] = [vi.fn(), vi.fn()];
    const forget = scope.onAbort(gone);
    scope.onAbort(there);
    forget();
    forget();
    scope.abort(reason);
    expect(gone).not.toHaveBeenCalled();
    expect(there).toHaveBeenCalledOnce();
  });
});

describe("what user code sees of a request", () => {
  it("is its fields alone, as they are when they are read, and the same object each time", () => {
    const scope = new RequestScope(requestMeta());
    const { context } = scope;
    expect(Object.keys(context).toSorted()).toEqual([
      "deadline",
      "key",
      "multiplexedModelId",
      "requestId",
      "routePrefix",
      "shadow",
      "signal",
      "task",
      "traceparent",
      "tracestate",
    ]);
    expect({ ...context, signal: undefined, traceparent: scope.traceparent }).toEqual({ ...context, signal: undefined });
    expect([context.signal, scope.context]).toEqual([scope.signal, context]);
  });
});

describe("the scope of an HTTP request", () => {
  it.each(["its signal", "a listener"])("is aborted when the client goes away, for %s", (who) => {
    const client = new AbortController();
    const scope = new RequestScope(requestMeta(), new Request("http://host/", { signal: client.signal }));
    const listener = vi.fn();
    const seen = who === "its signal" ? scope.signal : undefined;
    if (who === "a listener") scope.onAbort(listener);
    client.abort();
    expect(scope.isAborted).toBe(true);
    expect(who === "a listener" ? listener.mock.calls[0]?.[0] : seen?.reason).toBeInstanceOf(RequestCancelledError);
  });

  it("is aborted for who asks after the client has gone", () => {
    const scope = new RequestScope(requestMeta(), new Request("http://host/", { signal: AbortSignal.abort() }));
    expect(scope.signal.reason).toBeInstanceOf(RequestCancelledError);
  });

  it("does not look at the request's signal before somebody asks", () => {
    const signal = vi.fn(() => new AbortController().signal);
    const scope = new RequestScope(requestMeta(), {
      get signal() {
        return signal();
      },
    });
    expect(signal).not.toHaveBeenCalled();
    void scope.signal;
    scope.onAbort(() => {});
    expect(signal).toHaveBeenCalledOnce();
  });
});
