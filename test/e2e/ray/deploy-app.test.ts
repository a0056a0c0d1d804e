/** Ray Serve's test_deploy_app.py, translated. */
import { readFileSync } from "node:fs";
import { serve, type Server } from "edge-serve/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { applicationsOf, deploymentOf, putDocument, TOKEN } from "../../support/operated.ts";

const CONFIG = "test/e2e/ray/apps/deploy-app.yaml";

interface Entry {
  readonly name: string;
  readonly deployments?: readonly object[];
}

const ENTRIES = (parse(readFileSync(CONFIG, "utf8")) as { readonly applications: readonly Entry[] }).applications;

let server: Server;

beforeAll(async () => {
  server = await serve(CONFIG, { token: TOKEN, quiet: true });
});
afterAll(() => server.stop());

const order = (app: string, ...asked: [string, number]) => server.fetch(`/${app}`, { method: "POST", body: JSON.stringify(asked) });
const answer = async (app: string, ...asked: [string, number]) => (await order(app, ...asked)).text();

async function put(applications: readonly Entry[]): Promise<void> {
  expect((await putDocument(server, { applications })).status).toBe(200);
}

/** The document with other deployments for `app1`. */
const withApp1 = (...deployments: object[]) => ENTRIES.map((entry) => (entry.name === "app1" ? { ...entry, deployments } : entry));

const isRunning = async () => Object.values(await applicationsOf(server)).every(({ status }) => status === "RUNNING");

beforeEach(async () => {
  await put(ENTRIES);
  await expect.poll(isRunning).toBe(true);
});

describe("a config with two applications", () => {
  it("has them answer by their own configurations", async () => {
    expect(await answer("app1", "ADD", 2)).toBe("4 pizzas please!");
    expect(await answer("app1", "MUL", 3)).toBe("9 pizzas please!");
    expect(await answer("app2", "ADD", 2)).toBe("5 pizzas please!");
    expect(await answer("app2", "MUL", 3)).toBe("12 pizzas please!");
  });

  it("changes what replicas are configured with, without another start", async () => {
    expect(await answer("app1", "ADD", 2)).toBe("4 pizzas please!");
    const before = (await deploymentOf(server, "app1", "Adder"))!.replicas;
    await put(withApp1({ name: "Adder", user_config: { increment: -1 } }, { name: "Multiplier", user_config: { factor: 4 } }));
    await expect.poll(() => answer("app1", "ADD", 2)).toBe("1 pizzas please!");
    expect(await answer("app1", "MUL", 3)).toBe("12 pizzas please!");
    expect(await answer("app2", "ADD", 2)).toBe("5 pizzas please!");
    expect((await deploymentOf(server, "app1", "Adder"))!.replicas).toEqual(before);
  });

  it("grows by eight replicas when the numbers say so", async () => {
    const count = async () => {
      const { deployments } = (await applicationsOf(server))["app1"]!;
      return Object.values(deployments).reduce((sum, { replica_states }) => sum + (replica_states.RUNNING ?? 0), 0);
    };
    expect(await count()).toBe(3);
    await put(withApp1({ name: "Adder", num_replicas: 5 }, { name: "Multiplier", num_replicas: 5 }));
    await expect.poll(count).toBe(11);
    expect(await answer("app1", "MUL", 3)).toBe("9 pizzas please!");
  });

  it("says when it was deployed last, which is later with each change", async () => {
    const time = async (app: string) => (await applicationsOf(server))[app]!.last_deployed_time_s;
    const [first, other] = [await time("app1"), await time("app2")];
    expect(first * 1000).toBeLessThanOrEqual(Date.now());
    await put(withApp1({ name: "Adder", user_config: { increment: 7 } }));
    await expect.poll(() => time("app1")).toBeGreaterThan(first);
    expect(await time("app2")).toBe(other);
  });

  it("takes applications away that are no longer in it, while the others serve", async () => {
    await put(ENTRIES.filter(({ name }) => name === "app3"));
    await expect.poll(async () => Object.keys(await applicationsOf(server))).toEqual(["app3"]);
    expect([(await order("app1", "ADD", 2)).status, (await order("app2", "ADD", 2)).status]).toEqual([404, 404]);
    expect(await answer("app3", "ADD", 2)).toBe("4 pizzas please!");
  });
});
