/** The processes that `serve()` starts, one after the other. */
import { afterAll, expect, it, vi } from "vitest";
import { ServerChild } from "../../src/testing/server-child.ts";
import { serve } from "../../src/testing.ts";
import { CliProject, HELLO_APP } from "../support/cli-project.ts";
import { startNode } from "../support/process-group.ts";

const EVENTS = { onLog: () => {}, onScratch: () => {} };
const taken: ServerChild[] = [];
afterAll(() => Promise.all(taken.map((child) => child.kill())));

/** A process in which a server was started and then ended. */
async function ended(how: "stop" | "kill" = "stop"): Promise<ServerChild> {
  const child = ServerChild.take(EVENTS);
  taken.push(child);
  await child[how]();
  return child;
}

it("serves the next server with the process of one that was stopped", async () => {
  const first = await ended();
  expect(await ended()).toBe(first);
});

it.each<[string, () => unknown]>([
  ["was killed", () => ended("kill")],
  ["has another environment", () => vi.stubEnv("EDGE_SERVE_OTHER", "1")],
  ["serves still", () => taken.push(ServerChild.take(EVENTS))],
])("starts a process where the other one %s", async (_, happens) => {
  const first = await ended();
  await happens();
  expect(await ended()).not.toBe(first);
  vi.unstubAllEnvs();
});

it("leaves nothing of a server to the next one, and lets the test's process end", async () => {
  using project = new CliProject({
    "package.json": '{ "type": "module" }',
    "src/app.ts": HELLO_APP,
    "src/other.ts": HELLO_APP.replace('"Hello"', '"Bye"'),
    "test.ts": `import { serve } from "edge-serve/testing";
      const answers = [];
      for (const file of ["app", "other", "missing", "app"]) {
        const server = await serve(\`src/\${file}.ts:app\`, { quiet: true }).catch(() => undefined);
        answers.push(await (await server?.fetch("/"))?.text(), server?.logs().length);
        await server?.stop();
      }
      console.log(JSON.stringify(answers));`,
  });
  project.install("edge-serve", "wrangler");
  await using running = startNode("test.ts", [], project.root);
  const { exitCode, said } = await running.ended;
  expect([exitCode, said]).toEqual([0, expect.stringContaining('["Hello world!",3,"Bye world!",3,null,null,"Hello world!",3]')]);
});

it("serves a second one while the first one serves", async () => {
  using project = new CliProject({ "src/app.ts": HELLO_APP });
  await using one = await serve(`${project.root}/src/app.ts:app`);
  await using two = await serve(`${project.root}/src/app.ts:app`);
  const answers = await Promise.all([one, two].map(async (server) => (await server.fetch("/")).text()));
  expect(answers).toEqual(["Hello world!", "Hello world!"]);
});
