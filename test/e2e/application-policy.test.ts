import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serve, type Server } from "edge-serve/testing";
import type { app } from "./apps/sharing.ts";

const TOKEN = "correct horse battery staple";
const AUTHORIZED = { authorization: `Bearer ${TOKEN}` };

interface Deployment {
  message: string;
  target_num_replicas: number;
  replica_states: Record<string, number>;
  autoscaling_detail: { decisions: { reason: string }[] };
}
interface Document {
  applications: { name: string; autoscaling_policy?: { policy_function: string; policy_kwargs?: object }; deployments: object[] }[];
}

let server: Server;

beforeAll(async () => {
  server = await serve("test/e2e/apps/sharing.yaml", { token: TOKEN, quiet: true });
});
afterAll(() => server.stop());

async function get<T>(path: string): Promise<T> {
  const response = await server.fetch(path, { headers: AUTHORIZED });
  expect(response.status).toBe(200);
  return (await response.json()) as T;
}

const deployments = async (name = "shared") =>
  (await get<{ deployments: Record<string, Deployment> }>(`/-/api/applications/${name}`)).deployments;

async function targets(): Promise<{ A: number; B: number }> {
  const { A, B } = await deployments();
  return { A: A!.target_num_replicas, B: B!.target_num_replicas };
}

const put = (document: unknown) =>
  server.fetch("/-/api/applications", { method: "PUT", headers: AUTHORIZED, body: JSON.stringify(document) });

/** The document in force, with another policy for the application. */
async function changed(policy: object | undefined): Promise<Document> {
  const document = await get<Document>("/-/api/config");
  const applications = document.applications.map(({ autoscaling_policy: before, ...rest }) =>
    rest.name === "shared" && policy !== undefined ? { ...rest, autoscaling_policy: { ...before!, ...policy } } : rest,
  );
  return { ...document, applications };
}

/** Keeps a deployment busy until it is disposed of. */
function busy(name: "A" | "B"): AsyncDisposable {
  const front = server.handle<typeof app>("shared");
  const end = new AbortController();
  const pump = (async () => {
    while (!end.signal.aborted) await front.load.remote(name, 12, 300);
  })();
  return {
    [Symbol.asyncDispose]: async () => {
      end.abort();
      await pump;
    },
  };
}

describe("a policy for a whole application", () => {
  it("shares a budget of replicas: what one deployment needs, the other gives", async () => {
    await server.fetch("/");
    {
      await using _ = busy("A");
      await expect.poll(targets).toEqual({ A: 5, B: 1 });
      await expect.poll(async () => (await deployments())["A"]!.replica_states["RUNNING"]).toBe(5);
    }
    {
      await using _ = busy("B");
      await expect.poll(targets).toEqual({ A: 1, B: 5 });
    }
    await expect.poll(targets).toEqual({ A: 1, B: 1 });
  });

  it("is in the document that is in force, which may be put again", async () => {
    const document = await get<Document>("/-/api/config");
    expect(document.applications[0]).toMatchObject({
      autoscaling_policy: { policy_function: "sharing-policies.ts:share", policy_kwargs: { budget: 6 } },
    });
    expect((await put(document)).status).toBe(200);
    expect(await get<Document>("/-/api/config")).toEqual(document);
  });

  it("cannot be another than was deployed", async () => {
    const refused = await put(await changed({ policy_function: "sharing-policies.ts:fixed" }));
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining("To change code, run edge-serve deploy.")]);
  });

  it("keeps the targets when it throws, says so in status, decisions and log, and goes on with other kwargs", async () => {
    const problem = "The autoscaling policy threw RangeError: there is no budget of -1.";
    expect((await put(await changed({ policy_kwargs: { budget: -1 } }))).status).toBe(200);
    await expect.poll(async () => (await deployments())["A"]!.message).toBe(problem);
    expect((await deployments())["A"]!.autoscaling_detail.decisions.at(-1)?.reason).toBe(`${problem} The target stays at 1.`);
    expect(await targets()).toEqual({ A: 1, B: 1 });
    await server.waitForLog(({ message, fields }) => message === problem && fields["deployment"] === "B");
    expect((await put(await changed({ policy_kwargs: { budget: 4 } }))).status).toBe(200);
    await expect.poll(async () => (await deployments())["A"]!.message).toBe("");
    await using _ = busy("A");
    await expect.poll(targets).toEqual({ A: 3, B: 1 });
  });

  it("is there after a crash, and gives way to the deployments' own where a document leaves it out", async () => {
    await server.kill();
    await server.restart();
    await server.fetch("/");
    expect((await get<Document>("/-/api/config")).applications[0]?.autoscaling_policy?.policy_kwargs).toEqual({ budget: 4 });
    expect((await put(await changed(undefined))).status).toBe(200);
    await expect.poll(async () => (await targets()).B).toBe(9);
  });
});

describe("a policy of one deployment", () => {
  it("may be named by the config file", async () => {
    await expect.poll(async () => (await deployments("single"))["Single"]!.target_num_replicas).toBe(3);
  });
});
