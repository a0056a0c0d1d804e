/**
 * Inline deployments in workerd: contract section 14. What holds for any deployment is in the suites that `inline-*.test.ts` run again.
 */
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type Server } from "edge-serve/testing";
import type { app, edge } from "./apps/inline.ts";
import { readPrometheus } from "../support/prometheus.ts";

const TOKEN = "secret";
const AUTHORIZED = { authorization: `Bearer ${TOKEN}` };

let server: Server;
beforeAll(async () => {
  server = await serve("test/e2e/apps/inline.yaml", { token: TOKEN, quiet: true });
});
afterAll(() => server.stop());

const front = () => server.handle<typeof app>("objects");
const get = (path: string, init?: RequestInit) => server.fetch(path, init);
const json = async (path: string, init?: RequestInit) => (await (await get(path, init)).json()) as Record<string, unknown>;
const api = (path: string, method = "GET", body?: unknown) =>
  server.fetch(`/-/api/${path}`, { method, headers: AUTHORIZED, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });

/** Sends a request, and resets the connection a moment later. */
function sendAndLeave(path: string, afterMs: number): Promise<void> {
  const { hostname, port, host } = new URL(server.url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname, () => socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`));
    setTimeout(() => socket.resetAndDestroy(), afterMs);
    socket.on("error", () => {});
    socket.on("close", () => resolve());
  });
}

describe("in a replica", () => {
  it("answers", async () => {
    expect(await front().remote()).toEqual(["a", "b", "c"]);
  });

  it("is one instance for each caller, however it got the handle, and goes by its caller's name", async () => {
    const seen = new Map<string, number>();
    for (let n = 0; n < 60 && seen.size < 2; n++) {
      const { replica, all } = await front().ways.remote();
      const [first] = all;
      expect(all).toEqual(all.map(() => first));
      expect(first).toMatchObject({ appName: "objects", deployment: "Tokenizer", replicaId: replica, ordinal: 0, setups: 1 });
      seen.set(replica, first!.instance);
    }
    expect(new Set(seen.values()).size).toBe(2);
  });

  it("has no state, and says why", async () => {
    await expect(front().state.remote()).rejects.toThrow(/Tokenizer.*inline.*no Durable Object/);
  });

  it("gets copies, and gives copies", async () => {
    expect(await front().change.remote()).toEqual({ given: { text: "as it was" }, got: { text: "changed" } });
  });

  it("queues what it does not run, and refuses what is more", async () => {
    const settled = await front().crowd.remote(12, 30);
    const refused = settled.flatMap((one) => (one.status === "rejected" ? [(one.reason as Error).name] : []));
    expect([settled.length, refused]).toEqual([12, ["BackPressureError", "BackPressureError"]]);
  });

  it("batches by instance", async () => {
    expect(await front().embed.remote(4)).toEqual([4, 4, 4, 4]);
  });
});

describe("in the Worker", () => {
  it("keeps the first of the instances that 50 first requests make, of which half are left", async () => {
    const half = Array.from({ length: 25 }, (_, n) => n);
    const left = half.map((n) => sendAndLeave("/edge/about", 20 + 7 * n));
    const answers = await Promise.all(half.map(() => get("/edge/about")));
    await Promise.all(left);
    expect(answers.map(({ status }) => status)).toEqual(half.map(() => 200));
    const instances = (await Promise.all(answers.map((answer) => answer.json()))) as { instance: number }[];
    const now = await json("/edge/about");
    expect(now).toMatchObject({ replicaId: "", setups: 1 });
    expect(new Set(instances.map(({ instance }) => instance))).toEqual(new Set([now["instance"]]));
    // Whoever has left has left no slot behind.
    const all = await Promise.all(Array.from({ length: 60 }, () => get("/edge/hold?ms=300")));
    expect(all.map(({ status }) => status)).toEqual(all.map(() => 200));
  });

  it("refuses what is more than it runs, at once", async () => {
    const held = [get("/small/hold?ms=600"), get("/small/hold?ms=600")];
    await expect.poll(async () => (await get("/small/hold?ms=0")).status).toBe(503);
    const refused = await get("/small/hold?ms=0");
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await get("/small/hold?ms=0")).status).toBe(200);
  });

  it("gets the slot of a request back that the platform has ended", async () => {
    const hung = await Promise.all([get("/small/hang"), get("/small/hang")]);
    expect(hung.map(({ status }) => status)).toEqual([500, 500]);
    await expect.poll(async () => (await get("/small/hold?ms=0")).status, { timeout: 5000, interval: 200 }).toBe(200);
  });

  it("gets the slots of those back that leave while they are held", async () => {
    await Promise.all([sendAndLeave("/small/hold?ms=400", 50), sendAndLeave("/small/hold?ms=400", 50)]);
    await expect.poll(async () => (await get("/small/hold?ms=0")).status, { timeout: 5000 }).toBe(200);
  });

  it("calls replicas, request after request", async () => {
    for (const text of ["one", "two", "three"]) {
      expect(await (await get("/edge/far", { method: "POST", body: text })).text()).toMatch(new RegExp(`^${text} edge/Far/-/0`));
    }
  });

  it.each([
    { way: "bound", last: 24 },
    { way: "named", last: 24 },
    { way: "deleted", last: undefined },
  ])("calls the object of a key in order, request after request, and many at once: $way", async ({ way, last }) => {
    const three = async () => (await (await get(`/keys/${way}?key=${way}`)).json()) as number[];
    const counts = [await three(), await three(), await three()];
    if (last === undefined) return expect(counts).toEqual([1, 2, 3].map(() => [1, 2, 3]));
    counts.push(...(await Promise.all(Array.from({ length: 5 }, three))));
    for (const one of counts) expect(one).toEqual(one.toSorted((a, b) => a - b));
    expect(counts.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: last }, (_, n) => n + 1));
  });

  it("puts the calls of one request into a batch, and those of none other", async () => {
    const answers = await Promise.all([get("/edge/embed?count=5"), get("/edge/embed?count=3"), get("/edge/embed?count=1")]);
    expect(await Promise.all(answers.map((answer) => answer.json()))).toEqual([[5, 5, 5, 5, 5], [3, 3, 3], [1]]);
  });

  it("loads a model for each first request, and keeps the first", async () => {
    const headers = { "serve-multiplexed-model-id": "m" };
    const left = [30, 60, 90].map((ms) => sendAndLeave("/edge/model", ms));
    const first = await Promise.all(Array.from({ length: 10 }, () => json("/edge/model", { headers })));
    const [{ number }] = first as [{ number: number }];
    expect(first).toEqual(first.map(() => ({ id: "m", number })));
    await Promise.all(left);
    expect(await json("/edge/model", { headers })).toEqual({ id: "m", number });
  });

  it("is the same instance for handles from outside and for the ingress", async () => {
    const { instance } = await json("/edge/about");
    expect(await server.handle<typeof edge>("edge").about.remote()).toEqual({ instance, replicaId: "" });
  });
});

describe("the operator", () => {
  const deploymentsOf = async (name: string) =>
    (
      (await (await api("applications")).json()) as {
        applications: Record<string, { status: string; deployments: Record<string, object> }>;
      }
    ).applications[name]!;

  it("sees which deployments are inline", async () => {
    const { status, deployments } = await deploymentsOf("objects");
    expect([status, deployments["Tokenizer"]]).toEqual([
      "RUNNING",
      expect.objectContaining({ inline: true, target_num_replicas: null, replicas: [], status: "HEALTHY" }),
    ]);
    expect(deployments["Front"]).not.toHaveProperty("inline");
    expect((await get("/-/healthz")).status).toBe(200);
  });

  it("cannot scale one", async () => {
    const response = await api("applications/objects/deployments/Tokenizer/scale", "POST", { target_num_replicas: 2 });
    expect([response.status, await response.text()]).toEqual([409, expect.stringContaining("inline")]);
  });

  const document = (tokenizer: object) => ({
    applications: ["objects", "edge", "small"].map((name) => ({
      name,
      route_prefix: `/${name}`,
      import_path: `inline.ts:${name === "objects" ? "app" : name}`,
      deployments: name === "small" ? [] : [{ name: "Tokenizer", ...tokenizer }],
    })),
  });

  it.each([
    [{ num_replicas: 2 }, ["num_replicas", "inline"]],
    [{ health_check_period_s: 5 }, ["health_check_period_s", "inline"]],
    [{ retries: { attempts: 1 } }, ["retries", "inline"]],
    [{ tasks: {} }, ["tasks", "inline"]],
    [{ placement: {} }, ["placement", "deploy"]],
  ])("cannot put %j", async (options, mentioned) => {
    const response = await api("applications", "PUT", document(options));
    const text = await response.text();
    expect(response.status).toBe(400);
    for (const word of mentioned) expect(text).toContain(word);
  });

  it("changes its configuration with its callers'", async () => {
    const before = (await front().about.remote()) as { config: unknown };
    expect(before.config).toBe("compiled");
    expect((await api("applications", "PUT", document({ user_config: { version: 2 } }))).status).toBe(200);
    for (let n = 0; n < 10; n++)
      await expect.poll(async () => ((await front().about.remote()) as { config: unknown }).config).toEqual({ version: 2 });
    await expect.poll(async () => (await json("/edge/tokenizer"))["config"]).toEqual({ version: 2 });
    const { instance, setups } = (await json("/edge/tokenizer")) as { instance: number; setups: number };
    expect([typeof instance, setups]).toEqual(["number", 1]);
  });

  it("reads back what it can put", async () => {
    const config = await (await api("config")).json();
    expect((await api("applications", "PUT", config)).status).toBe(200);
  });

  it("sees its requests under its callers' names, every one of them", async () => {
    const requests = async () =>
      readPrometheus(await (await api("metrics")).text())
        .get("serve_deployment_request_counter_total")!
        .samples.filter(({ labels }) => labels["deployment"] === "Tokenizer" || labels["deployment"] === "Small");
    const countOf = async (app: string, deployment: string) =>
      (await requests())
        .filter(({ labels }) => labels["application"] === app && labels["deployment"] === deployment)
        .map(({ labels, value }) => [labels["replica"]!.replace(/\d\.0$/, "n"), value] as const);
    await Promise.all([front().remote(), get("/edge/tokenizer"), get("/small/hold")]);
    const soon = { timeout: 30_000, interval: 500 };
    await expect
      .poll(async () => (await countOf("edge", "Tokenizer")).map(([replica, value]) => [replica, value > 0]), soon)
      .toEqual([["", true]]);
    await expect
      .poll(async () => new Set((await countOf("objects", "Tokenizer")).map(([replica]) => replica)), soon)
      .toEqual(new Set(["objects/Front/-/n"]));
    await expect.poll(async () => (await countOf("small", "Small"))[0]?.[1] ?? 0, soon).toBeGreaterThan(0);
    const before = (await countOf("small", "Small"))[0]![1];
    for (let n = 0; n < 20; n++) await (await get("/small/hold")).text();
    await expect.poll(async () => (await countOf("small", "Small"))[0]![1] - before, soon).toBe(20);
  }, 120_000);
});
