import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { serve, type Server } from "edge-serve/testing";
import type { app, elastic } from "./apps/control.ts";

const TOKEN = "correct horse battery staple";
const AUTHORIZED = { authorization: `Bearer ${TOKEN}` };

interface Deployment {
  status: string;
  status_trigger: string;
  message: string;
  target_num_replicas: number;
  replica_states: Record<string, number>;
  replicas: { replica_id: string; state: string }[];
}
interface Application {
  status: string;
  message: string;
  route_prefix: string | null;
  deployments: Record<string, Deployment>;
}

let server: Server;

async function applications(): Promise<Record<string, Application>> {
  const response = await server.fetch("/-/api/applications", { headers: AUTHORIZED });
  expect(response.status).toBe(200);
  return ((await response.json()) as { applications: Record<string, Application> }).applications;
}

const model = async (name = "main") => (await applications())[name]!.deployments["Model"]!;

type Options = Record<string, unknown>;
const documentOf = (deployments: Record<string, Options | undefined>, prefixes: Record<string, string | null> = {}) => ({
  applications: Object.entries(deployments).map(([name, options]) => ({
    name,
    route_prefix: name in prefixes ? prefixes[name] : name === "main" ? "/" : `/${name}`,
    import_path: `control.ts:${name === "main" ? "app" : name}`,
    deployments: options === undefined ? [] : [{ name: "Model", ...options }],
  })),
});
const ALL = { main: undefined, elastic: undefined, sleeper: undefined };

function put(document: unknown, headers: Record<string, string> = AUTHORIZED): Promise<Response> {
  return server.fetch("/-/api/applications", { method: "PUT", headers, body: JSON.stringify(document) });
}

const ask = async (path = "/") => (await (await server.fetch(path)).json()) as { replica: string; config: unknown };

beforeAll(async () => {
  server = await serve("test/e2e/apps/control.yaml", { token: TOKEN, quiet: true });
});
afterAll(() => server.stop());

describe("the operator's API", () => {
  it("says nothing and does nothing without the token", async () => {
    const requests: [string, RequestInit][] = [
      ["/-/api/applications", {}],
      ["/-/api/applications", { method: "PUT", body: "{}" }],
      ["/-/api/applications/main", { method: "DELETE" }],
      ["/-/api/applications/main/deployments/Model/scale", { method: "POST", body: '{"target_num_replicas":9}' }],
      ["/-/api/nothing", {}],
    ];
    for (const [path, init] of requests) {
      expect((await server.fetch(path, init)).status, path).toBe(401);
      const wrong = await server.fetch(path, { ...init, headers: { authorization: "Bearer wrong" } });
      expect([wrong.status, await wrong.text()], path).toEqual([403, "That is not the token."]);
    }
    expect((await model()).target_num_replicas).toBe(1);
  });

  it("says what is wrong with a path, a method, a body", async () => {
    expect((await server.fetch("/-/api/nothing", { headers: AUTHORIZED })).status).toBe(404);
    const wrong = await server.fetch("/-/api/applications", { method: "POST", headers: AUTHORIZED, body: "{}" });
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "GET, PUT"]);
    const text = await server.fetch("/-/api/applications", { method: "PUT", headers: AUTHORIZED, body: "not json" });
    expect([text.status, (await text.json()) as unknown]).toMatchObject([400, { message: expect.stringContaining("must be JSON") }]);
    const large = await server.fetch("/-/api/applications", { method: "PUT", headers: AUTHORIZED, body: `"${"x".repeat(1100_000)}"` });
    expect(large.status).toBe(413);
  });

  it("shows every application, deployment and replica", async () => {
    await expect.poll(async () => (await applications())["main"]?.status).toBe("RUNNING");
    const { main } = await applications();
    expect(main).toMatchObject({
      route_prefix: "/",
      message: "",
      deployments: {
        Model: {
          status: "HEALTHY",
          status_trigger: "CONFIG_UPDATE_COMPLETED",
          target_num_replicas: 1,
          replica_states: { RUNNING: 1 },
          replicas: [{ replica_id: "main/Model/-/0.0", state: "RUNNING" }],
        },
        Front: { status: "HEALTHY" },
      },
    });
  });
});

