/**
 * The deletion of a key: what it takes with it, and what goes on in the object that comes after.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ObjectHandle } from "../../src/index.ts";
import type { Cart, shop } from "./apps/keyed.ts";
import { type KeyedShop, newKey, serveShop } from "../support/keyed-shop.ts";

let server: KeyedShop["server"];
let carts: KeyedShop["carts"];

beforeAll(async () => void ({ server, carts } = await serveShop()));
afterAll(() => server?.stop());

describe("delete(key)", () => {
  it("erases what was stored, and the next call has a new object", async () => {
    const key = newKey();
    await carts.get(key).add.remote("old");
    const { madeAt } = await carts.get(key).about.remote();
    await carts.delete(key);
    expect(await carts.get(key).items.remote()).toEqual([]);
    expect((await carts.get(key).about.remote()).madeAt).not.toBe(madeAt);
    expect(await carts.get(key).starts.remote()).toBe(1);
  });

  it("does no harm where there is nothing, and twice", async () => {
    const key = newKey();
    await carts.delete(key);
    await carts.delete(key);
    await Promise.all([carts.delete(key), carts.delete(key)]);
    expect(await carts.get(key).items.remote()).toEqual([]);
  });

  // A replica that has called the object before must not take it for one that was lost with its next call.
  it.each<[what: string, ends: (cart: ObjectHandle<Cart>, key: string) => Promise<unknown>, items: string[]]>([
    ["by another caller", (_, key) => carts.delete(key), ["B"]],
    ["and by itself", (cart) => cart.end.remote().result(), ["B"]],
    ["or when it ends otherwise", (cart) => cart.crash.remote().result(), ["A", "B"]],
  ])("is no failure of the next call of a caller that knows the object: %s", async (_, ends, items) => {
    const key = newKey();
    const app = server.handle<typeof shop>("shop");
    await app.add.remote(key, "a");
    await ends(carts.get(key), key).catch(() => {});
    expect(await app.add.remote(key, "b")).toEqual(items);
  });

  it("fails what runs, and what waits runs on the new object", async () => {
    const key = newKey();
    const cart = carts.get(key);
    const running = cart.hold.remote().result();
    running.catch(() => {});
    await server.waitForLog(({ message, replica }) => message === "held" && replica === `shop/Cart/@${encodeURIComponent(key)}`);
    const waiting = [cart.add.remote("a").result(), cart.add.remote("b").result()];
    const task = await cart.add.enqueue("c");
    await carts.delete(key);
    await expect(running).rejects.toMatchObject({ code: "REPLICA_UNAVAILABLE", status: 502 });
    expect((await Promise.all(waiting)).flat()).toEqual(expect.arrayContaining(["A", "B"]));
    expect(await task.result({ timeoutMs: 10_000 })).toContain("C");
  });

  it("sends on to the new object what waits for the old one to start", async () => {
    const key = `hangs ${newKey()}`;
    const called = carts.get(key).add.remote("a").result();
    await server.waitForLog(({ message, replica }) => message === "starts for ever" && replica === `shop/Cart/@${encodeURIComponent(key)}`);
    await carts.delete(key);
    expect(await called).toEqual(["A"]);
  });

  it("ends the request that deletes its own object", async () => {
    const key = newKey();
    await carts.get(key).add.remote("old");
    await expect(carts.get(key).end.remote()).rejects.toMatchObject({ code: "REPLICA_UNAVAILABLE" });
    expect(await carts.get(key).items.remote()).toEqual([]);
  });

  it.each(["hibernating", "plain"])("closes its sockets with 1001, those that are %s", async (room) => {
    const socket = new WebSocket(new URL(`/rooms/${room}`, server.url.replace("http", "ws")));
    await new Promise((resolve) => socket.addEventListener("open", resolve, { once: true }));
    const closed = new Promise<CloseEvent>((resolve) => socket.addEventListener("close", resolve, { once: true }));
    await server.keyed("Room", "rooms").delete(room);
    expect((await closed).code).toBe(1001);
    expect(await (await server.fetch(`/rooms/${room}`)).json()).toMatchObject({ visits: 1 });
  });
});
