/** Ray Serve's test_healthcheck.py, translated. */
import { serve, type Server } from "edge-serve/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { applicationsOf, deploymentOf, TOKEN } from "../../support/operated.ts";
import type { epidemic, patient } from "./apps/healthcheck.ts";

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/ray/apps/healthcheck.yaml", { token: TOKEN, quiet: true });
});
afterAll(() => server.stop());

const handle = (app: string) => server.handle<typeof patient>(app);
const replicasOf = async (app: string) =>
  (await deploymentOf(server, app, "Patient"))!.replicas.map(({ replica_id }) => replica_id).toSorted();

/** Only a replica that works is checked, so it is kept at work meanwhile. */
async function whenReplaced(app: string, replica: string): Promise<void> {
  await expect.poll(async () => await handle(app).remote(), { timeout: 20_000 }).not.toBe(replica);
}

describe("a replica that falls ill", () => {
  it.each(["fails", "hangs"] as const)("is replaced when its check %s, and 100 requests are answered", async (condition) => {
    const replica = await handle(condition).fall.remote(condition);
    await whenReplaced(condition, replica);
    const answers = await Promise.all(Array.from({ length: 100 }, () => handle(condition).remote()));
    expect(new Set(answers)).toEqual(new Set([`${condition}/Patient/-/0.1`]));
    await expect.poll(async () => (await deploymentOf(server, condition, "Patient"))!.status).toBe("HEALTHY");
  });

  it("is replaced alone: of two replicas the other one stays", async () => {
    const replica = await handle("two").fall.remote("fails");
    const [, place, other] = replica === "two/Patient/-/0.0" ? ["", 0, "two/Patient/-/1.0"] : ["", 1, "two/Patient/-/0.0"];
    const expected = [other, `two/Patient/-/${place}.1`].toSorted();
    await expect
      .poll(
        async () => {
          await Promise.all(Array.from({ length: 10 }, () => handle("two").remote()));
          return replicasOf("two");
        },
        { timeout: 20_000 },
      )
      .toEqual(expected);
    await expect.poll(async () => (await deploymentOf(server, "two", "Patient"))!.replica_states).toEqual({ RUNNING: 2 });
    expect(await replicasOf("two")).toEqual(expected);
  });

  it("is not replaced when every other of ten checks fails", async () => {
    const replica = await handle("flaky").fall.remote("fails every other time");
    const checked = async () => {
      expect(await handle("flaky").remote()).toBe(replica);
      return handle("flaky").checked.remote();
    };
    await expect.poll(checked, { timeout: 20_000 }).toBeGreaterThanOrEqual(10);
    expect(await replicasOf("flaky")).toEqual([replica]);
  });

  it("is replaced after exactly three failures, twice in a row", async () => {
    for (const incarnation of [0, 1]) {
      const replica = await handle("three").fall.remote("fails");
      expect(replica).toBe(`three/Patient/-/0.${incarnation}`);
      await whenReplaced("three", replica);
      const failures = server.logs().filter(({ message, fields }) => message === "the check fails" && fields["replica"] === replica);
      expect(failures).toHaveLength(3);
    }
  });
});

describe("a class that is never well", () => {
  it("does not get through its deploy, and the status says why", async () => {
    await expect.poll(async () => (await applicationsOf(server))["never"]?.status, { timeout: 20_000 }).toBe("DEPLOY_FAILED");
    const { message } = (await applicationsOf(server))["never"]!;
    expect(message).toContain("its first checkHealth() threw Error: never well");
    expect((await server.fetch("/never")).status).toBe(503);
  });

  it("is UNHEALTHY, and stays so, when it was well before", async () => {
    const infected = server.handle<typeof epidemic>("epidemic");
    expect(await infected.remote()).toBe("well");
    await infected.break.remote();
    const status = async () => {
      await infected
        .remote()
        .result()
        .catch(() => {});
      return (await applicationsOf(server))["epidemic"]?.status;
    };
    await expect.poll(status, { timeout: 20_000 }).toBe("UNHEALTHY");
    // The next one is no better: it does not start.
    const next = async () => (await deploymentOf(server, "epidemic", "Infected"))!.replicas;
    const failed = { replica_id: "epidemic/Infected/-/0.1", state: "STARTING", message: expect.stringContaining("everybody is ill") };
    await expect.poll(next, { timeout: 30_000 }).toMatchObject([failed]);
    expect((await server.fetch("/epidemic")).status).toBe(503);
    expect((await applicationsOf(server))["epidemic"]).toMatchObject({
      status: "UNHEALTHY",
      message: expect.stringContaining("everybody is ill"),
    });
  });
});
