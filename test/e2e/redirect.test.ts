/**
 * That wrangler never uploads or serves what is stale, or was built for another environment: by its real commands, offline.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OWN_ROOT } from "../../src/cli/project/own-package.ts";
import { serve } from "../../src/testing.ts";
import { HELLO_APP } from "../support/cli-project.ts";
import { startNode } from "../support/process-group.ts";
import { build, ended, shop, SHOP_APP as APP, SHOP_CONFIG as JSONC, wrangler } from "../support/shop.ts";

describe("a build for an environment", () => {
  const project = shop({ ".dev.vars": "SECRET=plain\n", ".dev.vars.staging": "SECRET=for-staging\n" });
  beforeAll(() => build(project, "--env", "staging"));
  afterAll(() => project[Symbol.dispose]());

  it("is the user's configuration for it, with nothing of another", () => {
    const config = JSON.parse(project.read("wrangler.edge-serve.json") ?? "");
    expect(config).toMatchObject({
      name: "shop-staging",
      vars: { GREETING: "staged" },
      targetEnvironment: "staging",
      topLevelName: "shop",
    });
    expect(config).toHaveProperty(["routes", 0, "pattern"], "staging.example.com/*");
    // Bindings are not inherited.
    expect(config).not.toHaveProperty("d1_databases");
    expect(config).not.toHaveProperty("env");
    expect(project.read("wrangler.jsonc")).toBe(JSONC);
  });

  it.each([
    [["deploy", "--dry-run"], 0, 'env.GREETING ("staged")'],
    [["deploy", "--dry-run", "--env", "staging"], 0, 'env.GREETING ("staged")'],
    [["versions", "upload", "--dry-run", "--env", "staging"], 0, 'env.GREETING ("staged")'],
    [["deploy", "--dry-run", "--env", "production"], 1, "does not match the target environment"],
    [["versions", "upload", "--dry-run", "--env", "production"], 1, "does not match the target environment"],
    [["deploy", "--dry-run", "--env", ""], 1, "Build for the top level: edge-serve build src/app.ts:app"],
  ] as const)("wrangler %j ends with %i", async (args, exitCode, says) => {
    const result = await ended(project, args);
    expect(result.exitCode, result.said).toBe(exitCode);
    expect(result.said).toContain(says);
  });

  it("is what wrangler dev serves, with the secrets of the environment", async () => {
    await using dev = wrangler(project, ["dev", "--env", "staging", "--port", "0"]);
    const [, url = ""] = await dev.says(/Ready on (http:\/\/\S+)/);
    expect(await (await fetch(url)).text()).toBe("staged for-staging");
  });

  it("leaves wrangler types and d1 the user's own file", async () => {
    const types = await ended(project, ["types"]);
    expect(types.exitCode, types.said).toBe(0);
    expect(project.read("worker-configuration.d.ts")).toMatch(/DB\??: D1Database/);
    const d1 = await ended(project, ["d1", "migrations", "list", "DB", "--local"]);
    expect(d1.said).not.toContain("Couldn't find a D1 DB");
  });

  it("is found from a folder below, and not above the user's configuration", async () => {
    const below = await ended(project, ["deploy", "--dry-run"], `${project.root}/src`);
    expect(below.exitCode, below.said).toBe(0);
    // A project below one with a build of its own: what was built above is never taken for its.
    project.write("inner/wrangler.jsonc", '{ "name": "inner", "compatibility_date": "2026-11-01" }');
    project.write("inner/src/app.ts", HELLO_APP);
    const inner = `${project.root}/inner`;
    const stale = await ended(project, ["deploy", "--dry-run"], inner);
    expect(stale.exitCode, stale.said).toBe(1);
    expect(stale.said).toContain("do not share the same base path");
    await using built = startNode(`${OWN_ROOT}/dist/src/cli/main.js`, ["build", "src/app.ts:app"], inner);
    expect((await built.ended).exitCode).toBe(0);
    const own = await ended(project, ["deploy", "--dry-run"], inner);
    expect(own.exitCode, own.said).toBe(0);
  });
});

describe("a build for no environment", () => {
  const project = shop();
  beforeAll(() => build(project));
  afterAll(() => project[Symbol.dispose]());

  it.each([
    [[], 0, 'env.GREETING ("top")'],
    [["--env", ""], 0, 'env.GREETING ("top")'],
    [["--env", "staging"], 1, "does not match the target environment"],
    [["--env", "unheard-of"], 1, "does not match the target environment"],
  ] as const)("wrangler deploy --dry-run %j ends with %i", async (args, exitCode, says) => {
    const result = await ended(project, ["deploy", "--dry-run", ...args]);
    expect(result.exitCode, result.said).toBe(exitCode);
    expect(result.said).toContain(says);
  });
});

describe("wrangler, after something has changed since the build", () => {
  const project = shop({ "serve.yaml": "applications:\n  - import_path: src/app.ts:app\n" });
  const files = ["src/app.ts", "wrangler.jsonc", "serve.yaml", "edge-serve.lock.json"];
  let before: (string | undefined)[];
  beforeAll(async () => {
    expect(await project.run(["build", "--env", "staging"])).toMatchObject({ exitCode: 0 });
    before = files.map((path) => project.read(path));
  });
  afterAll(() => project[Symbol.dispose]());

  it.each([
    {
      what: "a declaration",
      file: "src/app.ts",
      edit: (text: string) => text.replace("(Greeter)", "(Greeter, { numReplicas: 3 })"),
      says: "serve.yaml declares",
      command: ["deploy"],
    },
    {
      what: "the config file",
      file: "serve.yaml",
      edit: (text: string) => `${text}    route_prefix: /shop\n`,
      says: "serve.yaml declares",
      command: ["versions", "upload"],
    },
    {
      what: "wrangler's configuration",
      file: "wrangler.jsonc",
      edit: (text: string) => text.replace('"staged"', '"other"'),
      says: "wrangler.jsonc",
      command: ["deploy"],
    },
    {
      what: "the lock file",
      file: "edge-serve.lock.json",
      edit: (text: string) => text.replace('"default__Greeter"', '"default__Other"'),
      says: "stale",
      command: ["deploy"],
    },
  ])("refuses to deploy when $what has", async ({ file, edit, says, command }) => {
    project.write(file, edit(project.read(file)!));
    try {
      const { exitCode, said } = await ended(project, [...command, "--dry-run"]);
      expect(exitCode, said).toBe(1);
      expect(said).toContain(says);
      expect(said).toContain("edge-serve build serve.yaml --env staging");
    } finally {
      files.forEach((path, index) => project.write(path, before[index]!));
    }
  });

  it("deploys when only code has, a comment, or another environment's configuration", async () => {
    project.write("src/more.ts", "export const more = 1;\n");
    project.write("src/app.ts", `import { more } from "./more.ts";\n// A comment.\n${APP.replace('join(" ")', 'join("-" + more)')}`);
    project.write("wrangler.jsonc", JSONC.replace("the-shop", "the-other-shop"));
    const { exitCode, said } = await ended(project, ["deploy", "--dry-run"]);
    expect(exitCode, said).toBe(0);
    files.forEach((path, index) => project.write(path, before[index]!));
  });

  it("names the place of an error in the code", async () => {
    project.write("src/app.ts", "export const = 1;\n");
    const { exitCode, said } = await ended(project, ["deploy", "--dry-run"]);
    expect(exitCode).toBe(1);
    expect(said).toContain('src/app.ts:1:14  Expected identifier but found "="');
    files.forEach((path, index) => project.write(path, before[index]!));
  });
});

describe("wrangler dev", () => {
  it("reloads edits of the code, and refuses those of a declaration until it is built again", async () => {
    using project = shop();
    await build(project);
    await using dev = wrangler(project, ["dev", "--port", "0"]);
    const [, url = ""] = await dev.says(/Ready on (http:\/\/\S+)/);
    const answer = async () => (await fetch(url)).text();
    expect(await answer()).toBe("top ");

    project.write("src/app.ts", APP.replace('join(" ")', 'join("+")'));
    await expect.poll(answer, { timeout: 60_000 }).toBe("top+");
    project.write("src/app.ts", APP.replace("(Greeter)", "(Greeter, { numReplicas: 3 })"));
    await dev.says(/Build again: edge-serve build src\/app\.ts:app/);
    await build(project);
    await expect.poll(answer, { timeout: 60_000 }).toBe("top ");
  });
});

describe("a build command of the user's", () => {
  const config = (command: string) => JSON.stringify({ name: "own", compatibility_date: "2026-11-01", build: { command } });

  it("still runs, before the check, and its failure is the deploy's", async () => {
    using project = shop({
      "wrangler.jsonc": config("node make.mjs"),
      "make.mjs": 'import { appendFileSync } from "node:fs";\nappendFileSync("made.txt", "x");\n',
    });
    await build(project);
    const made = project.read("made.txt") ?? "";
    const { exitCode, said } = await ended(project, ["deploy", "--dry-run"]);
    expect(exitCode, said).toBe(0);
    expect(project.read("made.txt")).toBe(`${made}x`);

    project.write("make.mjs", 'console.error("cannot make it");\nprocess.exit(3);\n');
    const failed = await ended(project, ["deploy", "--dry-run"]);
    expect(failed.exitCode).toBe(1);
    expect(failed.said).toContain("cannot make it");
  });
});

describe("a Worker that runs past the generated configuration", () => {
  it("answers an application's request with 500, and its log says what to run", async () => {
    using project = shop({
      "wrangler.jsonc": '{ "name": "past", "compatibility_date": "2026-11-01", "compatibility_flags": ["enable_request_signal"] }',
    });
    await build(project);
    await using dev = wrangler(project, ["dev", ".edge-serve/worker.ts", "--config", "wrangler.jsonc", "--port", "0"]);
    const [, url = ""] = await dev.says(/Ready on (http:\/\/\S+)/);
    const response = await fetch(url);
    expect(response.status).toBe(500);
    await dev.says(/default__Greeter[^\n]*edge-serve build/);
  });
});

describe("serve", () => {
  it("serves an environment, and writes none of a build's files", async () => {
    using project = shop({ ".dev.vars": "SECRET=plain\n", ".dev.vars.staging": "SECRET=for-staging\n" });
    const target = `${project.root}/src/app.ts:app`;
    await using staged = await serve(target, { env: "staging" });
    expect(await (await staged.fetch("/")).text()).toBe("staged for-staging");
    await staged.kill();
    await staged.restart();
    expect(await (await staged.fetch("/")).text()).toBe("staged for-staging");
    await using top = await serve(target);
    expect(await (await top.fetch("/")).text()).toBe("top plain");
    await expect(serve(target, { env: "stagging" })).rejects.toThrow("It has: staging, production.");
    for (const path of ["wrangler.edge-serve.json", ".wrangler/deploy/config.json", "edge-serve.lock.json"])
      expect(project.read(path)).toBeUndefined();
  });
});

describe("edge-serve run", () => {
  it("serves the environment that --env names", async () => {
    using project = shop();
    await using running = project.start(["run", "src/app.ts:app", "--port", "0", "--env", "staging"]);
    const [, url = ""] = /at (http\S+)/.exec(await running.says("/  default"))!;
    expect(await (await fetch(url)).text()).toBe("staged ");
    expect(await project.run(["run", "src/app.ts:app", "--env", "nope"])).toMatchObject({
      err: expect.stringContaining("It has: staging, production."),
    });
  });
});
