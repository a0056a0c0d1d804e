import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeError } from "../../../src/protocol/error-codec.ts";
import type { Jurisdiction } from "../../../src/protocol/manifest.ts";
import { TaskClient } from "../../../src/tasks/client.ts";
import {
  identityOf,
  newTaskId,
  parseShardName,
  parseTaskId,
  placeOfShard,
  shardFor,
  shardName,
  SHARDS,
  shardsIn,
} from "../../../src/tasks/task-id.ts";
import { settled, World } from "./world.ts";

/** The shards of applications, each a world of its own; questions fail as often as a test says. */
function system(apps: readonly string[] = ["app"], jurisdictions?: Readonly<Record<string, Jurisdiction | undefined>>) {
  const worlds = new Map<string, World>();
  const state = { failures: 0, nowMs: 1_000_000, slept: 0 };
  const worldOf = (name: string) => {
    const world = worlds.get(name) ?? new World();
    worlds.set(name, world);
    return world;
  };
  const client = new TaskClient({
    shard: (address) => {
      if (!apps.includes(address.app)) return undefined;
      const world = worldOf(shardName(address));
      return new Proxy(world.shard, {
        get:
          (shard, method: "status") =>
          async (...args: [string]) => {
            const answer = await shard[method].apply(shard, args);
            // It was done, and nobody hears of it.
            if (state.failures-- > 0) throw Object.assign(new Error("The object was reset."), { durableObjectReset: true });
            return answer;
          },
      });
    },
    ...(jurisdictions === undefined ? {} : { jurisdictions: () => jurisdictions }),
    now: () => state.nowMs,
    random: Math.random,
    sleep: async () => void state.slept++,
  });
  return { client, worlds, state, worldWith: (id: string) => worldOf(shardName(parseTaskId(id)!)) };
}

const call = { app: "app", deployment: "Mail", method: "send", args: [1, new Map([["a", new Date(5)]])] };
const only = { limit: 100 };

