import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import { CliProject, HELLO_APP } from "../support/cli-project.ts";

const MISTAKES = `import * as serve from "edge-serve";

class Hello { call() { return "Hello"; } }
interface Shape { a: number }
function broken(): never {
  throw new TypeError("the builder is broken");
}
export const build = (args: Shape) => broken();
export const unbound = serve.deployment(Hello);
`;

describe("edge-serve build", () => {
  it("writes an entry module and a wrangler.toml that declare the deployments, and changes nothing the second time", async () => {
    using project = new CliProject({ "package.json": '{ "name": "@me/hello" }', "src/app.ts": HELLO_APP });
    const first = await project.run(["build", "src/app.ts:app"]);
    expect(first).toMatchObject({ exitCode: 0, err: "" });
    expect(first.out).toMatch(/^Built 1 application with 3 deployments, version [0-9a-f]{12}\.\n/);
    const [entry, toml] = [project.read(".edge-serve/worker.ts"), project.read("wrangler.toml")];
    expect(entry).toContain('import { app as default_app } from "../src/app.ts";');
    expect(entry).toContain('export class default__World extends worker.Replica("default", "World") {}');
    expect(parse(toml ?? "")).toMatchObject({
      name: "me-hello",
      main: ".edge-serve/worker.ts",
      exports: { default__Hello: { storage: "sqlite" } },
    });

    const second = await project.run(["build", "src/app.ts:app"]);
    expect(second.out).toContain("worker.ts unchanged");
    expect([project.read(".edge-serve/worker.ts"), project.read("wrangler.toml")]).toEqual([entry, toml]);
    expect((await project.run(["build", "src/app.ts:app", "--dry-run"])).out).toBe("Nothing would change.\n");
  });

  it("[C1] gives another version to other code, and the same to the same code elsewhere", async () => {
    using here = new CliProject({ "src/app.ts": HELLO_APP });
    using there = new CliProject({ "src/app.ts": HELLO_APP });
    const versionOf = async (project: CliProject) => /version (\w+)/.exec((await project.run(["build", "src/app.ts:app"])).out)?.[1];
    const version = await versionOf(here);
    expect(await versionOf(there)).toBe(version);
    here.write("src/app.ts", HELLO_APP.replace('"Hello"', '"Bye"'));
    expect(await versionOf(here)).not.toBe(version);
  });

  it("shows a diff and writes nothing with --dry-run", async () => {
    const toml = 'name = "mine" # keep\ncompatibility_date = "2026-11-01"\n\n[vars]\nA = "1"\n';
    using project = new CliProject({ "wrangler.toml": toml, "src/app.ts": HELLO_APP });
    const { exitCode, out } = await project.run(["build", "src/app.ts:app", "--dry-run"]);
    expect(exitCode).toBe(0);
    expect(out).toContain('+ main = ".edge-serve/worker.ts"');
    expect(out).toContain("+ [exports.default__Hello]");
    expect(project.read("wrangler.toml")).toBe(toml);
    expect(project.read(".edge-serve/worker.ts")).toBeUndefined();
  });

  it("keeps the class of a deployment that is gone, until it is pruned", async () => {
    using project = new CliProject({
      "src/app.ts": HELLO_APP,
      "src/small.ts": HELLO_APP.replace(/^(export const app).*$/m, "$1 = hello;"),
    });
    await project.run(["build", "src/app.ts:app"]);
    const kept = await project.run(["build", "src/small.ts:app"]);
    expect(kept.out).toContain("default__World is gone from the applications. Its class and data are kept; --prune deletes them.");
    expect(project.read(".edge-serve/worker.ts")).toContain("export class default__World extends worker.Retired {}");

    const pruned = await project.run(["build", "src/small.ts:app", "--prune"]);
    expect(pruned.out).toContain("default__World is deleted, with its data, by the next deploy.");
    expect(project.read(".edge-serve/worker.ts")).not.toContain("default__World");
    expect(parse(project.read("wrangler.toml") ?? "")).toHaveProperty("exports.default__World.state", "deleted");
  });

  it("lets wrangler's alias and define hold for the application", async () => {
    using project = new CliProject({
      "wrangler.toml": 'name = "a"\ncompatibility_date = "2026-11-01"\n[alias]\n"the-models" = "./models.ts"\n[define]\nREPLICAS = "4"\n',
      "models.ts": 'export const name = "Aliased";',
      "src/app.ts":
        'import { deployment } from "edge-serve";\nimport { name } from "the-models";\ndeclare const REPLICAS: number;\n' +
        "export default deployment(class { call() {} }, { name, numReplicas: REPLICAS }).bind();\n",
    });
    expect(await project.run(["build", "src/app.ts"])).toMatchObject({ exitCode: 0, err: "" });
    expect(project.read(".edge-serve/worker.ts")).toMatch(/Aliased: \{\n\s+numReplicas: 4,/);
  });

  it("refuses what wrangler.toml must not say, and writes nothing", async () => {
    using project = new CliProject({
      "wrangler.toml": 'name = "a"\ncompatibility_date = "2026-11-01"\n\n[[migrations]]\ntag = "v1"\nnew_sqlite_classes = ["Mine"]\n',
      "src/app.ts": HELLO_APP,
    });
    const { exitCode, err } = await project.run(["build", "src/app.ts:app"]);
    expect(exitCode).toBe(1);
    expect(err).toContain("wrangler.toml:4: [[migrations]] and [exports.<Class>] exclude each other");
    expect(project.read(".edge-serve/worker.ts")).toBeUndefined();
  });
});

describe("edge-serve build, of an application that is not right", () => {
  it.each([
    [
      "a builder that throws",
      "src/app.ts:build",
      MISTAKES,
      /^src\/app\.ts:6:9 {2}Application "default": building it threw TypeError: the builder is broken\n {4}at build \(src\/app\.ts:8:\d+\)\n$/,
    ],
    ["an unbound deployment", "src/app.ts:unbound", MISTAKES, /Call \.bind\(\) on it\.\n$/],
    [
      "an export that is missing",
      "src/app.ts:ap",
      MISTAKES,
      /no export "src\/app\.ts:ap", or it is undefined\. The module exports: build, unbound\.\n$/,
    ],
    [
      "an exception at top level",
      "src/app.ts:app",
      'const a: number = 1;\nthrow new RangeError("not today");\n',
      /^src\/app\.ts:2:7 {2}RangeError: not today\n$/,
    ],
    [
      "an option out of range",
      "src/app.ts:app",
      'import { deployment } from "edge-serve";\nclass A { call() {} }\nexport const app = deployment(A, { maxOngoingRequests: 0 }).bind();\n',
      /^src\/app\.ts:3:20 {2}Deployment "A": maxOngoingRequests must be an integer from 1 to 1000000, got 0\.\n$/,
    ],
    [
      "a syntax error",
      "src/app.ts:app",
      "export const app = ;\n",
      /^src\/app\.ts:1:20 {2}Unexpected ";"\n {4}export const app = ;\n {4} {19}\^\n$/,
    ],
    ["an import that is missing", "src/app.ts:app", 'import "./nope.ts";\n', /^src\/app\.ts:1:8 {2}Could not resolve "\.\/nope\.ts"\n/],
  ])("names the place of %s", async (_, target, text, expected) => {
    using project = new CliProject({ "src/app.ts": text });
    const { exitCode, out, err } = await project.run(["build", target]);
    expect(err).toMatch(expected);
    expect({ exitCode, out }).toEqual({ exitCode: 1, out: "" });
    expect(project.read("wrangler.toml")).toBeUndefined();
  });

  it("names the place in the config file where that is at fault", async () => {
    using project = new CliProject({
      "src/app.ts": HELLO_APP,
      "serve.yaml": "applications:\n  - import_path: src/app.ts:app\n    deployments:\n      - name: Wurld\n        num_replicas: 3\n",
    });
    const { exitCode, err } = await project.run(["build"]);
    expect(exitCode).toBe(1);
    expect(err).toBe(
      'serve.yaml:4:15  Application "default" has no deployment "Wurld". It has: Hello, World, Ingress. Did you mean "World"?\n',
    );
  });
});
