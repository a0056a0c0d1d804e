/** What a main that imports the generated entry has to export, and what it must not. */
import { expect, it } from "vitest";
import { CliProject } from "../support/cli-project.ts";

const APP = `import * as serve from "edge-serve";
class Ingress { call() { return "app"; } }
export const app = serve.deployment(Ingress).bind();
`;
const SYSTEM = { name: "own", main: "src/index.ts", compatibility_date: "2026-11-01", compatibility_flags: ["enable_request_signal"] };
const IMPORTS = `import { DurableObject } from "cloudflare:workers";
import edge from "../.edge-serve/worker.ts";
export default edge;
`;
const ALL = 'export * from "../.edge-serve/worker.ts";';

function importing(lines: string): CliProject {
  return new CliProject({
    "wrangler.json": JSON.stringify(SYSTEM),
    "serve.yaml": "applications:\n  - import_path: src/app.ts:app\n    route_prefix: /api\n",
    "src/app.ts": APP,
    "src/mine.ts": "export class EdgeServe {}",
    "src/index.ts": `${IMPORTS}${lines}\n`,
  });
}

it("is an error of build and run where it forgets the classes, with the line to add", async () => {
  using project = importing("");
  for (const command of ["build", "run"]) {
    const { exitCode, err } = await project.run([command]);
    expect([exitCode, err]).toEqual([1, expect.stringContaining(`default__Ingress. Add the line:\n${ALL}`)]);
  }
  expect(project.read("wrangler.edge-serve.json")).toBeUndefined();
});

it("has to export the entrypoint for other Workers too, where an application says rpc: true", async () => {
  using project = importing('export { default__Ingress, EdgeServeController, EdgeServeConfig } from "../.edge-serve/worker.ts";');
  expect(await project.run(["build"])).toMatchObject({ exitCode: 0 });
  project.write("serve.yaml", `${project.read("serve.yaml")}    rpc: true\n`);
  const { exitCode, err } = await project.run(["build"]);
  expect([exitCode, err]).toEqual([1, expect.stringContaining(`EdgeServe. Add the line:\n${ALL}`)]);
});

it.each([
  ["itself", "default__Ingress", "class Mine extends DurableObject {}\nexport { Mine as default__Ingress };"],
  ["with all of another module", "EdgeServe", 'export * from "./mine.ts";'],
])("is an error of the build where it hides what the entry exports, %s", async (_, name, line) => {
  using project = importing(`${ALL}\n${line}`);
  const { exitCode, err } = await project.run(["build"]);
  expect([exitCode, err]).toEqual([1, expect.stringContaining(`src/index.ts exports ${name}, which is also the `)]);
});

it("may export a class that extends the generated one", async () => {
  using project = importing(`${ALL}
    import { default__Ingress as Ingress } from "../.edge-serve/worker.ts";
    export class default__Ingress extends Ingress {}`);
  expect(await project.run(["build"])).toMatchObject({ exitCode: 0, err: "" });
});

it("is looked at again by the check before wrangler bundles, once the build is older than it", async () => {
  using project = importing(ALL);
  expect(await project.run(["build"])).toMatchObject({ exitCode: 0 });
  expect(await project.run(["check", "."])).toMatchObject({ exitCode: 0 });
  project.write("src/index.ts", IMPORTS);
  expect(await project.run(["check", "."])).toMatchObject({ exitCode: 1, err: expect.stringContaining(ALL) });
});

it.each([
  ["a module that main imports", { "src/edge.ts": 'export * from "../.edge-serve/worker.ts";' }, 'export * from "./edge.ts";'],
  ["a call of main's", {}, 'export default { fetch: async () => (await import("../.edge-serve/worker.ts")).default };'],
])("says who may import the entry where %s does, built before or not", async (_, files, main) => {
  using project = new CliProject({
    "wrangler.json": JSON.stringify({ name: "a", main: "src/index.ts", compatibility_date: "2026-11-01" }),
    "src/app.ts": APP,
    "src/index.ts": main,
    ...files,
  });
  const refused = async () => {
    const { exitCode, err } = await project.run(["build", "src/app.ts:app"]);
    expect([exitCode, err]).toEqual([1, expect.stringContaining("only the module that main of wrangler's configuration names")]);
  };
  await refused();
  project.write(".edge-serve/worker.ts", "export default {};");
  await refused();
});
