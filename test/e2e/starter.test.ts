/**
 * A project as Cloudflare's own starter leaves it, with what people add to one, gets a composed application: by one file, one
 * script, and one line of its vitest configuration. Nothing else of it is edited, and its own commands go on working.
 *
 * The files are those of docs/starter.md, beside what the starter writes and nobody touches.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { blocksOf } from "../docs/blocks.ts";
import { CliProject } from "../support/cli-project.ts";
import type { ProcessGroup } from "../support/process-group.ts";

const SHOWN = new Map(blocksOf("docs/starter.md").flatMap(({ says, text }) => (says.has("file") ? [[says.get("file")!, text]] : [])));

const UNTOUCHED = {
  ".gitignore": "node_modules/\n.wrangler\n.dev.vars*\n!.dev.vars.example\n.env*\n!.env.example\n",
  "tsconfig.json": `{
	"compilerOptions": {
		/* Visit https://aka.ms/tsconfig.json to read more about this file */
		"target": "es2024",
		"lib": ["es2024"],
		"jsx": "react-jsx",
		"module": "es2022",
		"moduleResolution": "Bundler",
		"resolveJsonModule": true,
		"allowJs": true,
		"checkJs": false,
		"noEmit": true,
		"isolatedModules": true,
		"allowSyntheticDefaultImports": true,
		"forceConsistentCasingInFileNames": true,
		"strict": true,
		"skipLibCheck": true,
		"types": ["./worker-configuration.d.ts"]
	},
	"exclude": ["test"],
	"include": ["worker-configuration.d.ts", "src/**/*.ts"]
}
`,
  "test/tsconfig.json": `{
	"extends": "../tsconfig.json",
	"compilerOptions": { "types": ["@cloudflare/vitest-plugin/types", "../worker-configuration.d.ts"] },
	"include": ["./**/*.ts", "../worker-configuration.d.ts"],
	"exclude": []
}
`,
};

const ADDED = {
  file: "src/app.ts",
  script: /^ *"build": .*\n/m,
  line: [/"\.\/wrangler\.edge-serve\.json" \}, \/\/ was: \.\/wrangler\.jsonc/, '"./wrangler.jsonc" },'],
} as const;

/** The project before anything is added. */
function starter(): CliProject {
  // The package's types are the runtime's of the configuration, as the starter has them.
  const packageFile = SHOWN.get("package.json")!.replace(" --include-runtime=false", "");
  const project = new CliProject({
    ...UNTOUCHED,
    "package.json": packageFile.replace(ADDED.script, ""),
    "wrangler.jsonc": `// For more details on how to configure Wrangler, refer to its documentation.\n${SHOWN.get("wrangler.jsonc")}`,
    "vitest.config.mts": SHOWN.get("vitest.config.mts")!.replace(...ADDED.line),
    "src/index.ts": SHOWN.get("src/index.ts")!,
    "test/index.spec.ts": SHOWN.get("test/index.spec.ts")!,
  });
  project.install("edge-serve", "node", "typescript", "wrangler", "vitest", "@cloudflare/vitest-plugin");
  return project;
}

/** All that its author does. */
function addApplication(project: CliProject): void {
  const [script = ""] = ADDED.script.exec(SHOWN.get("package.json")!) ?? [];
  project.write(ADDED.file, SHOWN.get(ADDED.file)!);
  project.write("package.json", project.read("package.json")!.replace('"scripts": {\n', `"scripts": {\n${script}`));
  project.write("vitest.config.mts", project.read("vitest.config.mts")!.replace("./wrangler.jsonc", "./wrangler.edge-serve.json"));
}

async function succeeds(running: ProcessGroup): Promise<string> {
  await using command = running;
  const { exitCode, said } = await command.ended;
  expect(exitCode, said).toBe(0);
  return said;
}

const UNEDITED = ["wrangler.jsonc", "src/index.ts", "test/index.spec.ts", ...Object.keys(UNTOUCHED)];

describe("Cloudflare's starter, with a database, a queue, a cron, an object of its own and an environment", () => {
  const project = starter();
  const before = UNEDITED.map((path) => project.read(path));
  beforeAll(async () => {
    addApplication(project);
    project.write("test/app.spec.ts", SHOWN.get("test/app.spec.ts")!);
    expect(await succeeds(project.script("build"))).not.toContain("warning");
  });
  afterAll(() => {
    expect(UNEDITED.map((path) => project.read(path))).toEqual(before);
    project[Symbol.dispose]();
  });

  it("passes its tests before anything is added", async () => {
    using untouched = starter();
    expect(await succeeds(untouched.script("test"))).toMatch(/Tests\s+2 passed/);
  });

  it("passes the same tests with an application, and new ones that ask the application by HTTP and by handle", async () => {
    expect(await succeeds(project.script("test"))).toMatch(/Tests\s+4 passed/);
  });

  it("compiles with the types that wrangler generates from its own configuration", async () => {
    await succeeds(project.script("cf-typegen"));
    for (const tsconfig of ["tsconfig.json", "test/tsconfig.json"]) {
      await using tsc = project.command("tsc", ["--project", tsconfig]);
      expect(await tsc.ended).toEqual({ exitCode: 0, said: "" });
    }
  });

  it("is served by wrangler dev, its queue and its cron too", async () => {
    await using dev = project.script("dev", "--port", "0");
    const [, url = ""] = await dev.says(/Ready on (http:\/\/\S+)/);
    const get = async (path: string) => (await fetch(new URL(path, url))).text();
    expect(await get("/orders")).toBe("Hello, visitor 1");
    expect(await get("/hello")).toBe("Hello world!");
    await dev.says(/visits: \/orders/);
    await get("/cdn-cgi/handler/scheduled?cron=0+3+*+*+*");
    await dev.says(/forgot 1 visits/);
  });

  it("is deployed to its environment after a build for that, with its bindings, and its migrations before the system's", async () => {
    using staged = starter();
    addApplication(staged);
    await succeeds(staged.script("build", "--env", "staging"));
    const said = await succeeds(staged.script("deploy", "--dry-run", "--env", "staging"));
    for (const binding of ["env.DB (visits-staging)", "env.VISITS (visits-staging)", "env.COUNTER (Counter)"])
      expect(said).toContain(binding);
    const config = JSON.parse(staged.read("wrangler.edge-serve.json") ?? "");
    expect(config).toMatchObject({ name: "orders-staging", triggers: { crons: ["0 3 * * *"] } });
    expect(config.migrations).toMatchObject([{ tag: "v1" }, { tag: "edge-serve-1" }]);
  });

  it("is not deployed to another environment than it was built for", async () => {
    await using deploy = project.script("deploy", "--dry-run", "--env", "staging");
    const { exitCode, said } = await deploy.ended;
    expect([exitCode, said]).toEqual([1, expect.stringContaining('"staging"')]);
  });
});
