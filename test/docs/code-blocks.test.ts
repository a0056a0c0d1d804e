/** Every code block of the documentation is run, or checked where running it would need an account. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { serve, type Server } from "edge-serve/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Block, blocksOf, stepsOf, type Use, useOf } from "./blocks.ts";
import { PageProject, TIMEOUT_MS } from "./page-project.ts";
import { curlRequest, problemWith } from "./shell.ts";

const PAGES = ["README.md", "CONTRIBUTING.md", ...readdirSync("docs").map((name) => `docs/${name}`)].filter((name) => name.endsWith(".md"));

describe.each(PAGES.map((page) => [page, blocksOf(page)] as const).filter(([, blocks]) => blocks.length > 0))("%s", (page, blocks) => {
  let project: PageProject;
  const having = (use: Use) => blocks.filter((block) => useOf(block) === use);
  const value = (block: Block, key: string) => block.says.get(key)!;

  beforeAll(async () => {
    project = new PageProject(page.replaceAll(/[^a-z]+/gi, "-").toLowerCase());
    for (const block of having("file")) project.write(value(block, "file"), block.text);
    for (const [index, block] of having("check").entries()) project.write(`src/check-${index + 1}.ts`, block.text);
    if (having("file").some((block) => value(block, "file") === "package.json")) await project.runScript("cf-typegen");
  });
  afterAll(() => project[Symbol.dispose]());

  it.each(blocks.map((block) => [block.place, block] as const))("%s says how it is run or checked", (_, block) => {
    expect(useOf(block), `\`\`\`${block.language} needs one of the words that CONTRIBUTING.md lists`).toBeDefined();
  });

  const files = having("file").map((block) => [value(block, "file"), block] as const);

  it("writes each file once", () => {
    const names = files.map(([name]) => name);
    expect(names).toEqual([...new Set(names)]);
  });

  it.each(files.filter(([name]) => !/^test\/|^(wrangler|package|vitest\.config)\./.test(name)))(
    "%s is used by another block: served, built or imported",
    (name, block) => {
      const module = name.replace(/\.ts$/, "").split("/").at(-1)!;
      expect(blocks.some((other) => other !== block && `${[...other.says.values()].join(" ")}\n${other.text}`.includes(module))).toBe(true);
    },
  );

  if (blocks.some((block) => block.language === "ts" && useOf(block) !== "generated")) {
    it("holds TypeScript that compiles in a strict project", async () => {
      expect(await project.run("tsc", [])).toMatchObject({ exitCode: 0, output: "" });
    });
  }

  if (files.some(([name]) => name.endsWith(".test.ts"))) {
    it("holds tests that pass", { timeout: TIMEOUT_MS + 10_000 }, async () => {
      const { exitCode, output } = await project.run("vitest", ["run", "--testTimeout=180000"]);
      expect(exitCode, output).toBe(0);
    });
  }

  const served = Map.groupBy(having("serve"), (block) => value(block, "serve"));

  describe.each([...served])("serving %s", (target, sessions) => {
    let server: Server;

    beforeAll(async () => {
      const isOurs = existsSync(target.split(":")[0]!) && !project.has(target.split(":")[0]!);
      server = await serve(isOurs ? target : join(project.root, target));
    });
    afterAll(() => server?.stop());

    it.each(sessions.flatMap((block) => stepsOf(block).map((step) => [step.command, step.output] as const)))(
      "%s",
      async (command, output) => {
        const response = await server.fetch(...curlRequest(command));
        expect((await response.text()).trim()).toBe(output);
      },
    );
  });

  const operated = Map.groupBy(having("operate"), (block) => value(block, "operate"));

  describe.each([...operated])("operating %s", (target, sessions) => {
    let server: Server;
    let env: Readonly<Record<string, string>>;

    beforeAll(async () => {
      server = await serve(join(project.root, target), { token: "open sesame" });
      env = { EDGE_SERVE_URL: server.url, EDGE_SERVE_TOKEN: "open sesame" };
      // The page begins with a system that runs.
      expect(await project.run("edge-serve", ["apply", target], env)).toMatchObject({ exitCode: 0 });
    });
    afterAll(() => server?.stop());

    it.each(sessions.flatMap((block) => stepsOf(block).map((step) => [step.command, step.output] as const)))(
      "%s",
      async (command, output) => {
        const { answer } = await project.run("edge-serve", command.replace(/^npx edge-serve /, "").split(/\s+/), env);
        expect(answer.trim()).toBe(output);
      },
    );
  });

  const commands = having("run").flatMap((block) => stepsOf(block));

  it.each(commands.map(({ command, output }) => [command, output] as const))("%s prints what the page shows", async (command, output) => {
    const [program, ...args] = command.replace(/^npx /, "").split(/\s+/);
    expect(program).toBe("edge-serve");
    expect(withoutVersion((await project.run("edge-serve", args)).output).trim()).toBe(withoutVersion(output));
  });

  it.each(having("generated").map((block) => [value(block, "generated"), block] as const))(
    "%s is written as the page shows it",
    (path, block) => {
      expect(withoutVersion(project.read(path))).toMatch(patternOf(withoutVersion(block.text)));
    },
  );

  it.each(having("commands").map((block) => [block.place, block] as const))("%s names commands that exist", async (_, block) => {
    const packageFiles: Readonly<Record<string, string>> = {
      project: "templates/init/_package.json",
      page: join(project.root, "package.json"),
    };
    const packageFile = packageFiles[block.says.get("in") ?? ""] ?? "package.json";
    const problems = await Promise.all(block.text.split("\n").map((command) => problemWith(command, packageFile)));
    expect(problems.filter((problem) => problem !== undefined)).toEqual([]);
  });

  it.each(having("paths").map((block) => [block.place, block] as const))("%s names files that exist", (_, block) => {
    const paths = block.text.match(/[\w.-]+\/[\w./-]*/g) ?? [];
    expect(paths.filter((path) => !existsSync(path))).toEqual([]);
  });
});

// A hash of the code, edge-serve's own included: it differs with every change of it.
function withoutVersion(text: string): string {
  return text.replaceAll(/\b[0-9a-f]{12}\b/g, "<version>");
}

/** What a shown part of a file matches; a line of dots stands for lines that are left out. */
function patternOf(shown: string): RegExp {
  const parts = shown.trim().split(/^[ \t]*(?:\/\/|#)? ?\.\.\.[ \t]*\n/m);
  return new RegExp(parts.map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&")).join("[^]*"));
}
