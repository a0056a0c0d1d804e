import { describe, expect, it, vi } from "vitest";
import { currentScope } from "../../../src/context/scope.ts";
import { ReplicaUnavailableError } from "../../../src/protocol/errors.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { turnOfTheEventLoop } from "../../support/event-loop.ts";
import { isSettled, modelsOf, newRequest } from "./models.ts";

type Cache = ReturnType<typeof modelsOf>["cache"];

/** Uses models in a request of its own, which ends then. */
async function useOnce(cache: Cache, ...ids: string[]): Promise<void> {
  for (const id of ids) {
    const request = newRequest();
    expect(await cache.get(id, request)).toMatchObject({ id });
    request.end();
  }
  await turnOfTheEventLoop();
}

describe("the models of a replica", () => {
  it("[M2] keep the last ones used: Ray Serve's sequence", async () => {
    const { cache, events } = modelsOf();
    await useOnce(cache, "1", "2", "3");
    expect([cache.loaded, events()]).toEqual([["2", "3"], "+1 +2 -1 +3"]);
    await useOnce(cache, "2");
    expect([cache.loaded, events()]).toEqual([["3", "2"], ""]);
    await useOnce(cache, "4");
    expect([cache.loaded, events()]).toEqual([["2", "4"], "-3 +4"]);
  });

  it("have no limit where none is set", async () => {
    const { cache } = modelsOf({ maxModels: Infinity });
    const ids = Array.from({ length: 50 }, (_, index) => String(index));
    await useOnce(cache, ...ids);
    expect(cache.loaded).toEqual(ids);
  });

  it("[L2] are loaded once by calls at once, for all of them", async () => {
    const { cache, events, hold, letGo } = modelsOf();
    hold("a");
    const calls = Array.from({ length: 5 }, () => cache.get("a", newRequest()));
    expect([cache.loaded, cache.present]).toEqual([[], ["a"]]);
    await letGo("a");
    const models = await Promise.all(calls);
    expect([new Set(models).size, events(), cache.loaded]).toEqual([1, "+a", ["a"]]);
  });

  it("[L2] are not kept when their load fails, whose error all callers get", async () => {
    const { cache, events, failing } = modelsOf();
    const error = new Error("no such weights");
    failing.set("a", error);
    const calls = await Promise.all([rejectionOf(cache.get("a", newRequest())), rejectionOf(cache.get("a", newRequest()))]);
    expect([calls, cache.present, cache.stats.failures]).toEqual([[error, error], [], 1]);
    failing.clear();
    await useOnce(cache, "a");
    expect(events()).toBe("+a +a");
  });

  it("[L3] go before the next load begins, and a load that fails does not bring them back", async () => {
    const { cache, events, hold, letGo, failing } = modelsOf({ maxModels: 1 });
    await useOnce(cache, "a");
    hold("-a");
    failing.set("b", new Error("no"));
    const call = rejectionOf(cache.get("b", newRequest()));
    expect(await isSettled(call)).toBe(false);
    expect([events(), cache.loaded, cache.present]).toEqual(["+a -a", [], ["b"]]);
    await letGo("-a");
    await call;
    expect([events(), cache.present]).toEqual(["+b", []]);
  });

  it("[L3] are not loaded again while they are disposed of", async () => {
    const { cache, events, hold, letGo } = modelsOf({ maxModels: 1 });
    await useOnce(cache, "a");
    hold("-a");
    const [b, a] = [cache.get("b", undefined), cache.get("a", undefined)];
    await turnOfTheEventLoop();
    expect(events()).toBe("+a -a");
    await letGo("-a");
    await Promise.all([a, b]);
    expect(events()).toBe("+b -b +a");
  });

  it("[L3] are loaded although the disposal of the one before throws, which is logged", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const { cache, failing, events } = modelsOf({ maxModels: 1 });
    await useOnce(cache, "a");
    failing.set("-a", new Error("still busy"));
    await useOnce(cache, "b");
    expect([cache.loaded, events()]).toEqual([["b"], "+a -a +b"]);
    expect(log.mock.calls.join()).toContain('Disposing of the model \\"a\\" of deployment \\"Model\\" failed.');
    log.mockRestore();
  });

  it("are disposed of by Symbol.dispose where they have no other, and need neither", async () => {
    const dispose = vi.fn();
    const models: unknown[] = [{ [Symbol.dispose]: dispose }, "text", null, () => 1];
    const { cache } = modelsOf({ maxModels: 1, load: (id) => models[Number(id)] as never });
    for (const id of models.keys()) await cache.get(String(id), undefined);
    expect([dispose.mock.calls.length, cache.stats.evictions]).toEqual([1, 3]);
  });

  it("come in turn from concurrent calls outside requests, which hold nothing", async () => {
    const { cache, events } = modelsOf({ maxModels: 1 });
    await Promise.all(["1", "2", "3"].map((id) => cache.get(id, undefined)));
    await turnOfTheEventLoop();
    expect([cache.loaded, events()]).toEqual([["3"], "+1 -1 +2 -2 +3"]);
  });
});