describe("a client of tasks", () => {
  it("enqueues, and gives the result as soon as there is one", async () => {
    const { client, worldWith } = system();
    const id = await client.enqueue(call);
    const result = client.result(id);
    await worldWith(id).pass(0);
    worldWith(id)
      .run(id)!
      .end({ kind: "value", value: { done: 1n } });
    expect(await result).toEqual({ done: 1n });
    expect(await client.status(id)).toMatchObject({ id, app: "app", method: "send", state: "SUCCEEDED" });
  });

  it("rejects with the method's own error", async () => {
    const { client, worldWith } = system();
    const id = await client.enqueue(call);
    await worldWith(id).pass(0);
    worldWith(id)
      .run(id)!
      .end({ kind: "error", error: encodeError(Object.assign(new RangeError("no"), { retryable: false, detail: { a: 1 } })) });
    const error = await client.result(id).then(() => undefined, (thrown: unknown) => thrown); // prettier-ignore
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ message: "no", detail: { a: 1 } });
  });

  it("rejects when the task was cancelled, when time is up, and when there is none", async () => {
    const { client, state } = system();
    const id = await client.enqueue(call);
    await expect(client.result(id, { timeoutMs: 0 })).rejects.toMatchObject({ code: "REQUEST_TIMEOUT" });
    expect(await client.cancel(id)).toBe(true);
    expect(await client.cancel(id)).toBe(false);
    await expect(client.result(id)).rejects.toMatchObject({ code: "REQUEST_CANCELLED" });
    expect(await client.retry(id)).toBe(true);
    expect(state.slept).toBe(0);
    const never = newTaskId({ app: "app", shard: 1 }, 5, () => 0);
    for (const unknown of [
      never,
      never.replace("app", "nobody"),
      never.replace(".1.", ".99."),
      "",
      "x",
      "../app.1.x",
      "\u0000".repeat(1000),
    ])
      for (const ask of [client.status(unknown), client.result(unknown), client.cancel(unknown), client.retry(unknown)])
        await expect(ask).rejects.toMatchObject({ code: "TASK_NOT_FOUND", status: 404 });
  });

  it("asks a lost object again: a task that was stored, unheard, is stored once", async () => {
    const { client, state } = system();
    state.failures = 3;
    const id = await client.enqueue(call);
    expect((await client.list(["app"], only)).tasks.map((task) => task.id)).toEqual([id]);
    state.failures = 100;
    await expect(client.enqueue(call)).rejects.toMatchObject({ code: "REPLICA_UNAVAILABLE", status: 502 });
  });

  it("gives one task for one idempotency key of a method, whatever the arguments", async () => {
    const { client } = system();
    const ids = await Promise.all(
      [call, { ...call, args: [] }, { ...call, method: "other" }, { ...call, key: "k" }, { ...call, deployment: "Rank" }].map((each) =>
        client.enqueue({ ...each, idempotencyKey: "once" }),
      ),
    );
    expect(ids[1]).toBe(ids[0]);
    expect(new Set(ids).size).toBe(4);
  });

  it.each<[string, unknown, RegExp]>([
    ["a function", () => {}, /Argument 2 of "Mail.send" .*function/],
    ["a request deep in it", { a: new Map([["b", new Request("http://x.test/")]]) }, /Argument 2 of "Mail.send".*\.a.*read only once/],
    ["a response", new Response("x"), /Argument 2 of "Mail.send" .*read only once/],
    ["too much", "x".repeat(1_048_577), /arguments of "Mail.send" are more than 1 MiB/],
  ])("refuses arguments that cannot be kept, and says which: %s", async (_, value, words) => {
    const { client } = system();
    await expect(client.enqueue({ ...call, args: [1, value] })).rejects.toThrow(words);
    await expect(client.enqueue({ ...call, args: [1, value] })).rejects.toMatchObject({ code: "SERIALIZATION" });
  });

  it("lists all shards of all applications, newest first, page by page, each task once", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 40 }), async (limit, count) => {
        const { client, state } = system(["app", "Other-1"]);
        const ids: string[] = [];
        for (let n = 0; n < count; n++) {
          if (n % 3 === 0) state.nowMs++;
          ids.push(await client.enqueue({ ...call, app: n % 4 === 0 ? "Other-1" : "app", deployment: n % 2 === 0 ? "Mail" : "Rank" }));
        }
        for (const deployment of [undefined, "Rank"]) {
          const seen: string[] = [];
          let cursor: string | undefined;
          do {
            const page = await client.list(["app", "Other-1"], { limit, ...(deployment === undefined ? {} : { deployment }) }, cursor);
            expect(page.tasks.length).toBeLessThanOrEqual(limit);
            seen.push(...page.tasks.map(({ id }) => id));
            cursor = page.cursor;
          } while (cursor !== undefined);
          expect(seen).toEqual(ids.filter((_, n) => deployment === undefined || n % 2 === 1).toReversed());
        }
      }),
      { numRuns: 50 },
    );
  });

  it("lists no more than 1,000 at once, and has a cursor for the others", async () => {
    const { client } = system();
    for (let n = 0; n < 1001; n++) await client.enqueue({ ...call, idempotencyKey: String(n) });
    const first = await client.list(["app"], { limit: 5000 });
    const second = await client.list(["app"], { limit: 5000 }, first.cursor);
    expect([first.tasks.length, second.tasks.length, second.cursor]).toEqual([1000, 1, undefined]);
  });

  it("refuses a cursor that is none", async () => {
    await expect(system().client.list(["app"], only, "x")).rejects.toThrow(/cursor/);
  });

  it("cancels all that wait, in every shard, and gathers what they have counted", async () => {
    const { client } = system();
    for (let n = 0; n < 30; n++) await client.enqueue(call);
    await client.cancelWaiting("app");
    await settled();
    expect((await client.list(["app"], only)).tasks.every(({ state }) => state === "CANCELLED")).toBe(true);
    const counted = (await client.counters("app")).flatMap(({ tasks }) => tasks);
    expect(counted.reduce((sum, { count }) => sum + count, 0)).toBe(30);
  });
});

