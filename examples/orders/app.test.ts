/** The deployments in this process, and the Worker as wrangler deploys it, with events of all kinds. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { D1Database } from "@cloudflare/workers-types";
import * as serve from "edge-serve";
import { runLocal } from "edge-serve/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createTestHarness, type TestHarness } from "wrangler";
import { Pricing } from "./pricing.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

describe("pricing", () => {
  const pricing = runLocal(serve.deployment(Pricing, { userConfig: { tea: 450, cup: 1200 } }).bind());

  it("adds up what the operator's prices say", async () => {
    const lines = [
      { product: "tea", quantity: 1 },
      { product: "cup", quantity: 2 },
    ];
    expect(await pricing.total.remote(lines)).toBe(2850);
  });

  it.each([
    [[], "An order is a list"],
    [[{ product: "sofa", quantity: 1 }], "no product sofa"],
    [[{ product: "tea", quantity: 0.5 }], "How many of tea?"],
  ])("refuses %j", async (lines, message) => {
    const refused = { name: "Refused", status: 400, message: expect.stringContaining(message) };
    await expect(pricing.total.remote(lines)).rejects.toMatchObject(refused);
  });
});

describe("the Worker", () => {
  let harness: TestHarness;
  const worker = () => harness.getWorker<{ DB: D1Database }>();

  beforeAll(async () => {
    // In a project of its own this is the script "pretest": "edge-serve build --frozen".
    execFileSync(process.execPath, [here("../../dist/src/cli/main.js"), "build", "--frozen"], { cwd: here(".") });
    const configPath = here("wrangler.edge-serve.json");
    harness = createTestHarness({ workers: [{ configPath, secrets: { EDGE_SERVE_TOKEN: "open sesame" } }] });
    await harness.listen();
    // The first request starts the replicas, whose setup() makes the table.
    await ask("GET", "/orders/none");
  });
  afterAll(() => harness?.close());

  async function ask<T = unknown>(method: string, path: string, body?: string): Promise<{ status: number; body: T }> {
    const headers = { authorization: "Bearer open sesame" };
    const response = await harness.fetch(path, { method, headers, ...(body === undefined ? {} : { body }) });
    return { status: response.status, body: (await response.json()) as T };
  }

  interface Task {
    readonly state: string;
    readonly attempts: number;
    readonly error?: { readonly name: string };
  }
  const tasks = async () => (await ask<{ tasks: Task[] }>("GET", "/-/api/tasks")).body.tasks;

  /** An order whose message never got to the queue. */
  async function storeUnsent(id: string): Promise<void> {
    const { DB } = await worker().getEnv();
    await DB.prepare("INSERT INTO orders VALUES (?, 450, 0, NULL)").bind(id).run();
  }

  /** As the platform delivers it. Ids of the messages that the Worker says it is done with. */
  async function deliver(id: string, body: string): Promise<string[]> {
    const consumer = (await worker().getExport()) as unknown as QueueConsumer;
    return (await consumer.queue("orders-placed", [{ id, body, timestamp: new Date(), attempts: 1 }])).explicitAcks;
  }
  interface QueueConsumer {
    queue(name: string, messages: readonly object[]): Promise<{ explicitAcks: string[] }>;
  }

  const untilFulfilled = (id: string) =>
    expect.poll(async () => (await ask("GET", `/orders/${id}`)).body).toMatchObject({ fulfilled_at: expect.any(Number) });

  it("takes an order over HTTP, and fulfils it by way of the queue", async () => {
    const lines = '[{ "product": "tea", "quantity": 1 }, { "product": "cup", "quantity": 2 }]';
    expect(await ask("POST", "/quotes", lines)).toEqual({ status: 200, body: { total: 2850 } });
    const { status, body: order } = await ask<{ id: string }>("POST", "/orders", lines);
    expect({ status, order }).toMatchObject({ status: 202, order: { total: 2850, fulfilled_at: null } });
    await untilFulfilled(order.id);
  });

  it("makes one task of a message that is delivered twice, and is done with it", async () => {
    await storeUnsent("twice");
    const before = (await tasks()).length;
    for (const _ of ["once", "again"]) expect(await deliver("message-1", "twice")).toEqual(["message-1"]);
    await untilFulfilled("twice");
    expect(await tasks()).toHaveLength(before + 1);
  });

  it("tries an order that does not exist once", async () => {
    await deliver("message-2", "nobody's");
    const failed = { state: "FAILED", attempts: 1, error: expect.objectContaining({ name: "UnknownOrder" }) };
    await expect.poll(tasks).toContainEqual(expect.objectContaining(failed));
  });

  it("sends orders to the queue whose message was lost, at the times of its cron", async () => {
    await storeUnsent("lost");
    await worker().scheduled({ cron: "*/10 * * * *" });
    await untilFulfilled("lost");
  });

  it.each([
    { what: "an order that is not there", request: { path: "/orders/nobody's" }, status: 404, error: "There is no such order." },
    { what: "what is not JSON", request: { path: "/orders", lines: "{" }, status: 400, error: "The body is not JSON." },
    {
      what: "what it does not sell",
      request: { path: "/orders", lines: '[{ "product": "sofa", "quantity": 1 }]' },
      status: 400,
      error: "There is no product sofa.",
    },
  ])("refuses $what", async ({ request: { path, lines }, status, error }) => {
    expect(await ask(lines === undefined ? "GET" : "POST", path, lines)).toEqual({ status, body: { status, error } });
  });
});
