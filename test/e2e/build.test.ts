import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { SCHEDULES_CRON } from "../../src/protocol/names.ts";
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

const WRITTEN = [".edge-serve/worker.ts", "wrangler.edge-serve.json", ".wrangler/deploy/config.json", "edge-serve.lock.json"];

function generatedConfig(project: CliProject): Record<string, unknown> {
  return JSON.parse(project.read("wrangler.edge-serve.json") ?? "null") as Record<string, unknown>;
}

describe("edge-serve build", () => {
  it("writes an entry module and a configuration that declares its classes, and changes nothing the second time", async () => {
    using project = new CliProject({ "package.json": '{ "name": "@me/hello" }', "src/app.ts": HELLO_APP });
    const first = await project.run(["build", "src/app.ts:app"]);
    expect(first).toMatchObject({ exitCode: 0, err: "" });
    expect(first.out).toMatch(/^Built 1 application with 3 deployments, version [0-9a-f]{12}\.\n/);
    const written = () => WRITTEN.map((path) => project.read(path));
    const [entry, generated, redirect, lock] = written();
    expect(entry).toContain('import { app as default_app } from "../src/app.ts";');
    expect(entry).toContain('export class default__World extends worker.Replica("default", "World") {}');
    expect(JSON.parse(generated ?? "")).toMatchObject({
      name: "me-hello",
      main: ".edge-serve/worker.ts",
      exports: { default__Hello: { type: "durable-object", storage: "sqlite" } },
      targetEnvironment: "(top level)",
    });
    expect(JSON.parse(redirect ?? "")).toEqual({ configPath: "../../wrangler.edge-serve.json" });
    expect(lock).toContain('"default__Hello"');
    expect(project.read("wrangler.toml")).toBeUndefined();

    const second = await project.run(["build", "src/app.ts:app"]);
    expect(second.out).toContain("worker.ts unchanged");
    expect(written()).toEqual([entry, generated, redirect, lock]);
    expect((await project.run(["build", "src/app.ts:app", "--dry-run"])).out).toBe("Nothing would change.\n");
  });

  it("has a cron trigger with schedules, takes it away where there were some, and says the same at each build", async () => {
    const staging = '"env": { "staging": { "name": "late" } }';
    using project = new CliProject({ "wrangler.json": `{ "name": "late", "compatibility_date": "2026-11-01", ${staging} }` });
    const steps = [
      { options: "{ tasks: {} }", triggers: undefined },
      { options: '{ schedules: [{ cron: "@hourly" }] }', triggers: { crons: [SCHEDULES_CRON] } },
      { options: "{ tasks: {} }", triggers: { crons: [] } },
      { options: "{ tasks: {} }", env: ["--env", "staging"], triggers: undefined },
    ];
    for (const { options, env = [], triggers } of steps) {
      project.write("src/app.ts", HELLO_APP.replace("deployment(Hello)", `deployment(Hello, ${options})`));
      const command = ["build", "src/app.ts:app", ...env];
      expect(await project.run(command)).toMatchObject({ exitCode: 0 });
      expect([options, generatedConfig(project)["triggers"]]).toEqual([options, triggers]);
      expect((await project.run([...command, "--dry-run"])).out).toBe("Nothing would change.\n");
    }
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
    expect(out).toContain('+   "main": ".edge-serve/worker.ts"');
    expect(out).toContain("export class default__Hello");
    expect(project.read("wrangler.toml")).toBe(toml);
    for (const path of WRITTEN) expect(project.read(path), path).toBeUndefined();
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
    expect(generatedConfig(project)).toHaveProperty("exports.default__World.state", "deleted");

    // It is a tombstone for good, which is harmless, and comes back to life when it is built again.
    await project.run(["build", "src/small.ts:app"]);
    expect(generatedConfig(project)).toHaveProperty("exports.default__World.state", "deleted");
    expect((await project.run(["build", "src/app.ts:app"])).out).toContain("default__World is new, and begins empty.");
    expect(generatedConfig(project)).toHaveProperty("exports.default__World.storage", "sqlite");
  });

  it("deletes the class of one deployment by its name, and says which there are", async () => {
    const small = HELLO_APP.replace(/^(export const app).*$/m, "$1 = hello;");
    using project = new CliProject({ "src/app.ts": HELLO_APP });
    await project.run(["build", "src/app.ts:app"]);
    project.write("src/app.ts", small);
    expect(await project.run(["build", "--prune", "default/Hello", "src/app.ts:app"])).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining("--prune default/Hello: the deployment is still there"),
    });
    expect(await project.run(["build", "src/app.ts:app", "--prune", "default/Wurld"])).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining("default/World, default/Ingress"),
    });
    const { out } = await project.run(["build", "--prune", "default/World", "src/app.ts:app"]);
    expect(out).toContain("default__World is deleted");
    expect(out).toContain("default__Ingress is gone");
    // What stands after --prune and is no deployment is the target.
    expect((await project.run(["build", "--prune", "src/app.ts:app"])).out).toContain("default__Ingress is deleted");
  });

  it("fails with --frozen where the lock file would change, and writes nothing", async () => {
    using project = new CliProject({ "src/app.ts": HELLO_APP });
    expect(await project.run(["build", "src/app.ts:app", "--frozen"])).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining("edge-serve.lock.json would change"),
    });
    for (const path of WRITTEN) expect(project.read(path), path).toBeUndefined();
    await project.run(["build", "src/app.ts:app"]);
    expect(await project.run(["build", "src/app.ts:app", "--frozen"])).toMatchObject({ exitCode: 0 });
  });

  it("stops where another tool has redirected wrangler, and says how to combine them", async () => {
    const vites = '{"configPath":"../../dist/app/wrangler.json","auxiliaryWorkers":[]}';
    using project = new CliProject({ "src/app.ts": HELLO_APP, ".wrangler/deploy/config.json": vites });
    const { exitCode, err } = await project.run(["build", "src/app.ts:app"]);
    expect(exitCode).toBe(1);
    for (const part of ["../../dist/app/wrangler.json", "vite-plugin", "assets.directory", "service binding"]) expect(err).toContain(part);
    expect(project.read(".wrangler/deploy/config.json")).toBe(vites);
    expect(project.read("wrangler.edge-serve.json")).toBeUndefined();
  });

  it("says which generated files git would commit", async () => {
    using project = new CliProject({ "src/app.ts": HELLO_APP, ".gitignore": ".wrangler/\n" });
    execFileSync("git", ["init", "-q"], { cwd: project.root });
    const { err } = await project.run(["build", "src/app.ts:app"]);
    expect(err).toContain("git does not ignore .edge-serve/worker.ts, wrangler.edge-serve.json");
    project.write(".gitignore", ".wrangler/\n.edge-serve/\nwrangler.edge-serve.json\n");
    expect((await project.run(["build", "src/app.ts:app"])).err).toBe("");
  });

  it("takes a project of the earlier form over, tells so, and keeps its classes", async () => {
    const region = (name: string, rest: string) => `[exports.${name}]\ntype = "durable-object"\n${rest}\n\n`;
    const toml =
      'name = "a"\nmain = ".edge-serve/worker.ts"\ncompatibility_date = "2026-11-01"\n\n' +
      "# >>> edge-serve classes: written by edge-serve build; changes here are lost\n" +
      region("default__Hello", 'storage = "sqlite"') +
      region("default__Gone", 'storage = "sqlite"') +
      region("default__Dead", 'state = "deleted"') +
      "# <<< edge-serve classes\n";
    using project = new CliProject({ "wrangler.toml": toml, "src/app.ts": HELLO_APP });
    const { exitCode, out, err } = await project.run(["build", "src/app.ts:app"]);
    expect(exitCode, err).toBe(0);
    expect(err).toContain("wrangler.toml:5: an earlier edge-serve");
    expect(out).toContain("default__Gone is gone");
    expect(generatedConfig(project)["exports"]).toMatchObject({
      default__Hello: { storage: "sqlite" },
      default__Gone: { storage: "sqlite" },
      default__Dead: { state: "deleted" },
    });
    expect(project.read("wrangler.toml")).toBe(toml);

    // Without the lines it stays the same, because the lock file has the classes.
    const before = generatedConfig(project);
    project.write("wrangler.toml", toml.replace(/# >>>[^]*/, ""));
    expect(await project.run(["build", "src/app.ts:app"])).toMatchObject({ exitCode: 0, err: "" });
    expect(generatedConfig(project)).toEqual(before);
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

  it.each([
    ["a date that is too old", { compatibility_date: "2026-01-01" }, ['compatibility_date is "2026-01-01"', "2026-08-04"]],
    [
      "a class of the user's with a generated name",
      { exports: { default__Hello: { type: "durable-object", storage: "sqlite" } } },
      ["exports.default__Hello"],
    ],
    ["an environment that is not there", { env: { staging: {}, canary: {} } }, ["nope", "It has: staging, canary."], ["--env", "nope"]],
    ["a name that wrangler refuses", { name: 7 }, ["name"]],
    ["a main that is not there", { main: "src/nope.ts" }, ["wrangler.json", "src/nope.ts"]],
  ] as [string, object, string[], string[]?][])("refuses %s, and writes nothing", async (_, config, says, options = []) => {
    using project = new CliProject({
      "wrangler.json": JSON.stringify({ name: "a", compatibility_date: "2026-11-01", ...config }),
      "src/app.ts": HELLO_APP,
    });
    const { exitCode, err } = await project.run(["build", "src/app.ts:app", ...options]);
    expect(exitCode).not.toBe(0);
    for (const part of says) expect(err).toContain(part);
    expect(err).not.toContain("bug in edge-serve");
    for (const path of WRITTEN) expect(project.read(path), path).toBeUndefined();
  });
});

describe("edge-serve build, with a configuration that cannot be read", () => {
  it.each([
    ["wrangler.toml", 'name = "a"\ncompatibility_date = "2026\n', /wrangler\.toml:2:\d+ {2}\S/],
    ["wrangler.jsonc", '{\n  "name": "a",\n  compatibility_date\n}', /wrangler\.jsonc:3:\d+ {2}\S/],
    ["edge-serve.lock.json", "<<<<<<< HEAD\n", /edge-serve\.lock\.json is not JSON/],
  ])("names the place in %s", async (file, text, says) => {
    using project = new CliProject({ [file]: text, "src/app.ts": HELLO_APP });
    expect(await project.run(["build", "src/app.ts:app"])).toMatchObject({ exitCode: 1, out: "", err: expect.stringMatching(says) });
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

  it("warns of methods that no handle can call, with the class and the place in the config file", async () => {
    using project = new CliProject({
      "serve.yaml": "applications:\n  - name: shop\n    import_path: src/app.ts:app\n",
      "src/app.ts": HELLO_APP.replace('call() { return "Hello"; }', 'call() { return "Hello"; } toJSON() {} options() {}'),
    });
    const { exitCode, err } = await project.run(["build"]);
    const warning = 'warning: serve.yaml:3:18  Application "shop", deployment "Hello": no handle can call the method toJSON of Hello';
    expect([exitCode, err.split("\n").length, err]).toEqual([0, 2, expect.stringContaining(warning)]);
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
