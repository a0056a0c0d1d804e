import { describe, expect, it } from "vitest";
import { currentScope } from "../../../src/context/scope.ts";
import { RequestCancelledError } from "../../../src/protocol/errors.ts";
import { rejectionOf } from "../../support/rejection.ts";
import { turnOfTheEventLoop } from "../../support/event-loop.ts";
import { isSettled, modelsOf, newRequest } from "./models.ts";

describe("calls that wait for room", () => {
  it("[L4] are served in the order in which they came, and those for one model together", async () => {
    const { cache, events } = modelsOf({ maxModels: 1 });
    const user = newRequest();
    await cache.get("a", user);
    const [b, c, b2] = [newRequest(), newRequest(), newRequest()];
    const served: string[] = [];
    const calls = [cache.get("b", b), cache.get("c", c), cache.get("b", b2)];
    calls.forEach((call, index) => void call.then(({ id }) => served.push(`${id}${index}`)));
    user.end();
    await turnOfTheEventLoop();
    expect([served, events()]).toEqual([["b0", "b2"], "+a -a +b"]);
    b.end();
    await turnOfTheEventLoop();
    expect(served).toEqual(["b0", "b2"]);
    b2.end();
    await turnOfTheEventLoop();
    expect([served, events()]).toEqual([["b0", "b2", "c1"], "-b +c"]);
  });

  it("are not starved by a model that never falls idle: new requests for it wait in line", async () => {
    const { cache, events } = modelsOf({ maxModels: 1 });
    const [first, second] = [newRequest(), newRequest()];
    await cache.get("hot", first);
    const rare = newRequest();
    const waiting = cache.get("rare", rare);
    const late = cache.get("hot", second);
    expect([await isSettled(late), (await cache.get("hot", first)).id]).toEqual([false, "hot"]);
    first.end();
    expect(await waiting).toMatchObject({ id: "rare" });
    rare.end();
    expect(await late).toMatchObject({ id: "hot" });
    expect(events()).toBe("+hot -hot +rare -rare +hot");
  });

  it("leave other busy models alone", async () => {
    const { cache } = modelsOf({ maxModels: 2 });
    const [a, b] = [newRequest(), newRequest()];
    await cache.get("a", a);
    await cache.get("b", b);
    const next = cache.get("c", newRequest());
    expect(await isSettled(cache.get("b", newRequest()))).toBe(true);
    b.end();
    expect(await isSettled(next)).toBe(false);
    a.end();
    expect(await next).toMatchObject({ id: "c" });
  });

  it("leave the line when they are cancelled, with the reason", async () => {
    const { cache, events } = modelsOf({ maxModels: 1 });
    const user = newRequest();
    await cache.get("a", user);
    const gone = newRequest();
    const [cancelled, next] = [rejectionOf(cache.get("b", gone)), cache.get("a", newRequest())];
    const reason = new RequestCancelledError("gone");
    gone.abort(reason);
    expect(await cancelled).toBe(reason);
    // Nothing waits for room any more, so the model is free for everyone again.
    expect([(await next).id, cache.stats]).toMatchObject(["a", { hits: 0, misses: 3, loads: 1 }]);
    expect(events()).toBe("+a");
  });

  it("get the reason too when they are cancelled during a load, which goes on for the others", async () => {
    const { cache, hold, letGo, events } = modelsOf();
    hold("a");
    const gone = newRequest();
    const [cancelled, other] = [rejectionOf(cache.get("a", gone)), cache.get("a", newRequest())];
    const reason = new RequestCancelledError("gone");
    gone.abort(reason);
    expect(await cancelled).toBe(reason);
    await letGo("a");
    expect([(await other).id, events()]).toEqual(["a", "+a"]);
  });
});

describe("a call that would wait for itself", () => {
  it("[M3] goes beyond the limit, and what is too much goes when its request ends", async () => {
    const { cache, events } = modelsOf({ maxModels: 1 });
    const request = newRequest();
    await cache.get("a", request);
    await cache.get("b", request);
    expect([cache.loaded, cache.stats.exceeded]).toEqual([["a", "b"], 1]);
    request.end();
    await turnOfTheEventLoop();
    expect([cache.loaded, events()]).toEqual([["b"], "+a +b -a"]);
  });

  it("[M3] goes beyond the limit when others use the model too", async () => {
    const { cache } = modelsOf({ maxModels: 1 });
    const [request, other] = [newRequest(), newRequest()];
    await cache.get("a", request);
    await cache.get("a", other);
    expect(await cache.get("b", request)).toMatchObject({ id: "b" });
  });

  it("[M3] waits while another model will come free without it", async () => {
    const { cache } = modelsOf({ maxModels: 2 });
    const [request, other] = [newRequest(), newRequest()];
    await cache.get("a", request);
    await cache.get("b", other);
    const next = cache.get("c", request);
    expect(await isSettled(next)).toBe(false);
    other.end();
    await next;
    expect([cache.loaded, cache.stats.exceeded]).toEqual([["a", "c"], 0]);
  });

  it("[M3] two requests that wait for each other's models both go on, one model beyond the limit", async () => {
    const { cache } = modelsOf({ maxModels: 2 });
    const [one, two] = [newRequest(), newRequest()];
    await cache.get("a", one);
    await cache.get("b", two);
    const [c, d] = [cache.get("c", one), cache.get("d", two)];
    expect([await isSettled(c), await isSettled(d), cache.loaded.length]).toEqual([true, false, 3]);
    one.end();
    expect(await d).toMatchObject({ id: "d" });
    two.end();
    await turnOfTheEventLoop();
    expect([cache.loaded.length, cache.stats.exceeded]).toEqual([2, 1]);
  });

  it("[M3] goes on when it is a load that needs another model", async () => {
    const models = modelsOf({
      maxModels: 1,
      async load(id) {
        if (id === "adapter") await models.cache.get("base", currentScope()?.request);
        return { id, [Symbol.asyncDispose]: async () => {} };
      },
    });
    expect(await models.cache.get("adapter", newRequest())).toMatchObject({ id: "adapter" });
    expect(models.cache.stats.exceeded).toBe(1);
  });

  it("[M3] goes on when it is a call that came back to the replica", async () => {
    const { cache } = modelsOf({ maxModels: 1 });
    const [outer, returned, beside] = [
      newRequest("tree", ["news/Model"]),
      newRequest("tree", ["news/Model", "news/Index", "news/Model"]),
      newRequest(),
    ];
    await cache.get("a", outer);
    const sibling = cache.get("b", beside);
    expect(await isSettled(sibling)).toBe(false);
    expect(await isSettled(cache.get("c", returned))).toBe(false);
    expect(await isSettled(sibling)).toBe(true);
    beside.end();
    await turnOfTheEventLoop();
    expect([cache.loaded, cache.stats.exceeded]).toEqual([["a", "c"], 2]);
  });
});
