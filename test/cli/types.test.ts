/**
 * What a stranger's compiler says of the package's declarations and of what a build generates: real tsc, `skipLibCheck: false`.
 */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OWN_ROOT } from "../../src/cli/project/own-package.ts";
import { CliProject, HELLO_APP } from "../support/cli-project.ts";
import { startNode } from "../support/process-group.ts";

const OUTSIDE: Readonly<Record<string, string>> = {
  client: `import { connect, getTask, ServeError, type DeploymentHandle } from "edge-serve/client";
class Greeter { call(name: string) { return name; } async *letters(): AsyncGenerator<string> {} }
export const greeter: DeploymentHandle<Greeter> = connect<Greeter>("https://host.example", { token: "t", app: "main" });
export const greeting: PromiseLike<string> = greeter.remote("Ada");
export const letters: AsyncIterable<string> = greeter.letters.remote();
export const task = getTask<number>(greeter, "id").result({ timeoutMs: 1 });
// @ts-expect-error It takes text.
greeter.remote(1);
export const codeOf = (error: unknown): string | undefined => (error instanceof ServeError ? error.code : undefined);
`,
  testing: `import { runLocal, serve, type LogLine, type Server } from "edge-serve/testing";
export const server: Promise<Server> = serve("src/app.ts:app", { token: "t", port: 0, quiet: true });
export const lines = async (): Promise<readonly LogLine[]> => (await server).logs();
export { runLocal };
`,
};
/** What uses the platform's own types, where a project has them. */
const WITH_PLATFORM: Readonly<Record<string, string>> = {
  client: `import { connect, BackPressureError } from "edge-serve/client";
const handle = connect(new URL("https://host.example"), { token: "t" });
export const answer: Response = new BackPressureError("full").getResponse();
export const cut = connect<() => string>("https://host.example", { token: "t" }).options({ signal: AbortSignal.timeout(1) });
export { handle };
`,
  testing: `import type { Server } from "edge-serve/testing";
export const status = async (server: Server): Promise<number> => (await server.fetch("/", { method: "POST", body: "text" })).status;
`,
};
const DISPOSING = `import { serve } from "edge-serve/testing";
export async function once(): Promise<string> {
  await using server = await serve("src/app.ts:app");
  return server.url;
}
`;

const MODULES = {
  nodenext: { module: "nodenext", moduleResolution: "nodenext" },
  bundler: { module: "esnext", moduleResolution: "bundler" },
} as const;
const PLATFORMS: readonly (readonly [name: string, lib: readonly string[], types: readonly string[], hasPlatform: boolean])[] = [
  ["nothing but ES2023", ["ES2023"], [], false],
  ["ES2023 and a browser", ["ES2023", "DOM", "DOM.Iterable"], [], true],
  ["ES2023 and Node", ["ES2023"], ["node"], true],
  ["ES2023, a browser and Node", ["ES2023", "DOM"], ["node"], true],
  ["ESNext", ["ESNext"], [], false],
  ["Workers types", ["ESNext"], ["@cloudflare/workers-types"], true],
];

const strict = { strict: true, noEmit: true, skipLibCheck: false, exactOptionalPropertyTypes: true, target: "es2022" };

async function tsc(project: CliProject, config: string): Promise<string> {
  await using running = startNode(join(OWN_ROOT, "node_modules/typescript/lib/tsc.js"), ["-p", config, "--pretty", "false"], project.root);
  return (await running.ended).said;
}

describe("types of the package's entry points", () => {
  let project: CliProject;
  beforeAll(() => {
    project = new CliProject({ "package.json": '{ "type": "module" }' });
    project.install("edge-serve", "@types/node", "@cloudflare/workers-types");
    for (const [entry, text] of Object.entries(OUTSIDE)) project.write(`${entry}.ts`, text);
    for (const [entry, text] of Object.entries(WITH_PLATFORM)) project.write(`${entry}-platform.ts`, text);
    project.write("disposing.ts", DISPOSING);
  });
  afterAll(() => project[Symbol.dispose]());

  describe.each(Object.entries(MODULES))("of %s", (name, module) => {
    it.each(PLATFORMS)("edge-serve/client and edge-serve/testing compile with %s", async (_, lib, types, hasPlatform) => {
      const files = Object.keys(OUTSIDE).flatMap((entry) => [`${entry}.ts`, ...(hasPlatform ? [`${entry}-platform.ts`] : [])]);
      // The language's own type of what is disposed of.
      if (lib.includes("ESNext") || types.includes("node")) files.push("disposing.ts");
      const config = `tsconfig.${name}.json`;
      project.write(config, JSON.stringify({ compilerOptions: { ...strict, ...module, lib, types }, files }));
      expect(await tsc(project, config)).toBe("");
    });
  });
});

describe("a project with what wrangler types writes, in place of Workers types", () => {
  const MAIN = `import edge from "../.edge-serve/worker";
export * from "../.edge-serve/worker";
export default {
  fetch: async (request, env): Promise<Response> => (request.method === "HEAD" ? new Response(env.GREETING) : edge.fetch(request)),
} satisfies ExportedHandler<Env>;
`;
  const USING = `import * as serve from "edge-serve";
import type { app } from "./app";
export const handle = (): ReturnType<typeof serve.getAppHandle<typeof app>> => serve.getAppHandle<typeof app>("default");
export class Store {
  put(): void {
    const { state, env } = serve.getReplicaContext();
    void state.storage.setAlarm(1);
    const greeting: string = env.GREETING;
    void greeting;
  }
}
`;

  it.each([
    ["no main", undefined],
    ["a main of its own that imports the entry", "src/main.ts"],
  ])("compiles after a build, the generated entry module too: %s", async (_, main) => {
    using project = new CliProject({
      "package.json": '{ "type": "module" }',
      "wrangler.jsonc": JSON.stringify({
        name: "typed",
        compatibility_date: "2026-11-01",
        vars: { GREETING: "hello" },
        ...(main && { main }),
      }),
      "src/app.ts": HELLO_APP,
      "src/using.ts": USING,
      ...(main && { [main]: MAIN }),
    });
    project.install("edge-serve", "wrangler", "@types/node");
    const built = await project.run(["build", "src/app.ts:app"]);
    expect(built.exitCode, built.err).toBe(0);
    await using types = startNode(join(OWN_ROOT, "node_modules/wrangler/bin/wrangler.js"), ["types"], project.root);
    const { exitCode, said } = await types.ended;
    expect(exitCode, said).toBe(0);
    const files = ["worker-configuration.d.ts", "src/using.ts", ".edge-serve/worker.ts", ...(main === undefined ? [] : [main])];
    const options = { ...strict, ...MODULES.bundler, lib: ["ES2023"], types: [] };
    project.write("tsconfig.json", JSON.stringify({ compilerOptions: options, files }));
    expect(await tsc(project, "tsconfig.json")).toBe("");
  });
});
