import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import type { Bundle } from "../../src/cli/runtime/bundle.ts";
import { LogPositions } from "../../src/cli/runtime/source-positions.ts";
import { serve } from "../../src/testing.ts";
import { CliProject } from "../support/cli-project.ts";

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
    const { fields } = await server.waitForLog(
      ({ message, fields: { deployment } }) => message === "cannot sort mail" && deployment === "Ingress",
    );
    // The caller's stack, and below it the replica's.
    expect(fields["error"]).toMatch(/at Ingress\.call \(src\/app\.ts:13:\d+\)[^]*at Sorter\.call \(src\/app\.ts:6:11\)/);
    await server.fetch("/console");
    const line = await server.waitForLog(({ message }) => message.includes("on the console"));
    expect(line.message).toMatch(/at Ingress\.call \(src\/app\.ts:12:\d+\)/);
    expect(JSON.stringify(server.logs())).not.toContain(".wrangler/tmp");
  });

  it("are those of the source files in what run prints, after a reload too", async () => {
    using project = new CliProject({ "src/app.ts": FAILING_APP });
    await using running = project.start(["run", "src/app.ts:app", "--port", "0"]);
    const [, url = ""] = /at (http\S+)/.exec(await running.says("/  default"))!;
    await fetch(url);
    await running.says("at Sorter.call (src/app.ts:6:11)");

    project.write("src/app.ts", `// One line more.\n${FAILING_APP}`);
    await running.says("Reloaded");
    await fetch(url);
    await running.says("at Sorter.call (src/app.ts:7:11)");
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
