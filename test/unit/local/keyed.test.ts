/** Keyed deployments in `runLocal`: the same promises as in workerd, without storage. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as serve from "../../../src/index.ts";
import { runLocal } from "../../../src/local/run-local.ts";

let failing = new Set<string>();
/** What was let go, by key. */
let held = new Map<string, PromiseWithResolvers<void>>();

class Cart {
  readonly #items: string[] = [];
  #running = 0;

  setup() {
    const { key = "" } = serve.getReplicaContext();
    if (failing.delete(key)) throw new RangeError("no such cart");
  }

  /** What was added before, and how many calls run with this one. */
  async add(item: string) {
    this.#running++;
    this.#items.push(item);
    await Promise.resolve();
    return { items: [...this.#items], running: this.#running-- };
  }

  about() {
    const { key, replicaId, ordinal } = serve.getReplicaContext();
    return { key, requestKey: serve.getRequestContext().key, replicaId, ordinal };
  }

  async hold() {
    const { key = "" } = serve.getReplicaContext();
    const gate = Promise.withResolvers<void>();
    held.get(key)?.resolve();
    await gate.promise;
  }

  store() {
    return serve.getReplicaContext().state.storage;
  }

  async end() {
    await serve.getKeyedHandle<Cart>("Cart").delete(serve.getReplicaContext().key!);
  }

  async through(one: serve.DeploymentHandle<Cart>, all: serve.KeyedHandle<Cart>, key: string) {
    return [(await one.add.remote("one")).items, (await all.get(key).add.remote("all")).items];
  }
}

class Shop {
  readonly #carts: serve.KeyedHandle<Cart>;

  constructor(carts: serve.KeyedHandle<Cart>) {
    this.#carts = carts;
  }

  through(key: string) {
    return this.#carts.get("through").through.remote(this.#carts.get(key), this.#carts, key);
  }

  async byName(key: string) {
    return (await serve.getKeyedHandle<Cart>("Cart").get(key).add.remote("by name")).items;
  }
}

const cart = serve.deployment(Cart, { keyed: true, maxOngoingRequests: 1, maxQueuedRequests: 50 });
let carts: serve.KeyedHandle<Cart>;

beforeEach(() => {
  for (const method of ["log", "warn", "error"] as const) vi.spyOn(console, method).mockImplementation(() => {});
  failing = new Set();
  held = new Map();
  carts = runLocal(cart.bind());
});
afterEach(() => {
  vi.restoreAllMocks();
});

describe("a key in runLocal", () => {
  it.each(["a", " ", "a/b", "a%2Fb", "..", "\0", "ä", "a\u0308", "🛒", "x".repeat(256), "ä".repeat(128)])("may be %j", async (key) => {
    expect((await carts.get(key).add.remote("x")).items).toEqual(["x"]);
    expect(await carts.get(key).about.remote()).toEqual({
      key,
      requestKey: key,
      replicaId: expect.stringContaining("/Cart/@"),
      ordinal: 0,
    });
  });

  it.each([
    [""],
    ["x".repeat(257)],
    ["ä".repeat(129)],
    ["🛒".repeat(65)],
    ["\ud800"],
    ["a\udc00"],
    [7],
    [null],
    [undefined],
    [{}],
    [["a"]],
  ])("is never %j", async (key) => {
    expect(() => carts.get(key as string)).toThrow(serve.KeyError);
    await expect(carts.delete(key as string)).rejects.toMatchObject({ code: "KEY", status: 400 });
  });

  it("has one instance, however it is reached", async () => {
    const app = runLocal(serve.deployment(Shop).bind(cart.bind()));
    expect(await app.through.remote("k")).toEqual([["one"], ["one", "all"]]);
    expect(await app.byName.remote("k")).toEqual(["one", "all", "by name"]);
  });
});

describe("the object of a key in runLocal", () => {
  it("begins calls in the order in which they were made, one at a time", async () => {
    const all = await Promise.all(Array.from({ length: 40 }, (_, n) => carts.get("k").add.remote(String(n))));
    expect(all.map(({ running }) => running)).toEqual(Array.from({ length: 40 }, () => 1));
    expect(all.at(-1)!.items).toEqual(Array.from({ length: 40 }, (_, n) => String(n)));
  });

  it("refuses what finds its queue full", async () => {
    const all = await Promise.allSettled(Array.from({ length: 60 }, () => carts.get("k").add.remote("x").result()));
    const refused = all.filter((one) => one.status === "rejected");
    expect(refused).toHaveLength(9);
    expect(refused[0]!.reason).toMatchObject({ code: "BACK_PRESSURE" });
  });

  it("is all that a broadcast reaches, and has no option key", async () => {
    expect(await carts.get("k").add.broadcast("x")).toEqual([{ status: "fulfilled", value: { items: ["x"], running: 1 } }]);
    expect(() => (carts.get("k").options as (options: object) => unknown)({ key: "other" })).toThrow(serve.ConfigError);
  });

  it("has no storage, and says where there is one", async () => {
    await expect(carts.get("k").store.remote()).rejects.toThrow(/serve\(\)/);
  });

  it("starts anew for the next request if it does not start", async () => {
    failing.add("k");
    await expect(carts.get("k").about.remote()).rejects.toMatchObject({ code: "DEPLOYMENT_UNAVAILABLE" });
    expect(await carts.get("k").about.remote()).toMatchObject({ key: "k" });
  });

  it.each<[what: string, ends: () => PromiseLike<unknown>]>([
    ["by delete", () => carts.delete("k")],
    ["by delete, twice at once", () => Promise.all([carts.delete("k"), carts.delete("k")])],
  ])("that is ended %s fails what runs, and what waits runs in the next one", async (_, ends) => {
    await carts
      .get("k")
      .add.remote("old")
      .result()
      .catch(() => {});
    const begun = Promise.withResolvers<void>();
    held.set("k", begun);
    const running = carts.get("k").hold.remote().result();
    running.catch(() => {});
    await begun.promise;
    const waiting = ["a", "b"].map((item) => carts.get("k").add.remote(item).result());
    await ends();
    await expect(running).rejects.toMatchObject({ code: "REPLICA_UNAVAILABLE", status: 502 });
    expect((await Promise.all(waiting)).flatMap(({ items }) => items)).toEqual(expect.arrayContaining(["a", "b"]));
    expect((await carts.get("k").add.remote("c")).items).toEqual(expect.arrayContaining(["a", "b", "c"]));
    expect((await carts.get("k").add.remote("d")).items).not.toContain("old");
  });

  it("that ends itself fails the call that does", async () => {
    await carts.get("k").add.remote("old");
    await expect(carts.get("k").end.remote()).rejects.toMatchObject({ code: "REPLICA_UNAVAILABLE" });
    expect((await carts.get("k").add.remote("new")).items).toEqual(["new"]);
  });
});
