/**
 * The whole runtime is killed while the configuration changes, again and again.
 *
 * `EDGE_SERVE_KILLS=50 npx vitest run --project e2e test/e2e/control-plane-crash.test.ts` for more than the usual few.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type Server } from "edge-serve/testing";

const KILLS = Number(process.env["EDGE_SERVE_KILLS"] ?? 8);
const TOKEN = "correct horse battery staple";
const AUTHORIZED = { authorization: `Bearer ${TOKEN}` };
/** A kill comes at any time within this after the first change. */
const WITHIN_MS = 150;

interface Deployment {
  readonly status: string;
  readonly target_num_replicas: number;
  readonly replica_states: Record<string, number>;
}
interface Change {
  readonly number: number;
  readonly replicas: number;
}

let server: Server;
/** Numbers the changes, over all rounds. */
let sent = 0;

const api = (path: string, method = "GET", body?: unknown) =>
  server.fetch(`/-/api/${path}`, { method, headers: AUTHORIZED, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });

const documentOf = ({ number, replicas }: Change) => ({
  applications: [
    {
      name: "main",
      route_prefix: "/",
      import_path: "control.ts:app",
      // What a replica says when it has drained can be lost with it: the controller waits this long, and two seconds.
      deployments: [{ name: "Model", num_replicas: replicas, user_config: { number }, graceful_shutdown_timeout_s: 1 }],
    },
  ],
});

/** Changes one thing after another until the server is gone: what was acknowledged last, and what was sent last. */
async function changing(send: (change: Change) => Promise<Response>): Promise<{ acknowledged: Change | undefined; last: Change }> {
  let acknowledged: Change | undefined;
  for (;;) {
    const last = { number: ++sent, replicas: 1 + (sent % 3) };
    try {
      const response = await send(last);
      await response.text();
      if (response.status !== 200) return { acknowledged, last };
      acknowledged = last;
    } catch {
      return { acknowledged, last };
    }
  }
}

async function killWithin(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  await server.kill();
}

async function model(): Promise<Deployment> {
  const application = (await (await api("applications/main")).json()) as { deployments: Record<string, Deployment> };
  return application.deployments["Model"]!;
}

async function configInForce(): Promise<Change> {
  const document = (await (await api("config")).json()) as ReturnType<typeof documentOf>;
  const deployment = document.applications[0]!.deployments.find(({ name }) => name === "Model")!;
  return { number: deployment.user_config.number, replicas: deployment.num_replicas };
}

const served = async () => ((await (await server.fetch("/")).json()) as { config: { number: number } }).config.number;

async function settled(): Promise<void> {
  // The whole of it, so that a failure shows what it waits for.
  await expect.poll(async () => (await (await api("applications/main")).json()) as unknown).toMatchObject({ status: "RUNNING" });
}

beforeAll(async () => {
  server = await serve("test/e2e/apps/crash.yaml", { token: TOKEN, quiet: true });
  expect((await api("applications", "PUT", documentOf({ number: 0, replicas: 1 }))).status).toBe(200);
});
afterAll(() => server.stop());

describe("a kill -9 during changes", () => {
  let before: Change = { number: 0, replicas: 1 };

  it.each(Array.from({ length: KILLS }, (_, kill) => kill))("of the document loses nothing that was acknowledged (%i)", async (kill) => {
    const puts = changing((change) => api("applications", "PUT", documentOf(change)));
    await killWithin((WITHIN_MS * (kill + Math.random())) / KILLS);
    const { acknowledged = before, last } = await puts;
    await server.restart();

    // The newest change may have been taken although its acknowledgement was lost.
    const now = await configInForce();
    expect(now).toBeOneOf([acknowledged, last]);
    await expect.poll(served).toBe(now.number);
    await settled();
    const { target_num_replicas, status } = await model();
    expect([target_num_replicas, status]).toEqual([now.replicas, "HEALTHY"]);
    await expect.poll(async () => (await model()).replica_states).toEqual({ RUNNING: now.replicas });
    expect(await served()).toBe(now.number);
    before = now;
  });

  it.each(Array.from({ length: Math.ceil(KILLS / 4) }, (_, kill) => kill))("of the number of replicas loses none either (%i)", async () => {
    const replicas = (await model()).target_num_replicas;
    const scales = changing((change) => api("applications/main/deployments/Model/scale", "POST", { target_num_replicas: change.replicas }));
    await killWithin(WITHIN_MS * Math.random());
    const { acknowledged, last } = await scales;
    await server.restart();
    const { target_num_replicas: now } = await model();
    expect(now).toBeOneOf([acknowledged?.replicas ?? replicas, last.replicas]);
    await settled();
    await expect.poll(async () => (await model()).replica_states).toEqual({ RUNNING: now });
  });
});
