/** What is not a plain request and answer, through a prefix that applications share. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type Server } from "edge-serve/testing";
import { AUTHORIZED, putDocument, TOKEN } from "../support/operated.ts";

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/apps/traffic.yaml", { token: TOKEN, quiet: true });
  const applications = ["v1", "v2"].map((name) => ({ name, route_prefix: null, import_path: "traffic.ts:named" }));
  const routes = [{ prefix: "/s", split: [{ application: "v1", percent: 100 }], shadow: { application: "v2", percent: 100 } }];
  expect((await putDocument(server, { applications, routes })).status).toBe(200);
});
afterAll(() => server?.stop());

describe("a prefix that applications share", () => {
  it("carries WebSockets, which have no shadow", async () => {
    const socket = new WebSocket(`${server.url.replace(/^http/, "ws").replace(/\/$/, "")}/s/chat`);
    const heard = await new Promise<unknown>((resolve, reject) => {
      socket.addEventListener("open", () => socket.send("hello"));
      socket.addEventListener("message", ({ data }) => resolve(data));
      socket.addEventListener("error", reject);
    });
    expect(heard).toBe("v1 /chat hello");
    socket.close();
    const metrics = async () => (await server.fetch("/-/api/metrics", { headers: AUTHORIZED })).text();
    await expect.poll(metrics).toContain('serve_shadow_requests_total{application="v2",outcome="skipped"} 1');
  });

  it("carries bodies of any size, and of unknown length, to the application that answers", async () => {
    for (const size of [0, 1, 65_536, 65_537, 3_000_000]) {
      for (const body of ["x".repeat(size), new Blob(["x".repeat(size)]).stream()]) {
        const response = await server.fetch("/s/x", { method: "POST", body, duplex: "half" } as RequestInit);
        const answer = (await response.json()) as { app: string; body: string };
        expect([response.status, answer.app, answer.body.length]).toEqual([200, "v1", size]);
      }
    }
  });
});
