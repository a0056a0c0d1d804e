import { describe, expect, it, vi } from "vitest";
import { runInScope } from "../../../src/context/scope.ts";
import { isHandle } from "../../../src/handle/handle.ts";
import { ConfigError, ReplicaUnavailableError, SerializationError } from "../../../src/protocol/errors.ts";
import type { Answer } from "../../../src/protocol/messages.ts";
import { turnOfTheEventLoop } from "../../support/event-loop.ts";
import { echo, failure, handleOf, streamOf, value } from "../../support/recorded-handle.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { requestScope } from "../../support/scope.ts";

describe("a method that has the name of what a handle has itself", () => {
  it.each(["remote", "broadcast", "options", "enqueue"] as const)("is called as any other: %s", async (name) => {
    const { handle, sent } = handleOf(value(1));
    const named = handle.options({ key: "k" }) as unknown as Record<string, { remote(...args: unknown[]): PromiseLike<unknown> }>;
    expect(await named[name]!.remote("a")).toBe(1);
    await handle.options({ key: "k" }).remote("b");
    expect(sent.map(({ method, args }) => [method, args])).toEqual([
      [name, ["a"]],
      [undefined, ["b"]],
    ]);
    expect(named[name]).toBe(named[name]);
  });
});

describe("remote", () => {
  it("[H1] starts the call at once, awaited or not", async () => {
    const { handle, sent } = handleOf(value(1));
    handle.score.remote("a");
    handle.remote();
    await turnOfTheEventLoop();
    expect(sent.map(({ method, args }) => [method, args])).toEqual([
      ["score", ["a"]],
      [undefined, []],
    ]);
  });

  it("gives the result every time it is awaited", async () => {
    const response = handleOf(value({ a: 1 })).handle.remote();
    expect([await response, await response.result(), await response.result({ timeoutMs: 5 })]).toEqual([{ a: 1 }, { a: 1 }, { a: 1 }]);
  });

  it("[H1] never throws: what cannot be sent is in the response", async () => {
    const { handle, sent } = handleOf(value(1));
    const error = await rejectionOf(handle.score.remote("a", { deep: [() => 1] }));
    expect(error).toBeInstanceOf(SerializationError);
    expect((error as Error).message).toContain('Argument 2 of "Model.score" holds a function at .deep[0]');
    expect(sent).toEqual([]);
  });

  it("rejects with what the method threw, its stack below the caller's", async () => {
    const thrown = new RangeError("too large");
    thrown.stack = "RangeError: too large\n    at Model.score (model.ts:1:1)";
    const error = (await rejectionOf(handleOf(failure(thrown)).handle.score.remote())) as Error;
    expect(error).toBeInstanceOf(RangeError);
    expect(error.stack).toMatch(
      /^RangeError: too large\n {4}at .*handle\.test\.ts[^]*\n {2}-- in the replica:\n {4}at Model\.score \(model\.ts:1:1\)$/,
    );
  });

  it("does not make unhandled rejections of responses that nobody awaits", async () => {
    const unhandled = vi.fn();
    process.on("unhandledRejection", unhandled);
    const { handle } = handleOf(failure(new Error("nobody cares")));
    handle.remote();
    handle.score.remote(() => 1);
    handle.score.remote(handle.remote());
    handle.options({ timeoutMs: 1, signal: AbortSignal.abort() }).remote();
    handle.remote().cancel();
    for await (const _ of handleOf(streamOf({ items: [1], done: true }).answer).handle.tokens.remote()) break;
    await turnOfTheEventLoop();
    process.off("unhandledRejection", unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });
});

describe("a response as an argument", () => {
  it("is sent as its result", async () => {
    const first = Promise.withResolvers<Answer>();
    const { handle } = handleOf(() => first.promise);
    const { handle: second, sent } = handleOf(echo);
    const both = second.score.remote(handle.remote(), "b", handle.remote());
    await turnOfTheEventLoop();
    expect(sent).toEqual([]);
    first.resolve({ kind: "value", value: "a" });
    expect(await both).toEqual(["a", "b", "a"]);
  });

  it("that fails is the failure of the call, which is not made", async () => {
    const { handle } = handleOf(failure(new RangeError("first")));
    const { handle: second, sent } = handleOf(echo);
    expect(await rejectionOf(second.remote(handle.remote()))).toBeInstanceOf(RangeError);
    expect(sent).toEqual([]);
  });

  it("inside another value is a SerializationError that says what to do", async () => {
    const { handle } = handleOf(echo);
    for (const [argument, path] of [
      [{ answer: handle.remote() }, ".answer"],
      [[handle.remote()], "[0]"],
    ] as const) {
      const error = await rejectionOf(handle.score.remote(argument));
      expect(error).toBeInstanceOf(SerializationError);
      expect((error as Error).message).toBe(
        `Argument 1 of "Model.score" holds a DeploymentResponse at ${path}, which cannot cross to another replica. ` +
          "Pass it as an argument of its own, or await it first.",
      );
    }
  });
});

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";

describe("what travels with a call", () => {
  it("[H2] is the request's id, prefix, trace and chain, but not its key or model", async () => {
    const { handle, sent } = handleOf(value(1), { deployment: "Rank" });
    const scope = requestScope({
      chain: ["news/Front"],
      hops: 0,
      routePrefix: "/news",
      traceparent: `00-${TRACE_ID}-${"1".repeat(16)}-00`,
      tracestate: "a=b",
      key: "k",
      multiplexedModelId: "m",
    });
    await runInScope(scope, () => handle.remote());
    expect(sent[0]?.meta).toEqual({
      requestId: "r1",
      chain: ["news/Front", "news/Rank"],
      hops: 1,
      routePrefix: "/news",
      traceparent: scope.request!.traceparent,
      tracestate: "a=b",
    });
    expect(scope.request!.traceparent).toMatch(new RegExp(`^00-${TRACE_ID}-(?!1{16})[0-9a-f]{16}-00$`));
  });

  it("is new outside a request", async () => {
    const { handle, sent } = handleOf(value(1));
    await handle.remote();
    await handle.remote();
    expect(sent[0]?.meta).toMatchObject({ chain: ["news/Model"], hops: 1 });
    expect(sent[0]?.meta.requestId).not.toBe(sent[1]?.meta.requestId);
  });

  it("[H2] is the earlier of both deadlines", async () => {
    const { handle, sent } = handleOf(value(1));
    const soon = Date.now() + 1000;
    const scope = requestScope({ deadline: soon });
    await runInScope(scope, () => handle.remote());
    await runInScope(scope, () => handle.options({ timeoutMs: 60_000 }).remote());
    await runInScope(scope, () => handle.options({ timeoutMs: 1 }).remote());
    const [inherited, kept, shortened] = sent.map(({ meta }) => meta.deadline);
    expect([inherited, kept]).toEqual([soon, soon]);
    expect(shortened).toBeLessThan(soon);
  });

  it("is the handle's own key and model, options adding up", async () => {
    const { handle, sent } = handleOf(value(1));
    await handle.options({ key: "k" }).options({ multiplexedModelId: "m" }).score.remote();
    await handle.remote();
    expect(sent[0]?.meta).toMatchObject({ key: "k", multiplexedModelId: "m" });
    expect(sent[1]?.meta).not.toHaveProperty("key");
  });

  it("is refused past 12 hops, showing the chain", async () => {
    const { handle, sent } = handleOf(value(1), { deployment: "Leaf" });
    const chain = ["news/A", "news/B"];
    await runInScope(requestScope({ chain, hops: 11 }), () => handle.remote());
    const error = await rejectionOf(runInScope(requestScope({ chain, hops: 12 }), () => handle.remote()));
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as Error).message).toContain(
      "Calls nest at most 12 deep, and this one would be number 13: news/A -> news/B -> news/Leaf.",
    );
    expect(sent).toHaveLength(1);
  });
});