describe("a model in use", () => {
  it("[M1] [L1] is used until the request that got it ends, and goes then if it has to", async () => {
    const { cache, events } = modelsOf({ maxModels: 1 });
    const user = newRequest();
    await cache.get("a", user);
    await cache.get("a", user);
    const next = cache.get("b", newRequest());
    expect([await isSettled(next), events()]).toEqual([false, "+a"]);
    user.end();
    expect(await next).toMatchObject({ id: "b" });
    expect(events()).toBe("-a +b");
  });

  it("[M1] stays while another request uses it; one that nobody uses goes instead", async () => {
    const { cache, events } = modelsOf();
    const user = newRequest();
    await cache.get("a", user);
    await useOnce(cache, "b", "c");
    expect([cache.loaded, events()]).toEqual([["a", "c"], "+a +b -b +c"]);
  });

  it("[M1] is in use by those who wait for its load", async () => {
    const { cache, events, hold, letGo } = modelsOf({ maxModels: 1 });
    hold("a");
    const user = newRequest();
    const first = cache.get("a", user);
    const next = cache.get("b", newRequest());
    await letGo("a");
    expect([(await first).id, await isSettled(next), events()]).toEqual(["a", false, "+a"]);
    user.end();
    await next;
  });

  it("is free at once for a request that is over", async () => {
    const { cache } = modelsOf({ maxModels: 1 });
    const over = newRequest();
    over.end();
    await cache.get("a", over);
    await useOnce(cache, "b");
    expect(cache.loaded).toEqual(["b"]);
  });
});

describe("prefetch", () => {
  it("loads a model that nobody uses, in place of one that nobody uses", async () => {
    const { cache, events } = modelsOf();
    await useOnce(cache, "a", "b");
    await cache.prefetch("c", newRequest());
    expect([cache.loaded, events()]).toEqual([["b", "c"], "+a +b -a +c"]);
    await useOnce(cache, "c", "d");
    expect([cache.loaded, cache.stats]).toMatchObject([["c", "d"], { hits: 1, misses: 3, loads: 4, prefetches: 1 }]);
  });

  it("does nothing when every model is in use, or when somebody waits", async () => {
    const { cache, events } = modelsOf({ maxModels: 1 });
    const user = newRequest();
    await cache.get("a", user);
    await cache.prefetch("b", user);
    const waiting = cache.get("c", newRequest());
    await cache.prefetch("b", newRequest());
    user.end();
    await waiting;
    expect([events(), cache.stats.prefetches]).toEqual(["+a -a +c", 0]);
  });

  it("waits for a load that is under way, and shares its own", async () => {
    const { cache, events, hold, letGo } = modelsOf();
    hold("a");
    const [prefetched, again, used] = [cache.prefetch("a", undefined), cache.prefetch("a", undefined), cache.get("a", newRequest())];
    expect(await isSettled(again)).toBe(false);
    await letGo("a");
    await Promise.all([prefetched, again, used]);
    expect(events()).toBe("+a");
  });

  it("keeps errors to itself, but counts them", async () => {
    const { cache, failing } = modelsOf();
    failing.set("a", new Error("no"));
    await cache.prefetch("a", newRequest());
    expect([cache.present, cache.stats]).toMatchObject([[], { failures: 1, prefetches: 1 }]);
  });
});

