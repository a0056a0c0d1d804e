import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { batch } from "../../../src/batching/batch.ts";
import { currentScope, getReplicaContext, getRequestContext, runInScope } from "../../../src/context/scope.ts";
import { createHandle } from "../../../src/handle/handle.ts";
import { RequestCancelledError } from "../../../src/protocol/errors.ts";
import type { RequestMeta } from "../../../src/protocol/messages.ts";
import { replicaScope } from "../../support/scope.ts";
import { caller, held, outcome, pass } from "../../support/batched.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("models", () => {
  it("have batches of their own, the one with the oldest item first", async () => {
    const batches: unknown[] = [];
    const call = batch(
      async (texts: string[]) => {
        batches.push([getRequestContext().multiplexedModelId, ...texts]);
        return texts;
      },
      { maxBatchSize: 3, batchWaitTimeoutMs: 10 },
    );
    const of = (multiplexedModelId: string) => caller({ multiplexedModelId });
    const results = ["m", "n", "m", "n", "n", "m", "m"].map((model, n) => of(model).in(() => call(String(n))));
    void caller().in(() => call("none"));
    await pass(10);
    await Promise.all(results);
    expect(batches).toEqual([
      ["m", "0", "2", "5"],
      ["n", "1", "3", "4"],
      ["m", "6"],
      [undefined, "none"],
    ]);
  });

  it("that are busy do not keep others waiting", async () => {
    const batches: unknown[] = [];
    const call = batch(
      async (texts: string[]) => {
        batches.push(getRequestContext().multiplexedModelId);
        await new Promise((resolve) => setTimeout(resolve, 10));
        return texts;
      },
      { maxBatchSize: 2, batchWaitTimeoutMs: 20 },
    );
    const of = (multiplexedModelId: string) => caller({ multiplexedModelId });
    void of("rare").in(() => call("x"));
    for (let n = 0; n < 20; n++) void of("busy").in(() => call("y"));
    await pass(31);
    expect(batches).toEqual(["busy", "busy", "rare", "busy"]);
  });
});

describe("the scope of a batch", () => {
  const run = async <R>(callers: readonly ReturnType<typeof caller>[], body: () => R): Promise<R> => {
    let result: R;
    const call = batch(
      async (texts: string[]) => {
        result = body();
        return texts;
      },
      { maxBatchSize: callers.length },
    );
    await Promise.all(callers.map((one) => one.in(() => call("x"))));
    return result!;
  };

  it("has the first caller's replica and request id", async () => {
    const callers = [caller({ requestId: "first", routePrefix: "/a" }), caller({ requestId: "second" })];
    const seen = await run(callers, () => [getReplicaContext().replicaId, getRequestContext().requestId, getRequestContext().routePrefix]);
    expect(seen).toEqual(["news/Model/-/0.0", "first", "/a"]);
  });

  it("has the latest deadline, and none if one caller has none", async () => {
    const deadline = Date.now() + 1000;
    const [soon, late, never] = [caller({ deadline }), caller({ deadline: deadline + 1000 }), caller()];
    expect(await run([soon, late], () => getRequestContext().deadline)).toBe(deadline + 1000);
    expect(await run([soon, late, never], () => getRequestContext().deadline)).toBeUndefined();
  });

  it("has the longest way here, so that batches that call each other come to an end", async () => {
    const calls: RequestMeta[] = [];
    const target = { app: "news", deployment: "Next", requestTimeoutMs: null };
    const next = createHandle<() => string>(
      {
        ...target,
        call: ({ meta }) => (calls.push(meta), Promise.resolve({ kind: "value", value: "" })),
        broadcast: () => Promise.resolve([]),
      },
      currentScope,
    );
    await run([caller({ hops: 1 }), caller({ hops: 7, chain: ["a", "b"] })], () => void next.remote());
    await pass(0);
    expect(calls).toMatchObject([{ hops: 8, chain: ["a", "b", "news/Next"], requestId: "r1" }]);
  });

  it("ends with the batch, so that what was lent to it is given back", async () => {
    const ended = vi.fn();
    await run([caller(), caller()], () => {
      currentScope()!.request!.onEnd(ended);
      expect(ended).not.toHaveBeenCalled();
    });
    await pass(0);
    expect(ended).toHaveBeenCalledOnce();
  });

  it("aborts when the last caller has left, and not when the first one has", async () => {
    const callers = [caller(), caller()];
    let signal: AbortSignal | undefined;
    const call = batch(
      async (texts: string[]) => {
        ({ signal } = getRequestContext());
        await new Promise((resolve) => setTimeout(resolve, 1000));
        return texts;
      },
      { maxBatchSize: 2 },
    );
    for (const one of callers) void outcome(one.in(() => call("x")));
    await pass(0);
    callers[0]!.abort();
    expect(signal!.aborted).toBe(false);
    callers[1]!.abort();
    expect(signal!.aborted).toBe(true);
    expect(signal!.reason).toEqual(new RequestCancelledError("All callers of the batch have left."));
  });

  it("is that of each call where there is none", async () => {
    const call = batch(async (texts: string[]) => texts, { maxBatchSize: 1 });
    expect(await call("x")).toBe("x");
  });

  it("has a replica and no request when the caller has none: in setup", async () => {
    const call = batch(async (texts: string[]) => texts.map(() => getReplicaContext().deployment), { maxBatchSize: 1 });
    expect(await runInScope({ replica: replicaScope("Model"), request: undefined }, () => call("x"))).toBe("Model");
  });
});

describe("replicas that share a module", () => {
  it("have queues, limits and numbers of their own", async () => {
    const { call, batches, letGo } = held({ maxBatchSize: 2, batchWaitTimeoutMs: 1000 });
    const [one, other] = [caller({}, replicaScope("A")), caller({}, replicaScope("B"))];
    void one.in(() => call("one"));
    void other.in(() => call("other"));
    await pass(0);
    expect(batches).toEqual([]);
    one.in(() => call.setMaxBatchSize(1));
    await pass(0);
    expect(batches).toEqual([["one"]]);
    expect([one.in(() => call.stats.running), other.in(() => call.stats.running)]).toEqual([1, 0]);
    letGo();
  });

  it("take what was set before they began", async () => {
    const { call, batches } = held({ maxBatchSize: 5, batchWaitTimeoutMs: 1000 });
    call.setMaxBatchSize(1);
    void caller({}, replicaScope("A")).in(() => call("x"));
    await pass(0);
    expect(batches).toEqual([["x"]]);
  });

  it("are told apart by where a class field was made, whoever reads its numbers", async () => {
    const replica = replicaScope("A");
    const call = runInScope({ replica, request: undefined }, () => batch(async (texts: string[]) => texts, { maxBatchSize: 1 }));
    await caller({}, replica).in(() => call("x"));
    expect(call.stats.batches).toBe(1);
  });
});