describe("a config document", () => {
  beforeEach(async () => {
    expect((await put(documentOf(ALL))).status).toBe(200);
    await expect.poll(async () => (await applications())["main"]?.status).toBe("RUNNING");
  });

  it("reconfigures in place: the same replica, a new configuration", async () => {
    const before = await ask();
    expect((await put(documentOf({ ...ALL, main: { user_config: { threshold: 2 } } }))).status).toBe(200);
    await expect.poll(async () => (await ask()).config).toEqual({ threshold: 2 });
    expect((await ask()).replica).toBe(before.replica);
    await expect.poll(async () => (await model()).status).toBe("HEALTHY");
  });

  it("with an error changes nothing, and says everything that is wrong", async () => {
    const document = documentOf({
      ...ALL,
      main: { num_replicas: -1, max_ongoing_requests: "many" },
      elastic: { user_config: { threshold: 9 } },
    });
    const response = await put(document);
    expect(response.status).toBe(400);
    const { diagnostics } = (await response.json()) as { diagnostics: { path: string; severity: string }[] };
    expect(diagnostics.map(({ path }) => path)).toEqual(
      expect.arrayContaining(["applications[0].deployments[0].num_replicas", "applications[0].deployments[0].max_ongoing_requests"]),
    );
    expect((await ask("/elastic")).config).not.toEqual({ threshold: 9 });
  });

  it("can't bring code: an unknown application, another import_path, other args are refused", async () => {
    const unknown = await put({ applications: [{ name: "other", import_path: "control.ts:app" }] });
    expect(unknown.status).toBe(400);
    expect(await unknown.text()).toContain("the deployed code has: main, elastic, sleeper");
    const moved = await put({ applications: [{ name: "main", import_path: "elsewhere.ts:app" }] });
    expect([moved.status, await moved.text()]).toEqual([400, expect.stringContaining("To change code, run edge-serve deploy.")]);
    const args = await put({ applications: [{ name: "main", import_path: "control.ts:app", args: { a: 1 } }] });
    expect(args.status).toBe(400);
    const deployment = await put(
      documentOf({ main: undefined, elastic: undefined, sleeper: undefined }) && {
        applications: [{ name: "main", import_path: "control.ts:app", deployments: [{ name: "Modell" }] }],
      },
    );
    expect(await deployment.text()).toContain('Did you mean \\"Model\\"?');
  });

  it("leaves the old configuration serving where reconfigure throws, and says so", async () => {
    await ask();
    expect((await put(documentOf({ ...ALL, main: { user_config: { refuse: true } } }))).status).toBe(200);
    await expect.poll(async () => (await model()).status).toBe("UNHEALTHY");
    expect((await model()).message).toContain("this configuration is refused");
    expect((await ask()).config).toEqual({ threshold: 1 });
  });

  it("changes the number of replicas: new ones serve, and those taken away finish what they have", async () => {
    await put(documentOf({ ...ALL, main: { num_replicas: 3 } }));
    await expect.poll(async () => (await model()).replica_states).toEqual({ RUNNING: 3 });
    const handle = server.handle<typeof app>("main");
    // A caller learns of them with an answer.
    await handle.burst.remote(1, 0);
    const replicas = new Set(await handle.burst.remote(60, 20));
    expect(replicas.size).toBe(3);
    const slow = handle.burst.remote(30, 1500);
    await expect.poll(async () => (await model()).target_num_replicas).toBe(3);
    await put(documentOf({ ...ALL, main: { num_replicas: 1 } }));
    expect((await slow).length).toBe(30);
    await server.waitForLog(({ message, fields }) => message === "disposed" && String(fields["replica"]).endsWith("/2.0"));
    await expect.poll(async () => (await model()).replica_states).toEqual({ RUNNING: 1 });
    expect(new Set(await handle.burst.remote(20, 1)).size).toBe(1);
  });

  it("moves an application to another prefix, and takes one away that it does not name", async () => {
    expect((await put(documentOf({ main: undefined, elastic: undefined }, { elastic: "/moved" }))).status).toBe(200);
    expect((await server.fetch("/moved")).status).toBe(200);
    expect(await (await server.fetch("/-/routes")).json()).toEqual({ "/": "main", "/moved": "elastic" });
    await expect.poll(async () => Object.keys(await applications())).toEqual(["main", "elastic"]);
  });

  it("is there after a crash, if it was acknowledged", async () => {
    for (let round = 1; round <= 3; round++) {
      expect((await put(documentOf({ ...ALL, main: { user_config: { round } } }))).status).toBe(200);
      await server.kill();
      await server.restart();
      expect((await ask()).config).toEqual({ round });
    }
  });
});

