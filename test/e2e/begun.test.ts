import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type Server } from "edge-serve/testing";
import type { http, single } from "./apps/begun.ts";

let server: Server;
let count = 0;
const next = () => `request-${count++}`;

beforeAll(async () => {
  server = await serve("test/e2e/apps/begun.yaml");
});
afterAll(() => server.stop());

const front = (app: "single" | "pair" | "waiting") => server.handle<typeof single>(app);
const BEGUN = { code: "REPLICA_UNAVAILABLE", status: 502 };

describe("a call whose replica dies once it has been sent", () => {
  it.each(["at once", "after a durable row", "after a pending row"] as const)("fails, and is not run again: %s", async (death) => {
    const id = next();
    expect(await front("single").remote(id, death)).toMatchObject(BEGUN);
    expect(await front("single").runsOf.remote(id)).toBeLessThanOrEqual(death === "at once" ? 0 : 1);
  });

  it("never runs twice when it waited behind others whose writes are pending", async () => {
    for (let round = 0; round < 30; round++) {
      const ids = [next(), next(), next()] as const;
      await front("single").together.remote([
        [ids[0], "none", 0],
        [ids[1], "none", 0],
        [ids[2], "after a durable row", 0],
      ]);
      for (const id of ids) expect([id, await front("single").runsOf.remote(id)]).toEqual([id, expect.toBeOneOf([0, 1])]);
    }
  });
});

describe("a call that waits for its slot when its replica dies", () => {
  it.each(["waiting", "pair"] as const)("has not begun, and is tried again: %s", async (app) => {
    const first = next();
    const waiting = Array.from({ length: 6 }, next);
    const outcomes = await front(app).together.remote([
      [first, "after a durable row", 200],
      ...waiting.map((id) => [id, "none", 20] as const),
    ]);
    expect(outcomes[0]).toMatchObject(BEGUN);
    for (const { id, result } of outcomes.slice(1)) expect([id, result]).toEqual([id, id]);
    for (const id of waiting) expect([id, await front(app).runsOf.remote(id)]).toEqual([id, 1]);
  });
});

describe("a slot that is granted to a caller who has died", () => {
  it("is free at once", async () => {
    const holding = front("single").remote(next(), "none", 500);
    await expect(front("single").waitAndDie.remote()).rejects.toMatchObject(BEGUN);
    await Promise.allSettled([holding]);
    const startedAt = Date.now();
    const id = next();
    expect(await front("single").remote(id, "none")).toMatchObject({ result: id });
    expect(Date.now() - startedAt).toBeLessThan(1500);
  });
});

describe("a stream whose replica dies", () => {
  it("gives its items, and then says that the replica was lost", async () => {
    expect(await front("single").items.remote(next(), 2)).toEqual({ items: [0, 1], code: "REPLICA_UNAVAILABLE" });
  });

  it("says so of a body, too", async () => {
    expect(await front("single").bodies.remote()).toEqual(["REPLICA_UNAVAILABLE", "REPLICA_UNAVAILABLE"]);
  });

  it("says so to a caller from outside", async () => {
    const items: number[] = [];
    const read = async () => {
      for await (const item of server.handle<typeof http>("http").stream.remote(next(), 2)) items.push(item);
    };
    await expect(read()).rejects.toMatchObject({ code: "REPLICA_UNAVAILABLE" });
    expect(items).toEqual([0, 1]);
  });
});

describe("an HTTP request whose replica dies", () => {
  it.each(["at once", "after a durable row"])("is 502 without Retry-After once it has been sent: %s", async (death) => {
    const response = await server.fetch(`/http?id=${next()}&death=${encodeURIComponent(death)}`);
    expect([response.status, response.headers.get("retry-after")]).toEqual([502, null]);
  });

  it("is tried again while it waits", async () => {
    const id = next();
    const first = server.fetch(`/http?id=${next()}&death=${encodeURIComponent("after a durable row")}&ms=300`);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const second = await server.fetch(`/http?id=${id}&death=none`);
    expect([(await first).status, second.status, await second.text()]).toEqual([502, 200, id]);
  });
});