describe("in a jurisdiction", () => {
  const places = { Mail: "eu", Rank: "us", Free: undefined, Other: "eu" } as const;
  const placeOf = (id: string) => placeOfShard(parseTaskId(id)!.shard)?.jurisdiction;

  it.each(Object.entries(places))("the tasks of %s are stored where its deployment is: %s", async (deployment, jurisdiction) => {
    const { client, worlds } = system(["app"], places);
    const ids = [await client.enqueue({ ...call, deployment }), await client.enqueue({ ...call, deployment, idempotencyKey: "once" })];
    expect(ids.map(placeOf)).toEqual([jurisdiction, jurisdiction]);
    // Nothing of it has been elsewhere, and asking for it makes no other object.
    for (const id of ids) expect(await client.status(id)).toMatchObject({ deployment });
    expect([...worlds.keys()].map((name) => placeOfShard(parseShardName(name)!.shard)?.jurisdiction)).toEqual(
      Array.from(worlds.keys(), () => jurisdiction),
    );
  });

  it("tasks are listed, counted and cancelled in all those that there are deployments in, and asked for in no other", async () => {
    const { client, worlds } = system(["app"], { Mail: "eu", Rank: "us" });
    const ids = [await client.enqueue(call), await client.enqueue({ ...call, deployment: "Rank" })];
    expect((await client.list(["app"], only)).tasks.map(({ id }) => id)).toEqual(ids.toReversed());
    expect((await client.counters("app")).flatMap(({ tasks }) => tasks)).toHaveLength(2);
    await client.cancelWaiting("app");
    await settled();
    expect((await client.list(["app"], only)).tasks.map(({ state }) => state)).toEqual(["CANCELLED", "CANCELLED"]);
    const asked = [...worlds.keys()].map((name) => parseShardName(name)!.shard).toSorted((a, b) => a - b);
    expect(asked).toEqual([...shardsIn("eu"), ...shardsIn("us")]);
  });

  it("shards have numbers of their own, which never change", () => {
    // Wire format: an id says where its task is.
    expect([undefined, "eu", "us", "fedramp", "fedramp-high"].map((one) => shardsIn(one as Jurisdiction)[0])).toEqual([0, 8, 16, 24, 32]);
    for (const place of [undefined, "eu", "us", "fedramp", "fedramp-high"] as const)
      for (const shard of shardsIn(place)) expect(placeOfShard(shard)).toEqual({ jurisdiction: place });
    expect(placeOfShard(40)).toBeUndefined();
  });
});

describe("a task's id", () => {
  it("says which object has it, is unique, and sorts behind earlier ones of its isolate, also when the clock stands still or goes back", () => {
    const ids = Array.from({ length: 50_000 }, (_, n) => newTaskId({ app: "My_app-1", shard: 3 }, 2e12 - (n % 7), Math.random));
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.toSorted()).toEqual(ids);
    expect(parseTaskId(ids[0]!)).toMatchObject({ app: "My_app-1", shard: 3 });
    expect(parseShardName(shardName({ app: "My_app-1", shard: 3 }))).toEqual({ app: "My_app-1", shard: 3 });
    expect([parseShardName("tasks/a/b/1"), parseShardName("tasks/a/01"), parseShardName("x")]).toEqual([undefined, undefined, undefined]);
  });

  it("is the same for the default method, however it is called", () => {
    const parts = { deployment: "Mail", idempotencyKey: "order-1" };
    expect(identityOf({ ...parts, method: "call" })).toBe(identityOf(parts));
    expect(identityOf({ ...parts, method: "send" })).not.toBe(identityOf(parts));
  });

  it("divides idempotency keys evenly, and always in the same way", () => {
    const counts = Array.from({ length: SHARDS }, () => 0);
    for (let n = 0; n < 8000; n++) counts[shardFor(identityOf({ deployment: "Mail", idempotencyKey: `order-${n}` }), () => 0)]!++;
    expect(Math.min(...counts)).toBeGreaterThan(800);
    // Wire format: another shard would not know the key.
    expect(
      ["a", "order-1", "\u20ac"].map((idempotencyKey) => shardFor(identityOf({ deployment: "Mail", idempotencyKey }), () => 0)),
    ).toEqual([4, 0, 3]);
  });
});
