/**
 * A Worker whose bundle is made without the names of classes and functions (`keep_names: false`): its deployments are called
 * what they are called in any other.
 */
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { OWN_ROOT } from "../../src/cli/project/own-package.ts";
import { serve } from "../../src/testing.ts";
import { CliProject } from "../support/cli-project.ts";
import { startNode } from "../support/process-group.ts";

// Two classes of one name in two modules, classes and functions without anything but their name, names in options, a
// builder: all that a bundler leaves nothing of.
const FILES = {
  "src/model.ts": `import * as serve from "edge-serve";
export class Model {
  call(text: string) { return \`\${serve.getReplicaContext().deployment}(\${text})\`; }
}
`,
  "src/other-model.ts": `import * as serve from "edge-serve";
class Model {
  #label = "none";
  reconfigure({ label }: { label: string }) { this.#label = label; }
  call(text: string) { return \`\${serve.getReplicaContext().deployment}-\${this.#label}(\${text})\`; }
}
export const other = serve.deployment(Model, { name: "Other", userConfig: { label: "built" } });
`,
  "src/app.ts": `import * as serve from "edge-serve";
import { Model } from "./model.ts";
import { other } from "./other-model.ts";

async function shout(text: string) { return text.toUpperCase(); }
class Counter {
  #count = 0;
  add() { return \`\${serve.getReplicaContext().deployment}:\${serve.getReplicaContext<unknown>().key}:\${++this.#count}\`; }
}
class Routed {
  call() { return serve.getReplicaContext().deployment; }
}
class Front {
  constructor(
    readonly model: serve.DeploymentHandle<Model>,
    readonly others: { other: serve.DeploymentHandle<{ call(text: string): string }>; shout: serve.DeploymentHandle<typeof shout> },
    readonly counter: serve.KeyedHandle<Counter>,
    readonly routed: serve.DeploymentHandle<Routed>,
  ) {}
  async call(request: Request) {
    const path = new URL(request.url).pathname;
    if (path === "/fail") throw new serve.BackPressureError("enough");
    const shout = serve.getDeploymentHandle<typeof this.others.shout>("shout") as unknown as typeof this.others.shout;
    return Response.json([
      await this.model.remote("a"),
      await this.others.other.remote("b"),
      await this.others.shout.remote("c"),
      await shout.remote("d"),
      await this.counter.get("k").add.remote(),
      await this.routed.remote(),
      serve.getReplicaContext().deployment,
    ]);
  }
}
export const app = () =>
  serve.deployment(Front).bind(
    serve.deployment(Model, { numReplicas: 2 }).bind(),
    { other: other.bind(), shout: serve.deployment(shout).bind() },
    serve.deployment(Counter, { keyed: true }).bind(),
    serve.deployment(Routed, { numReplicas: 2, requestRouter: () => 7 }).bind(),
  );
`,
};

const ANSWER = ["Model(a)", "Other-built(b)", "C", "D", "Counter:k:1", "Routed", "Front"];
const BASE = { name: "small", compatibility_date: "2026-11-01" };
const CONFIGURATIONS = {
  "minified, without names": { minify: true, keep_names: false },
  "as it is, without names": { keep_names: false },
  "minified, with names": { minify: true },
} as const;

function projectWith(settings: object): CliProject {
  const project = new CliProject({ ...FILES, "wrangler.json": JSON.stringify({ ...BASE, ...settings }) });
  project.install("edge-serve", "wrangler");
  return project;
}

async function built(project: CliProject): Promise<{ lock: string; entry: string }> {
  expect(await project.run(["build", "src/app.ts:app"])).toMatchObject({ exitCode: 0, err: "" });
  return { lock: project.read("edge-serve.lock.json")!, entry: project.read(".edge-serve/worker.ts")! };
}

async function wrangler(project: CliProject, ...args: readonly string[]): Promise<string> {
  await using running = startNode(join(project.root, "node_modules/wrangler/bin/wrangler.js"), args, project.root);
  const { exitCode, said } = await running.ended;
  expect(exitCode, said).toBe(0);
  return said;
}

