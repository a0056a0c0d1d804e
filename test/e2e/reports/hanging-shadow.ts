/** What is counted of a shadow that never answers: it is given up after 20 s. Part of `reports.test.ts`. */
import { describe, it } from "vitest";
import { serve } from "edge-serve/testing";
import { putDocument, shadowsIn, TOKEN } from "../../support/operated.ts";
import { documentOf, split, TRAFFIC_TARGET } from "../../support/traffic-document.ts";

describe.concurrent("a shadow that hangs", () => {
  it("is counted as failed", { timeout: 90_000 }, async ({ expect }) => {
    await using server = await serve(TRAFFIC_TARGET, { token: TOKEN, quiet: true });
    const shadowed = { prefix: "/s", split: split({ v1: 100 }), shadow: { application: "hangs", percent: 100 } };
    expect((await putDocument(server, documentOf([shadowed]))).status).toBe(200);
    for (let request = 0; request < 5; request++) {
      const response = await server.fetch("/s/x");
      expect([response.status, await response.json()]).toEqual([200, expect.objectContaining({ app: "v1" })]);
    }
    await expect.poll(() => shadowsIn(server, "hangs"), { timeout: 60_000, interval: 200 }).toMatchObject({ failed: 5 });
  });
});
