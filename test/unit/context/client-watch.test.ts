import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ClientWatch } from "../../../src/context/client-watch.ts";
import { RequestScope } from "../../../src/context/scope.ts";
import { RequestCancelledError } from "../../../src/protocol/errors.ts";
import { requestMeta } from "../../support/scope.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function requestOf(clients = new ClientWatch()) {
  const client = new AbortController();
  const signal = vi.fn(() => client.signal);
  const source = {
    get signal() {
      return signal();
    },
  };
  return { client, signal, scope: new RequestScope(requestMeta(), source, clients) };
}

describe("a request that makes calls", () => {
  it("listens to its client a moment after the first", () => {
    const { client, signal, scope } = requestOf();
    const call = vi.fn();
    scope.onAbortSoon(call);
    expect(signal).not.toHaveBeenCalled();
    vi.runAllTimers();
    expect(call).not.toHaveBeenCalled();
    client.abort();
    expect(call.mock.calls[0]?.[0]).toBeInstanceOf(RequestCancelledError);
  });

  it("notices then that the client has gone before", () => {
    const { client, scope } = requestOf();
    const call = vi.fn();
    scope.onAbortSoon(call);
    client.abort();
    expect(scope.isAborted).toBe(false);
    vi.runAllTimers();
    expect(scope.isAborted).toBe(true);
    expect(call).toHaveBeenCalledOnce();
  });

  it("never looks at its client when it is over within the moment", () => {
    const { signal, scope } = requestOf();
    scope.onAbortSoon(() => {})();
    scope.end();
    vi.runAllTimers();
    expect(signal).not.toHaveBeenCalled();
  });

  it("listens for a call that goes on after its end, and for one that is made then", () => {
    const { client, signal, scope } = requestOf();
    scope.onAbortSoon(() => {})();
    scope.end();
    vi.runAllTimers();
    const call = vi.fn();
    scope.onAbortSoon(call);
    vi.runAllTimers();
    expect(signal).toHaveBeenCalledOnce();
    client.abort();
    expect(call).toHaveBeenCalledOnce();
  });

  it("listens at once when its signal is asked for", () => {
    const { client, scope } = requestOf();
    const call = vi.fn();
    scope.onAbortSoon(call);
    const { signal } = scope;
    client.abort();
    expect([signal.aborted, call.mock.calls.length]).toEqual([true, 1]);
  });
});

describe("a watch", () => {
  it("[W1] has one timer for all requests that wait, and none when there are none", () => {
    const clients = new ClientWatch();
    const requests = [requestOf(clients), requestOf(clients)];
    expect(vi.getTimerCount()).toBe(0);
    for (const { scope } of requests) for (let call = 0; call < 3; call++) scope.onAbortSoon(() => {});
    expect(vi.getTimerCount()).toBe(1);
    vi.runAllTimers();
    expect(vi.getTimerCount()).toBe(0);
    expect(requests.map(({ signal }) => signal.mock.calls.length)).toEqual([1, 1]);
    requests[0]!.scope.onAbortSoon(() => {});
    expect(vi.getTimerCount()).toBe(0);
  });
});
