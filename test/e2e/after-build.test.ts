/**
 * What follows `edge-serve build` is wrangler's and vitest's own, run as their users run them. The entry module then
 * imports the compiled package, `dist/`, which `npm test` brings up to date first.
 */
import { describe, expect, it } from "vitest";
import { serve } from "../../src/testing.ts";
import { CliProject, HELLO_APP } from "../support/cli-project.ts";
import { type ProcessGroup, startNode } from "../support/process-group.ts";

// What wrangler's default rules make modules of, beside an application that reads its bindings while it loads.
const MODULES_APP = `import { env } from "cloudflare:workers";
import * as serve from "edge-serve";
import greeting from "./greeting.txt";
import sum from "./sum.wasm";

const name = (env as { NAME?: string }).NAME ?? "nobody";
const { exports } = new WebAssembly.Instance(sum);
const add = exports.add as (a: number, b: number) => number;

class Greeter { call() { return \`\${greeting.trim()}, \${name}: \${add(20, 22)}\`; } }
export const app = serve.deployment(Greeter).bind();
`;
// (module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
const SUM_WASM = Buffer.from("0061736d0100000001070160027f7f017f030201000707010361646400000a09010700200020016a0b", "hex");

const GREETING = { name: "mine", compatibility_date: "2026-11-01", vars: { GREETING: "hello" } };
const CONFIGURATIONS: Readonly<Record<string, string>> = {
  "wrangler.toml": 'name = "mine" # mine\ncompatibility_date = "2026-11-01"\n\n[vars]\nGREETING = "hello"\n',
  "wrangler.json": JSON.stringify(GREETING),
  "wrangler.jsonc": `// mine\n${JSON.stringify(GREETING)}`,
  "no configuration": "",
};

function modulesProject(): CliProject {
  return new CliProject({
    "wrangler.toml": 'name = "modules"\ncompatibility_date = "2026-11-01"\n\n[vars]\nNAME = "Ada"\n',
    "src/app.ts": MODULES_APP,
    "src/greeting.txt": "Hello\n",
    "src/sum.wasm": SUM_WASM,
  });
}

async function build(project: CliProject): Promise<void> {
  project.install("edge-serve", "wrangler", "vitest", "@cloudflare/vitest-plugin");
  expect(await project.run(["build", "src/app.ts:app"])).toMatchObject({ exitCode: 0, err: "" });
}

function wrangler(project: CliProject, ...args: readonly string[]): ProcessGroup {
  return startNode(`${project.root}/node_modules/wrangler/bin/wrangler.js`, args, project.root);
}

async function ended(project: CliProject, ...args: readonly string[]): Promise<{ exitCode: number | null; said: string }> {
  await using running = wrangler(project, ...args);
  return await running.ended;
}

async function answerOfDev(project: CliProject): Promise<string> {
  await using dev = wrangler(project, "dev", "--port", "0");
  const [, url = ""] = await dev.says(/Ready on (http:\/\/\S+)/);
  return await (await fetch(url)).text();
}

describe("after edge-serve build, with nothing else done", () => {
  it.each(Object.entries(CONFIGURATIONS))(
    "wrangler deploy and versions upload take what was built, with %s, which stays as it is",
    async (file, text) => {
      using project = new CliProject({ "src/app.ts": HELLO_APP, ...(text === "" ? {} : { [file]: text }) });
      await build(project);
      for (const command of [["deploy"], ["versions", "upload"]]) {
        const { exitCode, said } = await ended(project, ...command, "--dry-run");
        expect(exitCode, said).toBe(0);
        expect(said).toContain("wrangler.edge-serve.json");
        expect(said).toContain("--dry-run: exiting now.");
        if (text !== "") expect(said).toContain('env.GREETING ("hello")');
      }
      if (text !== "") expect(project.read(file)).toBe(text);
    },
  );

  it("wrangler dev serves the application", async () => {
    using project = new CliProject({ "src/app.ts": HELLO_APP });
    await build(project);
    expect(await answerOfDev(project)).toBe("Hello world!");
  });

  it("vitest runs tests in the built Worker", async () => {
    using project = new CliProject({
      "package.json": '{ "type": "module" }',
      "src/app.ts": HELLO_APP,
      "vitest.config.ts": `import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";
export default defineConfig({
  plugins: [cloudflareTest({ wrangler: { configPath: "./wrangler.edge-serve.json" } })],
  test: { testTimeout: 120_000 },
});
`,
      "test/app.test.ts": `import { exports } from "cloudflare:workers";
import { expect, it } from "vitest";
it("composes", async () => {
  const response = await exports.default.fetch("http://example.com/");
  expect(await response.text()).toBe("Hello world!");
});
`,
    });
    await build(project);
    const vitest = async () => {
      await using running = startNode(`${project.root}/node_modules/vitest/vitest.mjs`, ["run"], project.root);
      return await running.ended;
    };
    const { exitCode, said } = await vitest();
    expect(exitCode, said).toBe(0);
    expect(said).toMatch(/Tests\s+1 passed/);

    project.write("src/app.ts", HELLO_APP.replace("deployment(World,", 'deployment(World, { name: "Earth" }).options('));
    const stale = await vitest();
    expect(stale.exitCode).toBe(1);
    expect(stale.said).toContain("default/Earth, default/World. Run edge-serve build again");
  }, 180_000);

  it("wrangler dev serves an application with bindings at module level, a .wasm and a .txt module", async () => {
    using project = modulesProject();
    await build(project);
    expect(await answerOfDev(project)).toBe("Hello, Ada: 42");
  });
});

describe("serve", () => {
  it("serves an application with bindings at module level, a .wasm and a .txt module", async () => {
    using project = modulesProject();
    await using server = await serve(`${project.root}/src/app.ts:app`);
    expect(await (await server.fetch("/")).text()).toBe("Hello, Ada: 42");
  });
});
