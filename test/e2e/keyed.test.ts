/**
 * Keyed deployments: contract section 10, in workerd.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import * as edge from "../../src/index.ts";
import { connect, getTask } from "../../src/client.ts";
import type { Cart, shop } from "./apps/keyed.ts";
import { type KeyedShop, newKey, serveShop, TOKEN } from "../support/keyed-shop.ts";

let server: KeyedShop["server"];
let carts: KeyedShop["carts"];

beforeAll(async () => void ({ server, carts } = await serveShop()));
afterAll(() => server?.stop());

describe("a key", () => {
  // Any characters; differing bytes are different objects.
  const KEYS = [
    "a",
    "A",
    " ",
    "a/b",
    "a%2Fb",
    "@",
    "..",
    "constructor",
    "\0",
    "\n",
    "ä",
    "a\u0308",
    "🛒",
    "x".repeat(256),
    "ä".repeat(128),
  ];

  it.each(KEYS)("may be %j, and is an object of its own", async (key) => {
    expect(await carts.get(key).add.remote(key)).toEqual([key.toUpperCase()]);
    expect(await carts.get(key).about.remote()).toMatchObject({ key, requestKey: key, ordinal: 0 });
  });

  it.each([[""], ["x".repeat(257)], ["ä".repeat(129)], ["\ud800"], ["a\udc00b"], [7], [null], [undefined], [{}]])(
    "is never %j",
    async (key) => {
      expect(() => carts.get(key as string)).toThrow(edge.KeyError);
      await expect(carts.delete(key as string)).rejects.toMatchObject({ code: "KEY", status: 400 });
    },
  );

  it("is looked at where the handle is used, too", async () => {
    await expect(server.handle<typeof shop>("shop").add.remote("", "x")).rejects.toMatchObject({ code: "KEY" });
  });
});

describe("an object", () => {
  it("is the same one from everywhere, and its storage outlives the process", async () => {
    const key = newKey();
    const app = server.handle<typeof shop>("shop");
    await app.add.remote(key, "book");
    const client = connect<typeof shop>(server.url, { token: TOKEN, app: "shop" });
    const outside = connect<edge.Application<Cart, true>>(server.url, {
      token: TOKEN,
      app: "shop",
      deployment: "Cart",
    });
    await client.add.remote(key, "pen");
    expect(await outside.get(key).add.remote("ink")).toEqual(["BOOK", "PEN", "INK"]);
    const { madeAt } = await app.about.remote(key);
    expect((await carts.get(key).about.remote()).madeAt).toBe(madeAt);
    await server.restart();
    expect(await carts.get(key).items.remote()).toEqual(["BOOK", "PEN", "INK"]);
    expect(await carts.get(key).starts.remote()).toBe(2);
  });

  it("begins one caller's calls in the order in which they were made, one at a time", async () => {
    const { most, began } = await server.handle<typeof shop>("shop").burst.remote(newKey(), 50);
    expect(most).toBe(1);
    expect(began).toEqual(Array.from({ length: 50 }, (_, n) => n));
  });

  it("refuses what finds its queue full", async () => {
    const burst = server.handle<typeof shop>("shop").burst.remote(newKey(), 60);
    await expect(burst).rejects.toMatchObject({ code: "BACK_PRESSURE", message: expect.stringContaining("maxQueuedRequests") });
  });

  it("streams, throws what it throws, and is all that a broadcast reaches", async () => {
    const cart = carts.get(newKey());
    expect(await Array.fromAsync(cart.count.remote(3))).toEqual([0, 1, 2]);
    await expect(cart.fail.remote()).rejects.toThrow(new TypeError("not for sale"));
    expect(await cart.items.broadcast()).toEqual([{ status: "fulfilled", value: [] }]);
  });

  it("may be given to another deployment, as may all of them", async () => {
    const [one, other] = [newKey(), newKey()];
    const app = server.handle<typeof shop>("shop");
    await app.add.remote(other, "other");
    expect(await app.through.remote(one, other)).toEqual([["OTHER"], ["OTHER"]]);
  });

  it("starts anew for the next request if it does not start", async () => {
    await expect(carts.get("broken").items.remote()).rejects.toMatchObject({
      code: "DEPLOYMENT_UNAVAILABLE",
      message: expect.stringContaining("no such cart"),
    });
    expect(await carts.get("broken").items.remote()).toEqual([]);
  });

  it("that is lost with a request is not asked again", async () => {
    const cart = carts.get(newKey());
    await cart.add.remote("kept");
    await expect(cart.crash.remote()).rejects.toMatchObject({ code: "REPLICA_UNAVAILABLE", status: 502 });
    expect(await cart.items.remote()).toEqual(["KEPT"]);
  });

  it("has no option key", () => {
    const options = carts.get(newKey()).options as (options: object) => unknown;
    expect(() => options({ key: "other" })).toThrow(/no option key/);
    expect(() => options({ timeoutMs: 1000 })).not.toThrow();
  });

  it("runs tasks", async () => {
    const key = newKey();
    const task = await carts.get(key).add.enqueue("later");
    expect(await task.result({ timeoutMs: 10_000 })).toEqual(["LATER"]);
    expect(await task.status()).toMatchObject({ deployment: "Cart", method: "add", key, state: "SUCCEEDED", attempts: 1 });
    const ofAll = connect<edge.Application<Cart, true>>(server.url, { token: TOKEN, app: "shop", deployment: "Cart" });
    for (const client of [carts.get(key), ofAll]) expect(await getTask(client, task.id).status()).toMatchObject({ id: task.id, key });
    const twice = await Promise.all([key, key, newKey()].map((one) => carts.get(one).options({ idempotencyKey: "x" }).add.enqueue("once")));
    expect(new Set(twice.map(({ id }) => id)).size).toBe(2);
  });
});

describe("an alarm and a socket's message", () => {
  it("take their turn as calls do, of which an actor runs one", async () => {
    const key = newKey();
    const clocks = server.keyed("Clock", "clocks") as unknown as edge.KeyedHandle<{ hold(): Promise<void>; notes(): string[] }>;
    const clock = clocks.get(key);
    const socket = new WebSocket(new URL(`/clocks/${encodeURIComponent(key)}`, server.url.replace("http", "ws")));
    await new Promise((resolve) => socket.addEventListener("open", resolve, { once: true }));
    const heard = new Promise((resolve) => socket.addEventListener("message", resolve, { once: true }));
    const held = clock.hold.remote().result();
    await server.waitForLog(({ message }) => message === "hold runs");
    socket.send("while it runs");
    await Promise.all([held, heard]);
    await expect.poll(() => clock.notes.remote()).toHaveLength(3);
    const [first, ...others] = await clock.notes.remote();
    expect([first, ...others.toSorted()]).toEqual(["hold, 1 run", "alarm, 1 run", "message, 1 run"]);
    socket.close();
  });
});

describe("a keyed ingress deployment", () => {
  it("is given each request at the object of its key, with the prefix taken off", async () => {
    expect(await (await server.fetch("/rooms/blue/door")).json()).toEqual({ pathname: "/blue/door", key: "blue", visits: 1, body: "" });
    const posted = await server.fetch("/rooms/blue?wait", { method: "POST", body: "hello" });
    expect(await posted.json()).toEqual({ pathname: "/blue", key: "blue", visits: 2, body: "hello" });
    expect(posted.headers.get("x-request-id")).toMatch(/./);
  });

  it.each([
    ["/rooms", 400, /no key/],
    ["/rooms/x?long", 400, /1 to 256 bytes/],
    ["/rooms/x?response", 403, /not you/],
    ["/rooms/x?throw", 500, /^Internal Server Error$/],
    ["/rooms/x?make", 200, /"visits":1/],
    ["/rooms/x?thenable", 200, /"key":"of a thenable"/],
  ])("answers %s with %i", async (path, status, text) => {
    const response = await server.fetch(path);
    expect([response.status, await response.text()]).toEqual([status, expect.stringMatching(text)]);
    const id = response.headers.get("x-request-id");
    expect(id).toMatch(/./);
    // One line of the access log, whoever answered.
    const answers = () => server.logs().filter(({ fields }) => fields["requestId"] === id && fields["status"] !== undefined);
    await expect.poll(answers).toHaveLength(1);
    expect(answers()[0]!.fields).toMatchObject({
      app: "rooms",
      deployment: "Room",
      method: "GET",
      path: path.split("?")[0],
      status,
      route: "/rooms",
    });
    expect(answers()[0]!.fields["replica"] === "").toBe(status !== 200);
  });

  it("answers with what the key's function throws as with what a handler returns: the prefix is back, an id of its own is kept", async () => {
    const response = await server.fetch("/rooms/x?redirect", { redirect: "manual" });
    expect([response.status, response.headers.get("location"), response.headers.get("x-request-id")]).toEqual([
      302,
      "/rooms/login",
      "of-the-key",
    ]);
  });

  it("gives a keyed handle to whoever asks for the application", async () => {
    const rooms_ = server.handle<edge.Application<object, true>>("rooms");
    expect(typeof rooms_.get("blue").options).toBe("function");
    await expect((rooms_ as unknown as { remote(): Promise<unknown> }).remote()).rejects.toMatchObject({ code: "CONFIG" });
  });
});

describe("the key of a request to a pool, where one may be made", () => {
  const ask = async (headers: Record<string, string> = {}) =>
    (await (await server.fetch("/guests", { headers })).json()) as { key: string; ordinal: number };

  it("is a new UUID, by which a client that repeats it reaches the same replica", async () => {
    const guests = await Promise.all(Array.from({ length: 12 }, () => ask()));
    expect(new Set(guests.map(({ key }) => key)).size).toBe(guests.length);
    expect(new Set(guests.map(({ ordinal }) => ordinal)).size).toBeGreaterThan(1);
    for (const { key, ordinal } of guests) {
      expect(key).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      expect(await ask({ "x-session-id": key })).toEqual({ key, ordinal });
    }
  });

  it("is not made for a request that has one", async () => {
    expect((await ask({ "x-session-id": "mine" })).key).toBe("mine");
  });
});

describe("the operator", () => {
  const api = (path: string, init?: RequestInit) =>
    server.fetch(`/-/api/${path}`, { ...init, headers: { authorization: `Bearer ${TOKEN}`, ...init?.headers } });

  it("sees that it is keyed", async () => {
    const { applications } = (await (await api("applications")).json()) as {
      applications: Record<string, { status: string; deployments: Record<string, object> }>;
    };
    expect(applications["shop"]!.status).toBe("RUNNING");
    expect(applications["shop"]!.deployments["Cart"]).toMatchObject({
      keyed: true,
      target_num_replicas: null,
      replicas: [],
      status: "HEALTHY",
    });
  });

  it("changes its configuration without a deploy", async () => {
    const before = newKey();
    expect(await carts.get(before).about.remote()).toMatchObject({ greeting: "hello" });
    const document = {
      applications: [
        {
          name: "shop",
          import_path: "keyed.ts:shop",
          route_prefix: null,
          rpc: true,
          deployments: [{ name: "Cart", user_config: { greeting: "hi" } }],
        },
        {
          name: "rooms",
          import_path: "keyed-rooms.ts:rooms",
          route_prefix: "/rooms",
          deployments: [{ name: "Room", user_config: { topic: "new" } }],
        },
      ],
    };
    const put = await api("applications", {
      method: "PUT",
      body: JSON.stringify(document),
      headers: { "content-type": "application/json" },
    });
    expect([put.status, await put.text()]).toEqual([expect.any(Number), expect.stringContaining("")]);
    expect(put.ok).toBe(true);
    // Over HTTP it comes with a request, whose handler sees nothing of it.
    const told = new Set<string>();
    const topic = async () => {
      const seen = (await (await server.fetch("/rooms/blue/topic")).json()) as { topic: string; cf: string[] };
      for (const name of seen.cf) told.add(name);
      return seen.topic;
    };
    await expect.poll(topic, { timeout: 6000 }).toBe("new");
    expect([...told].filter((name) => name.startsWith("edgeServe"))).toEqual([]);
    // An object that there is, and one that is new.
    for (const key of [before, newKey()]) {
      await expect.poll(async () => (await carts.get(key).about.remote()).greeting, { timeout: 6000 }).toBe("hi");
      // By a caller that its controller tells.
      await expect.poll(async () => (await server.handle<typeof shop>("shop").about.remote(key)).greeting, { timeout: 6000 }).toBe("hi");
    }
  });

  it("cannot scale it, and cannot say what means nothing for it", async () => {
    const scaled = await api("applications/shop/deployments/Cart/scale", {
      method: "POST",
      body: JSON.stringify({ target_num_replicas: 2 }),
    });
    expect(scaled.ok).toBe(false);
    const document = {
      applications: [{ name: "shop", import_path: "keyed.ts:shop", route_prefix: null, deployments: [{ name: "Cart", num_replicas: 2 }] }],
    };
    const put = await api("applications", { method: "PUT", body: JSON.stringify(document) });
    expect([put.status, await put.text()]).toEqual([400, expect.stringContaining("keyed")]);
  });
});
