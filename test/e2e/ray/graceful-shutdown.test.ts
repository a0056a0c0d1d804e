/** Ray Serve's test_graceful_shutdown.py, translated. */
import { ReplicaUnavailableError } from "edge-serve";
import { serve, type Server } from "edge-serve/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { StatusDocument } from "../../../src/protocol/status.ts";
import type { patient } from "./apps/graceful-shutdown.ts";
import type { app } from "./apps/signals.ts";

const TOKEN = "secret";
const HEADERS = { authorization: `Bearer ${TOKEN}` };

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/ray/apps/graceful-shutdown.yaml", { token: TOKEN, quiet: true });
});
afterAll(() => server.stop());

const signals = () => server.handle<typeof app>("signals");
const held = (name: string) => server.handle<typeof patient>(name);

async function statesOf(name: string): Promise<Partial<Record<string, number>> | undefined> {
  const { applications } = (await (await server.fetch("/-/api/applications", { headers: HEADERS })).json()) as StatusDocument;
  return applications[name]?.deployments["Held"]?.replica_states;
}

async function remove(name: string): Promise<void> {
  const { status } = await server.fetch(`/-/api/applications/${name}`, { method: "DELETE", headers: HEADERS });
  expect(status).toBe(200);
}

const disposedIn = (name: string) => (message: string, fields: Readonly<Record<string, unknown>>) =>
  message === "disposed" && String(fields["replica"]).startsWith(`${name}/`);
const disposals = (name: string) => server.logs().filter(({ message, fields }) => disposedIn(name)(message, fields)).length;
const whenDisposed = (name: string) => server.waitForLog(({ message, fields }) => disposedIn(name)(message, fields));

describe("a replica that is taken away", () => {
  it("stops at once when it is idle, and disposes of its class", async () => {
    expect(await held("idle").remote()).toBe("idle/Held/-/0.0");
    const startedAt = performance.now();
    await remove("idle");
    await whenDisposed("idle");
    await expect.poll(() => statesOf("idle")).toBeUndefined();
    // Far less than the 20 s that a request would have had.
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  it("finishes the request that it runs, takes no other, and disposes of its class once", async () => {
    const request = held("patient").hold.remote("patient");
    await signals().whenWaiting.remote("patient", 1);
    await remove("patient");
    await expect.poll(() => statesOf("patient")).toEqual({ DRAINING: 1 });
    expect((await server.fetch("/patient")).status).toBe(404);
    expect(disposals("patient")).toBe(0);
    await signals().send.remote("patient");
    expect(await request).toBe("patient/Held/-/0.0");
    await whenDisposed("patient");
    await expect.poll(() => statesOf("patient")).toBeUndefined();
    expect(disposals("patient")).toBe(1);
  });

  it("is given no time with a timeout of 0: its request fails, and the signal says why", async () => {
    const request = held("hasty").hold.remote("hasty");
    await signals().whenWaiting.remote("hasty", 1);
    await remove("hasty");
    await expect(request.result()).rejects.toThrow(ReplicaUnavailableError);
    await expect(request.result()).rejects.toThrow("The replica was taken out of service");
    await whenDisposed("hasty");
    await expect.poll(() => statesOf("hasty")).toBeUndefined();
    await signals().send.remote("hasty");
  });

  it("is cut off when its request does not end by itself", async () => {
    const request = held("stubborn").hang.remote("stubborn");
    await signals().whenWaiting.remote("stubborn", 1);
    await remove("stubborn");
    await expect(request.result()).rejects.toThrow(ReplicaUnavailableError);
    await expect.poll(() => statesOf("stubborn")).toBeUndefined();
    await signals().send.remote("stubborn");
  });

  it("leaves new requests to the others, and no client sees an error", async () => {
    const both = held("spread").hold.broadcast("spread");
    await signals().whenWaiting.remote("spread", 2);
    const scaled = await server.fetch("/-/api/applications/spread/deployments/Held/scale", {
      method: "POST",
      headers: HEADERS,
      body: JSON.stringify({ target_num_replicas: 1 }),
    });
    expect(scaled.status).toBe(200);
    const answers = await Promise.all(Array.from({ length: 100 }, () => held("spread").remote()));
    expect(answers).toHaveLength(100);
    await expect.poll(() => statesOf("spread")).toEqual({ RUNNING: 1, DRAINING: 1 });
    const later = await Promise.all(Array.from({ length: 50 }, async () => (await server.fetch("/spread")).text()));
    expect(new Set(later)).toEqual(new Set(["spread/Held/-/0.0"]));
    await signals().send.remote("spread");
    expect((await both).map((one) => one.status === "fulfilled" && one.value)).toEqual(["spread/Held/-/0.0", "spread/Held/-/1.0"]);
    await whenDisposed("spread");
    await expect.poll(() => statesOf("spread")).toEqual({ RUNNING: 1 });
    expect(disposals("spread")).toBe(1);
  });
});
