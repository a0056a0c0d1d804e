import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import type { Bundle } from "../../src/cli/runtime/bundle.ts";
import { LogPositions } from "../../src/cli/runtime/source-positions.ts";
import { connect } from "../../src/client.ts";
import { serve } from "../../src/testing.ts";
import { CliProject } from "../support/cli-project.ts";
import { rejectionOf } from "../support/rejection.ts";

const FAILING_APP = `import * as serve from "edge-serve";

interface Letter { readonly text: string }
class Sorter {
  call(letter: Letter): string {
    throw new TypeError(\`cannot sort \${letter.text}\`);
  }
}
class Ingress {
  constructor(private sorter: serve.DeploymentHandle<Sorter>) {}
  async call(request: Request) {
    if (new URL(request.url).pathname === "/console") return console.error(new Error("on the console"));
    return await this.sorter.remote({ text: "mail" });
  }
}
export const app = serve.deployment(Ingress).bind(serve.deployment(Sorter).bind());
`;

describe("positions in the log", () => {
  it("are those of the source files, in every stack that serve() collects", async () => {
    using project = new CliProject({ "package.json": "{}", "src/app.ts": FAILING_APP });
    await using server = await serve(`${project.root}/src/app.ts:app`);
    expect((await server.fetch("/")).status).toBe(500);
    const { fields } = await server.waitForLog(({ message }) => message === "cannot sort mail");
    expect(fields["error"]).toContain("at Sorter.call (src/app.ts:6:11)");
    // Once, where it was thrown, though another replica answers with it.
    expect(server.logs().filter(({ level }) => level === "ERROR")).toEqual([expect.objectContaining({ deployment: "Sorter" })]);
    // A caller outside has both stacks, its own and below it the replicas'.
    const error = await rejectionOf(server.handle<(request: Request) => string>().remote(new Request("http://host/")));
    expect((error as Error).stack).toMatch(/at Ingress\.call \(src\/app\.ts:13:\d+\)[^]*at Sorter\.call \(src\/app\.ts:6:11\)/);
    await server.fetch("/console");
    const line = await server.waitForLog(({ message }) => message.includes("on the console"));
    expect(line.message).toMatch(/at Ingress\.call \(src\/app\.ts:12:\d+\)/);
    expect(JSON.stringify(server.logs())).not.toContain(".wrangler/tmp");
  });

  it("are those of the source files in what run prints and in what connect() raises in another process, after a reload too", async () => {
    using project = new CliProject({
      "src/app.ts": FAILING_APP,
      "serve.yaml": "applications:\n  - { name: default, route_prefix: /, import_path: src/app.ts:app, rpc: true }\n",
      ".dev.vars": "EDGE_SERVE_TOKEN=secret\n",
    });
    project.install("edge-serve");
    await using running = project.command("edge-serve", ["run", "serve.yaml", "--port", "0"]);
    const [, url = ""] = await running.says(/at (http\S+)/);
    const app = connect<(request: Request) => string>(url, { token: "secret" });
    const raised = async () => ((await rejectionOf(app.remote(new Request("http://host/")))) as Error).stack;
    expect(await raised()).toMatch(/at Ingress\.call \(src\/app\.ts:13:\d+\)[^]*at Sorter\.call \(src\/app\.ts:6:11\)/);
    await running.says(/at Sorter\.call \(src\/app\.ts:6:11\)/);

    project.write("src/app.ts", `// One line more.\n${FAILING_APP}`);
    await running.says(/Reloaded/);
    expect(await raised()).toMatch(/at Ingress\.call \(src\/app\.ts:14:\d+\)[^]*at Sorter\.call \(src\/app\.ts:7:11\)/);
    await running.says(/at Sorter\.call \(src\/app\.ts:7:11\)/);
  });
});

