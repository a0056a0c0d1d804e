/** `edge-serve traffic`, against a system that runs. What it does when all is well is on the page: docs/traffic.md. */
import { dirname, resolve } from "node:path";
import { serve, type Server } from "edge-serve/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { putDocument, TOKEN } from "../support/operated.ts";

const CONFIG = resolve("test/e2e/apps/traffic.yaml");

let server: Server;
beforeAll(async () => {
  server = await serve(CONFIG, { token: TOKEN, quiet: true });
  const names = ["v1", "v2", "v3"];
  const document = {
    applications: names.map((name) => ({ name, route_prefix: null, import_path: "traffic.ts:named" })),
    routes: [
      { prefix: "/rank", split: names.map((application, index) => ({ application, percent: [50, 30, 20][index] })) },
      { prefix: "/search", canary: { stable: "v1", candidate: "v2", steps: [5, 100] } },
    ],
  };
  expect((await putDocument(server, document)).status).toBe(200);
});
afterAll(() => server?.stop());

async function traffic(...argv: string[]) {
  let [out, err] = ["", ""];
  const exitCode = await runCli(["traffic", ...argv], {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    cwd: dirname(CONFIG),
    env: { ...process.env, EDGE_SERVE_TOKEN: TOKEN, EDGE_SERVE_URL: server.url },
    signal: new AbortController().signal,
  });
  return { exitCode, out, err };
}

describe("edge-serve traffic", () => {
  it.each<[string[], string]>([
    [["/rank", "v1=60", "v2=30"], "/rank: v1 60 %, v2 30 %, v3 10 % (SPLIT).\n"],
    [["/rank", "v1=33.33", "v2=33.33", "v3=33.34"], "/rank: v1 33.33 %, v2 33.33 %, v3 33.34 % (SPLIT).\n"],
    [["/search", "--promote"], "/search: v1 0 %, v2 100 % (PROMOTED).\n"],
    [["/search", "--rollback"], "/search: v1 100 %, v2 0 % (ROLLED_BACK).\n"],
  ])("%j says what holds now", async (argv, said) => {
    expect(await traffic(...argv)).toEqual({ exitCode: 0, out: said, err: "" });
  });

  it.each<[string[], number, RegExp]>([
    [["/rank"], 2, /^Say one thing: /],
    [["/rank", "v1=60", "--promote"], 2, /^Say one thing: /],
    [["/rank", "v1"], 2, /"v1" does not say a share\. .*<app>=<percent>/],
    [["/rank", "v1=101"], 2, /"v1=101" does not say a share/],
    [["/rank", "v1=1.234"], 2, /"v1=1\.234" does not say a share/],
    [["/rank", "v1=60"], 1, /add up to 100/],
    [["/rank", "v9=60"], 1, /"v9" has no share of this route\. The applications: v1, v2, v3\./],
    [["/other", "v1=60"], 1, /no route at "\/other"\. There is: \/rank, \/search\./],
    [["/search", "v2=60"], 1, /"\/search" has a canary.*--promote or --rollback/],
    [["/rank", "--rollback"], 1, /no canary at "\/rank"/],
  ])("%j says what is wrong, and changes nothing", async (argv, code, message) => {
    const { exitCode, out, err } = await traffic(...argv);
    expect({ exitCode, out }).toEqual({ exitCode: code, out: "" });
    expect(err).toMatch(message);
  });
});
