import { abortAllDurableObjects, evictDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import type { ReplicaReport } from "../../src/protocol/control.ts";
import { decodeReply, encodeEnvelope, type WireReply } from "../../src/protocol/envelope.ts";

interface Stub {
  fetch(request: Request | string): Promise<Response>;
  call(envelope: string, method: string): Promise<WireReply>;
}

const worker = exports as unknown as {
  default: { fetch(url: string): Promise<Response> };
  default__Counter: { getByName(name: string): Stub };
  default__Front: { getByName(name: string): Stub };
  EdgeServeController: { getByName(name: string): { reportsOf(replica: string): Promise<ReplicaReport[]> } };
};

const get = async (path: string): Promise<{ status: number; value: unknown }> => {
  const response = await worker.default.fetch(`http://example.test${path}`);
  const text = await response.text();
  return { status: response.status, value: response.ok && text.startsWith("{") ? (JSON.parse(text) as { value: unknown }).value : text };
};

const envelope = encodeEnvelope({ requestId: "r", chain: ["default/Counter"], hops: 1 }, { id: "d", mode: "claim" });
const called = async (stub: Stub, method: string) => decodeReply(await stub.call(envelope, method));

describe("a replica's object", () => {
  it("keeps its instance between requests, and makes a new one after an eviction", async () => {
    const stub = worker.default__Counter.getByName(`default/Counter/-/${crypto.randomUUID()}`);
    const next = () => called(stub, "next");
    expect([await next(), await next()]).toEqual([
      { kind: "value", value: 1 },
      { kind: "value", value: 2 },
    ]);
    await evictDurableObject(stub as never);
    expect(await next()).toEqual({ kind: "value", value: 1 });
  });

  it("has storage that outlives the instance", async () => {
    const { value } = await get("/remember");
    await abortAllDurableObjects();
    expect((await get("/remember")).value).toBe((value as number) + 1);
  });

  it("takes an HTTP request that nothing came with for a first delivery, and gives it an id", async () => {
    const response = await worker.default__Front.getByName("default/Front/-/0.0").fetch("http://example.test/next");
    expect([response.status, response.headers.get("x-request-id")]).toEqual([200, expect.stringMatching(/^[0-9a-f-]{36}$/)]);
  });

  it("lets a call reach public methods of the user's class and nothing else", async () => {
    const stub = worker.default__Counter.getByName("default/Counter/-/0.0");
    for (const method of ["ctx", "env", "fetch", "alarm", "constructor", "#count", "toString"]) {
      const reply = await called(stub, method);
      expect([method, reply.kind]).toEqual([method, "error"]);
    }
  });

  it("that is lost answers 502, says why in no detail, and serves again afterwards", async () => {
    expect(await get("/crash")).toEqual({ status: 502, value: "Bad Gateway" });
    expect((await get("/next")).status).toBe(200);
  });

  it("whose instance fails to start tries again at the next request", async () => {
    expect((await get("/flaky")).status).toBe(503);
    expect((await get("/flaky")).status).toBe(503);
    expect(await get("/flaky")).toEqual({ status: 200, value: "started at attempt 3" });
  });

  it("tells what it has measured once its work is over, and begins anew after an eviction", async () => {
    const name = `default/Counter/-/${crypto.randomUUID()}`;
    const stub = worker.default__Counter.getByName(name);
    const told = async () =>
      (await worker.EdgeServeController.getByName("default").reportsOf(name)).flatMap(({ metrics }) => metrics ?? []);
    await Promise.all(["next", "next", "next", "nothing"].map((method) => called(stub, method)));
    await expect.poll(told, { timeout: 10_000 }).toHaveLength(1);
    await evictDurableObject(stub as never);
    await called(stub, "next");
    await expect.poll(told, { timeout: 10_000 }).toHaveLength(2);
    const [before, after] = await told();
    expect(before!.series).toMatchObject({ requests: [[[""], [3]]], errors: [[["", "MethodNotFoundError"], [1]]], ongoing: [[[], [0]]] });
    expect(after!.series).toMatchObject({ requests: [[[""], [1]]], errors: [] });
    expect(after!.startedAtMs).toBeGreaterThan(before!.startedAtMs);
  });
});