describe("a handle", () => {
  const { handle, sent } = handleOf(echo);

  it("is no promise and no JSON, and survives being looked at", async () => {
    expect(await handle).toBe(handle);
    expect(JSON.stringify({ handle })).toBe('{"handle":{}}');
    expect((handle as { [Symbol.iterator]?: unknown })[Symbol.iterator]).toBeUndefined();
    expect(isHandle(handle)).toBe(true);
    expect([isHandle({}), isHandle(null), isHandle("text"), isHandle(handle.score)]).toEqual([false, false, false, false]);
  });

  it("gives the same method object each time", () => {
    expect(handle.score).toBe(handle.score);
  });

  it("keeps no more methods than it is likely to have, whatever names it is asked for", () => {
    const { handle } = handleOf(value(1));
    const named = handle as unknown as Record<string, object>;
    const first = named["first"];
    for (let n = 0; n < 99; n++) expect(named[`made up ${n}`]).toBe(named[`made up ${n}`]);
    expect(named["first"]).toBe(first);
    expect(named["one more"]).toBe(named["one more"]);
    expect(named["first"]).not.toBe(first);
  });

  it("is sent as a reference, with the options that can cross", async () => {
    const other = handleOf(value(1), { deployment: "Other" }).handle.options({
      key: "k",
      timeoutMs: 5,
      signal: new AbortController().signal,
    });
    await handle.score.remote("a", other);
    expect(sent.at(-1)).toMatchObject({
      args: ["a", { app: "news", deployment: "Other", options: { key: "k", timeoutMs: 5 } }],
      handleArgs: [1],
    });
    expect(sent.at(-1)?.args[1]).not.toHaveProperty("options.signal");
  });

  it("calls every replica, one entry each", async () => {
    expect(await handleOf(value(7)).handle.score.broadcast("a")).toEqual([
      { status: "fulfilled", value: 7 },
      { status: "rejected", reason: expect.any(ReplicaUnavailableError) },
    ]);
    const [thrown] = await handleOf(failure(new RangeError("no"))).handle.broadcast();
    expect(thrown).toMatchObject({ status: "rejected", reason: expect.any(RangeError) });
    await expect(handle.score.broadcast(() => 1)).rejects.toThrow(SerializationError);
  });
});