describe.each(Object.entries(CONFIGURATIONS))("a project that is bundled %s", (_, settings) => {
  it("is built as any other, and what wrangler deploy --minify uploads of it serves", async () => {
    using plain = projectWith({});
    using project = projectWith(settings);
    expect(await built(project)).toEqual(await built(plain));

    await wrangler(project, "deploy", "--dry-run", "--minify", "--outdir", "uploaded");
    // The very file that would be uploaded, which nothing bundles again.
    const generated = JSON.parse(project.read("wrangler.edge-serve.json")!) as object;
    project.write("uploaded.json", JSON.stringify({ ...generated, main: "uploaded/worker.js", no_bundle: true, minify: false, build: {} }));
    await using dev = startNode(
      join(project.root, "node_modules/wrangler/bin/wrangler.js"),
      ["dev", "--port", "0", "--config", "uploaded.json"],
      project.root,
    );
    const [, url = ""] = await dev.says(/Ready on (http:\/\/\S+)/);
    expect(await (await fetch(url)).json()).toEqual(ANSWER);
  });
});

it("a served system without names takes documents, counts and logs by the names that were built", async () => {
  using project = projectWith({ minify: true, keep_names: false });
  await using server = await serve(join(project.root, "src/app.ts:app"), { token: "secret", quiet: true });
  const operate = (path: string, init: RequestInit = {}) =>
    server.fetch(path, { ...init, headers: { authorization: "Bearer secret", "content-type": "application/json" } });
  expect(await (await server.fetch("/")).json()).toEqual(ANSWER);
  expect((await server.fetch("/fail")).status).toBe(503);

  const deployments = [
    { name: "Model", num_replicas: 3 },
    { name: "Other", user_config: { label: "put" } },
  ];
  const application = { name: "default", route_prefix: "/", import_path: "src/app.ts:app", deployments };
  const put = await operate("/-/api/applications", { method: "PUT", body: JSON.stringify({ applications: [application] }) });
  expect(put.status, await put.text()).toBe(200);
  await expect.poll(async () => ((await (await server.fetch("/")).json()) as string[])[1]).toBe("Other-put(b)");

  const refused = await operate("/-/api/applications", {
    method: "PUT",
    body: JSON.stringify({ applications: [{ ...application, deployments: [{ name: "Modle" }, { name: "Front", user_config: {} }] }] }),
  });
  const said = await refused.text();
  expect(refused.status).toBe(400);
  expect(said).toContain("It has: Model, Other, shout, Counter, Routed, Front.");
  expect(said).toContain("class Front has no method reconfigure");

  const status = (await (await operate("/-/api/applications")).json()) as { applications: { default: { deployments: object } } };
  expect(Object.keys(status.applications.default.deployments)).toEqual(
    expect.arrayContaining(["Model", "Other", "shout", "Counter", "Routed", "Front"]),
  );
  await expect
    .poll(async () => (await operate("/-/api/metrics")).text())
    .toMatch(/serve_deployment_error_counter_total\{[^}]*deployment="Front"[^}]*="BackPressureError"/);
  expect(server.logs().map(({ message }) => message)).toContainEqual(
    expect.stringContaining('The requestRouter of deployment "Routed" must return the index'),
  );
});

// As it is published: what makes it of its sources must not make names look as if they were lost.
describe("the package", () => {
  it.each<[string, object, string]>([
    ["a function without a name", () => 1, "has no name"],
    [
      "a class without one",
      class {
        call() {}
      },
      "has no name",
    ],
    ["a name that no deployment can have", function größe() {}, "größe"],
  ])("refuses %s", async (_, target, says) => {
    const path = join(OWN_ROOT, "dist/src/index.js");
    const { deployment } = (await import(path)) as { deployment(target: unknown): unknown };
    expect(() => deployment(target)).toThrow(says);
  });

  it("refuses them in a build", async () => {
    const text = 'import { deployment } from "edge-serve";\nexport const app = deployment(() => 1).bind();\n';
    using project = new CliProject({ "src/app.ts": text });
    project.install("edge-serve", "wrangler");
    await using build = startNode(`${OWN_ROOT}/dist/src/cli/main.js`, ["build", "src/app.ts:app"], project.root);
    const { exitCode, said } = await build.ended;
    expect([exitCode, said]).toEqual([1, expect.stringContaining("has no name")]);
  });
});
