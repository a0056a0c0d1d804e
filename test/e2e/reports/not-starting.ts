/** What is told of an application whose class does not start. Part of `reports.test.ts`. */
import { describe, it } from "vitest";
import { serve } from "edge-serve/testing";
import { applicationsOf, AUTHORIZED, TOKEN } from "../../support/operated.ts";

describe.concurrent("a class that does not start", () => {
  it("ends in DEPLOY_FAILED, with the message", async ({ expect }) => {
    await using broken = await serve("test/e2e/apps/broken.yaml", { token: TOKEN, quiet: true });
    const status = async () => (await applicationsOf(broken))["broken"]!;
    await expect.poll(async () => (await status()).status).toBe("DEPLOY_FAILED");
    expect((await status()).message).toContain("there are no weights");
    // For an operator, and in a field of its own; nobody else is told.
    const stack = expect.stringMatching(/^Error: there are no weights\n +at new Broken \(/);
    expect((await status()).deployments).toMatchObject({ Broken: { stack } });
    expect(await (await broken.fetch("/-/dashboard", { headers: AUTHORIZED })).text()).toMatch(/^ +at new Broken \(/m);
    expect(await (await broken.fetch("/")).text()).not.toContain("Broken (");
    expect((await broken.fetch("/-/healthz")).status).toBe(503);
    expect((await broken.fetch("/")).status).toBe(503);
    // Its object has told of the request since, and is not taken for a replica that runs.
    const told = async () => (await broken.fetch("/-/api/metrics", { headers: AUTHORIZED })).text();
    await expect.poll(told, { timeout: 60_000 }).toMatch(/^serve_deployment_error_counter_total\{.*\} [1-9]/m);
    expect((await status()).deployments).toMatchObject({ Broken: { status: "DEPLOY_FAILED", replica_states: { STARTING: 1 } } });
  });
});
