/**
 * New code on the same storage, as a deploy brings it: `edge-serve run` keeps what is stored, and reloads.
 */
import { describe, expect, it } from "vitest";
import { CliProject } from "../support/cli-project.ts";

const AUTHORIZATION = { authorization: "Bearer secret" };

/** What bears a name of its own in each version starts slowly, so that the way there can be seen. */
const appOf = (version: string, extra: string) => `import * as serve from "edge-serve";

class Model {
  call() { return "${version}"; }
  reconfigure() {}
}
class ${extra} {
  async setup() { await new Promise((resolve) => setTimeout(resolve, 1500)); }
  call() { return "${extra}"; }
}
class Front {
  constructor(private readonly model: serve.DeploymentHandle<Model>, private readonly extra: serve.DeploymentHandle<${extra}>) {}
  async call() { return [await this.model.remote(), await this.extra.remote()].join(" "); }
}
export const app = serve.deployment(Front).bind(
  serve.deployment(Model, { gracefulShutdownTimeoutMs: 1000 }).bind(),
  serve.deployment(${extra}, { gracefulShutdownTimeoutMs: 1000 }).bind(),
);
`;

interface Application {
  readonly status: string;
  readonly version: string;
  readonly last_deployed_time_s: number;
  readonly deployments: Record<
    string,
    { status: string; target_num_replicas: number; replica_states: Record<string, number>; replicas: { version: string | null }[] }
  >;
}

function systemAt(url: string) {
  return {
    async application(): Promise<Application> {
      return (await (await fetch(`${url}/-/api/applications/default`, { headers: AUTHORIZATION })).json()) as Application;
    },
    text: async () => (await fetch(url)).text(),
    put: (document: unknown) =>
      fetch(`${url}/-/api/applications`, { method: "PUT", headers: AUTHORIZATION, body: JSON.stringify(document) }),
  };
}

const urlIn = (said: string) => /at (http:\/\/[^\s/]+)/.exec(said)![1]!;

describe("new code on the same storage", () => {
  it("is deployed: new deployments start, those that are gone go, and what was put before it is forgotten", async () => {
    using project = new CliProject({ "src/app.ts": appOf("v1", "Old"), ".dev.vars": "EDGE_SERVE_TOKEN=secret\n" });
    let before: Application;
    {
      await using running = project.start(["run", "src/app.ts:app", "--port", "0"]);
      const { application, text, put } = systemAt(urlIn(await running.says("/  default")));
      await expect.poll(application).toMatchObject({ status: "RUNNING" });
      expect(await text()).toBe("v1 Old");
      const document = {
        applications: [{ name: "default", import_path: "app.ts:app", deployments: [{ name: "Model", num_replicas: 2 }] }],
      };
      expect((await put(document)).status).toBe(200);
      await expect.poll(async () => (await application()).deployments["Model"]?.replica_states).toEqual({ RUNNING: 2 });
      before = await application();

      project.write("src/app.ts", appOf("v2", "New"));
      await running.says("Reloaded");
      const statuses = new Set<string>();
      await expect
        .poll(async () => {
          const { status, version } = await application();
          if (version !== before.version) statuses.add(status);
          return version === before.version ? "of before" : status;
        })
        .toBe("RUNNING");
      expect(statuses).toEqual(new Set(["DEPLOYING", "RUNNING"]));
      expect(await text()).toBe("v2 New");
      await expect.poll(async () => Object.keys((await application()).deployments).toSorted()).toEqual(["Front", "Model", "New"]);
      const now = await application();
      expect(now.deployments["Model"]).toMatchObject({ status: "HEALTHY", target_num_replicas: 1, replica_states: { RUNNING: 1 } });
      for (const { replicas } of Object.values(now.deployments)) for (const { version } of replicas) expect(version).toBe(now.version);
      before = now;
    }
    await using again = project.start(["run", "src/app.ts:app", "--port", "0"]);
    const { application, text } = systemAt(urlIn(await again.says("/  default")));
    // The same code is no deploy.
    expect(await application()).toEqual(before);
    expect(await text()).toBe("v2 New");
  });
});