describe("DELETE", () => {
  it("takes one application away, and the others serve on", async () => {
    expect((await server.fetch("/-/api/applications/elastic", { method: "DELETE", headers: AUTHORIZED })).status).toBe(200);
    expect((await server.fetch("/elastic")).status).toBe(200); // main, at "/", has it now
    expect((await ask("/elastic")).replica).toContain("main/");
    expect((await server.fetch("/-/api/applications/elastic", { method: "DELETE", headers: AUTHORIZED })).status).toBe(404);
    expect((await put(documentOf(ALL))).status).toBe(200);
    expect((await ask("/elastic")).replica).toContain("elastic/");
  });
});

describe("scale", () => {
  it("sets the number of replicas of a deployment that is not autoscaled", async () => {
    const scale = (path: string, body: unknown) =>
      server.fetch(`/-/api/applications/${path}/scale`, { method: "POST", headers: AUTHORIZED, body: JSON.stringify(body) });
    expect((await scale("main/deployments/Model", { target_num_replicas: 2 })).status).toBe(200);
    await expect.poll(async () => (await model()).replica_states).toEqual({ RUNNING: 2 });
    expect((await scale("elastic/deployments/Model", { target_num_replicas: 2 })).status).toBe(409);
    expect((await scale("main/deployments/Model", { target_num_replicas: -1 })).status).toBe(400);
    expect((await put(documentOf(ALL))).status).toBe(200);
  });
});

describe("health", () => {
  it("replaces a replica that fails its check three times", async () => {
    const handle = server.handle<typeof app>("main");
    const { replica } = await ask();
    await handle.act.remote("fallIll");
    await expect
      .poll(async () => {
        await ask();
        return (await ask()).replica;
      })
      .not.toBe(replica);
    await expect.poll(async () => (await model()).status).toBe("HEALTHY");
  });

  it("replaces a replica whose requests hang although its check passes", async () => {
    // Another one takes what comes meanwhile: a replica that still finishes requests is not sick.
    expect((await put(documentOf({ ...ALL, main: { num_replicas: 2 } }))).status).toBe(200);
    await expect.poll(async () => (await model()).replica_states).toMatchObject({ RUNNING: 2 });
    const { replica } = await ask();
    expect(new Set(await server.handle<typeof app>("main").hangs.remote(5))).toEqual(new Set(["RequestTimeoutError"]));
    await expect.poll(async () => (await ask()).replica).not.toBe(replica);
    expect((await put(documentOf(ALL))).status).toBe(200);
  });

  it("ends in DEPLOY_FAILED, with the message, where the class does not start", async () => {
    await using broken = await serve("test/e2e/apps/broken.yaml", { token: TOKEN, quiet: true });
    const status = async () =>
      ((await (await broken.fetch("/-/api/applications", { headers: AUTHORIZED })).json()) as { applications: Record<string, Application> })
        .applications["broken"]!;
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

describe("autoscaling", () => {
  it("gives a load that jumps 50-fold its replicas within the requests themselves, and takes them back", async () => {
    const handle = server.handle<typeof elastic>("elastic");
    await handle.burst.remote(2, 10);
    const startedAt = performance.now();
    const replicas = await handle.burst.remote(100, 1000);
    const tookMs = performance.now() - startedAt;
    expect(new Set(replicas).size).toBeGreaterThanOrEqual(40);
    // Two of a second at most after one another, where one replica alone would have taken 50 of them.
    expect(tookMs).toBeLessThan(25_000);
    await expect.poll(async () => (await model("elastic")).target_num_replicas).toBe(1);
    await expect.poll(async () => (await model("elastic")).replica_states).toEqual({ RUNNING: 1 });
  });

  it("starts from no replica with the first request, and goes back to none", async () => {
    await expect.poll(async () => (await model("sleeper")).replica_states).toEqual({});
    expect((await ask("/sleeper")).replica).toBe("sleeper/Model/-/0.0");
    expect((await model("sleeper")).target_num_replicas).toBe(1);
    await expect.poll(async () => (await model("sleeper")).target_num_replicas).toBe(0);
  });
});