describe("a limit by size", () => {
  const sized = (maxBytes: number) => modelsOf({ maxModels: Infinity, maxBytes, sizeOf: ({ id }) => Number(id.slice(1)) });

  it("lets the least recently used go once a model's size is known, and before its load from then on", async () => {
    const { cache, events } = sized(100);
    await useOnce(cache, "a60", "b60");
    expect([cache.loaded, events(), cache.stats.sizeBytes]).toEqual([["b60"], "+a60 +b60 -a60", 60]);
    await useOnce(cache, "a60");
    expect([cache.loaded, events()]).toEqual([["a60"], "-b60 +a60"]);
    await useOnce(cache, "c40", "d1");
    expect(cache.loaded).toEqual(["c40", "d1"]);
  });

  it("lets no more go than has to", async () => {
    const { cache } = sized(100);
    await useOnce(cache, "a30", "b30", "c30", "d40");
    expect(cache.loaded).toEqual(["b30", "c30", "d40"]);
  });

  it("serves a model that is larger than the limit, alone, and keeps it only as long as it is used", async () => {
    const { cache } = sized(100);
    await useOnce(cache, "a30");
    const request = newRequest();
    await cache.get("b200", request);
    expect(cache.loaded).toEqual(["b200"]);
    request.end();
    expect(cache.loaded).toEqual([]);
  });

  it.each([Number.NaN, -1, Infinity, "60", undefined])("refuses %s as a size", async (size) => {
    const { cache } = modelsOf({ sizeOf: () => size as number });
    expect(await rejectionOf(cache.get("a", newRequest()))).toEqual(
      new TypeError(`sizeOf must return a number of bytes, got ${String(size)} for the model "a".`),
    );
    expect(cache.present).toEqual([]);
  });
});

describe("a load", () => {
  it("runs as a request of its own: nobody's deadline, and over when it is done", async () => {
    const seen: unknown[] = [];
    const { cache } = modelsOf({
      load(id) {
        seen.push(currentScope()?.request);
        return { id, [Symbol.asyncDispose]: async () => {} };
      },
    });
    const request = newRequest("r-load");
    await cache.get("a", request);
    await cache.get("b", undefined);
    expect(seen).toMatchObject([{ requestId: "r-load", deadline: undefined }, { requestId: expect.stringMatching(/^[\da-f-]{36}$/) }]);
    expect(seen[0]).not.toBe(request);
  });

  it("is timed", async () => {
    const { cache, hold, letGo, advance } = modelsOf();
    hold("a");
    const call = cache.get("a", undefined);
    await turnOfTheEventLoop();
    advance(250);
    await letGo("a");
    await call;
    expect(cache.stats.loadMs).toBe(250);
  });
});

describe("the end of a replica", () => {
  it("disposes of all models, those in use too, and waits for it", async () => {
    const { cache, events, hold, letGo } = modelsOf({ maxModels: 3 });
    await useOnce(cache, "a");
    await cache.get("b", newRequest());
    hold("c");
    const loading = cache.get("c", newRequest());
    hold("-b");
    const closed = cache.close();
    await letGo("c");
    await loading;
    expect([await isSettled(closed), cache.present]).toEqual([false, []]);
    await letGo("-b");
    await closed;
    expect(events()).toBe("+a +b +c -a -b -c");
  });

  it("ends every wait, and refuses what comes after", async () => {
    const { cache } = modelsOf({ maxModels: 1 });
    await cache.get("a", newRequest());
    const waiting = rejectionOf(cache.get("b", newRequest()));
    await cache.close();
    for (const call of [waiting, rejectionOf(cache.get("a", newRequest()))]) expect(await call).toBeInstanceOf(ReplicaUnavailableError);
    await cache.prefetch("c", undefined);
    expect(cache.present).toEqual([]);
  });

  it("goes on when a disposal throws, which is logged", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => {});
    const { cache, failing, events } = modelsOf();
    await useOnce(cache, "a", "b");
    failing.set("-a", new Error("still busy"));
    await cache.close();
    expect(events()).toBe("+a +b -a -b");
    expect(log.mock.calls.join()).toContain('Disposing of the model \\"a\\" of deployment \\"Model\\" failed.');
    log.mockRestore();
  });
});