describe("the log of run", () => {
  const LOGGING_APP = `import * as serve from "edge-serve";

class Ingress {
  call(request: Request) {
    const { pathname } = new URL(request.url);
    serve.logger.info("seen", { count: 2, who: "two words" });
    console.log("NOSENTRY SQLite alarm overdue");
    if (pathname === "/fails") throw new TypeError("no mail");
    return "ok";
  }
}
export const app = serve.deployment(Ingress).bind();
`;
  const FORMATS: Record<string, { argv?: string[]; terminal?: { hasColors: boolean }; isForPeople: boolean }> = {
    "on a terminal": { terminal: { hasColors: false }, isForPeople: true },
    "in a pipe": { isForPeople: false },
    "on a terminal, as JSON": { argv: ["--log-format", "json"], terminal: { hasColors: true }, isForPeople: false },
    "in a pipe, for people": { argv: ["--log-format", "people"], isForPeople: true },
  };

  it.each(Object.keys(FORMATS))("is for people, or the lines as the platform has them: %s", async (name) => {
    const { argv = [], terminal, isForPeople } = FORMATS[name]!;
    using project = new CliProject({ "src/app.ts": LOGGING_APP });
    await using running = project.start(["run", "src/app.ts:app", "--port", "0", ...argv], { terminal });
    const [, url = ""] = /at (http\S+)/.exec(await running.says("/  default"))!;
    await fetch(`${url}some/path?q=1`);
    await fetch(`${url}fails`);
    const said = await running.says(isForPeople ? "GET /fails 500" : '"path":"/fails"');
    expect(said).not.toContain("NOSENTRY");
    const lines = said.split("\n").filter((line) => /seen|\/path|no mail|app\.ts:8/.test(line));
    if (!isForPeople) {
      expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
        expect.objectContaining({ level: "INFO", message: "seen", deployment: "Ingress", count: 2, who: "two words" }),
        expect.objectContaining({ level: "INFO", method: "GET", path: "/some/path", route: "/", status: 200 }),
        expect.objectContaining({ message: "seen" }),
        expect.objectContaining({
          level: "ERROR",
          error: expect.stringMatching(/^TypeError: no mail\n\s+at Ingress\.call \(src\/app\.ts:8:\d+\)/),
        }),
      ]);
      return;
    }
    const time = String.raw`\d\d:\d\d:\d\d\.\d{3}`;
    const patterns = [
      String.raw`${time} INFO    default/Ingress#0 seen count=2 who="two words"`,
      String.raw`${time} INFO    default/Ingress#0 GET /some/path 200 \d+ms`,
      String.raw`${time} INFO    default/Ingress#0 seen count=2 who="two words"`,
      String.raw`${time} ERROR   default/Ingress#0 TypeError: no mail requestId=[\w-]+`,
      String.raw`    at Ingress\.call \(src/app\.ts:8:\d+\)`,
    ];
    expect(lines).toEqual(patterns.map((pattern) => expect.stringMatching(new RegExp(`^${pattern}$`))));
    // Of the stack only the user's own frames.
    expect(said).not.toContain("replica.js");
  });

  it("has a format that exists", async () => {
    using project = new CliProject({ "src/app.ts": LOGGING_APP });
    const { exitCode, err } = await project.run(["run", "src/app.ts:app", "--log-format", "xml"]);
    expect([exitCode, err]).toEqual([2, '--log-format must be people or json, got "xml".\n']);
  });
});

describe("a binding that exists only on Cloudflare", () => {
  const AI_APP = `import * as serve from "edge-serve";
class Ingress { async call() { return typeof (serve.getReplicaContext().env as { AI: unknown }).AI; } }
export const app = serve.deployment(Ingress).bind();
`;
  const CONFIG = JSON.stringify({ name: "smart", compatibility_date: "2026-11-01", ai: { binding: "AI" } });

  it("says to log in where nobody is, and with --local the application is served without", async () => {
    using project = new CliProject({ "src/app.ts": AI_APP, "wrangler.jsonc": CONFIG });
    const { exitCode, err } = await project.run(["run", "src/app.ts:app", "--port", "0"]);
    expect(exitCode).toBe(1);
    expect(err).toMatch(/^AI runs on Cloudflare.*not logged in.*wrangler login.*CLOUDFLARE_API_TOKEN.*--local/);
    await using running = project.start(["run", "src/app.ts:app", "--port", "0", "--local"]);
    const [, url = ""] = /at (http\S+)/.exec(await running.says("/  default"))!;
    expect(await (await fetch(url)).text()).toBe("object");
  });
});

describe("what does not start", () => {
  it.each([
    ["its constructor", "constructor() { throw new RangeError('no weights'); }", 3],
    ["setup()", "async setup() {\n await 0;\n throw new RangeError('no weights'); }", 5],
  ])("is in the log of run before anybody asks for it, with its place: %s", async (step, member, line) => {
    const app = `import * as serve from "edge-serve";\nclass Broken {\n ${member}\n call() {} }\nexport const app = serve.deployment(Broken).bind();\n`;
    using project = new CliProject({ "src/app.ts": app });
    await using running = project.start(["run", "src/app.ts:app", "--port", "0"]);
    await running.says(`cannot start: ${step} threw RangeError: no weights`);
    await running.says(`(src/app.ts:${line}:`);
  });
});

describe("LogPositions", () => {
  /** A bundle each of whose lines comes from the same line of `file`, one column further. */
  const bundleFrom = (path: string, file: string): Bundle => ({
    path,
    text: "",
    inputs: [],
    directories: [],
    sourceOf: (line, column) => (line === 99 ? undefined : { file, line, column: column + 1 }),
  });

  it("knows a bundle by its path and by its URL, and leaves every other position alone", () => {
    const positions = new LogPositions("/my app");
    const path = "/my app/.wrangler/tmp/dev-1/worker.js";
    positions.add(bundleFrom(path, "/my app/src/app.ts"));
    const url = pathToFileURL(path).href;
    expect(positions.map(`at a (${url}:1:2)\nat b (${path}:3:4)`)).toBe("at a (src/app.ts:1:3)\nat b (src/app.ts:3:5)");
    for (const other of [`${url}:99:1`, "/elsewhere/worker.js:1:2", `${url}`]) expect(positions.map(other)).toBe(other);
  });

  it("keeps JSON what it is, and the positions of the bundle before a failed reload", () => {
    const positions = new LogPositions("/app");
    positions.add(bundleFrom("/app/.wrangler/tmp/dev-1/worker.js", "/app/src/app.ts"));
    positions.add(bundleFrom("/app/.wrangler/tmp/dev-2/worker.js", '/app/src/"quoted".ts'));
    const line = JSON.stringify({
      error: "Error\n    at /app/.wrangler/tmp/dev-1/worker.js:1:2\n    at /app/.wrangler/tmp/dev-2/worker.js:1:2",
    });
    expect(JSON.parse(positions.map(line))).toEqual({
      error: "Error\n    at src/app.ts:1:3\n    at /app/.wrangler/tmp/dev-2/worker.js:1:2",
    });
  });
});
