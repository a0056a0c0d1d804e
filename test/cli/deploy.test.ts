/** `edge-serve deploy` with the real wrangler, which uploads to an account that is none. */
import { describe, expect, it } from "vitest";
import { runCli } from "../../src/cli/program.ts";
import { CliProject, type CliResult, HELLO_APP } from "../support/cli-project.ts";
import { fakeAccount } from "../support/cloudflare-api.ts";

const TOKEN = "correct horse battery staple";

function project(): CliProject {
  const made = new CliProject({ "package.json": '{ "name": "hello", "type": "module" }', "src/app.ts": HELLO_APP });
  made.install("edge-serve", "wrangler");
  return made;
}

async function deploy(
  { root }: CliProject,
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<CliResult> {
  let [out, err] = ["", ""];
  const exitCode = await runCli(["deploy", ...argv], {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    cwd: root,
    env: { ...process.env, EDGE_SERVE_URL: undefined, EDGE_SERVE_TOKEN: undefined, ...env },
    signal: new AbortController().signal,
  });
  return { exitCode, out, err };
}

describe("edge-serve deploy", () => {
  it("uploads, then waits until the version that was built is RUNNING", { timeout: 300_000 }, async () => {
    await using account = await fakeAccount("someone");
    using hello = project();
    // What answers at the address is the same code, served on this machine.
    hello.write(".dev.vars", `EDGE_SERVE_TOKEN="${TOKEN}"\n`);
    await using running = hello.start(["run", "src/app.ts:app", "--port", "0"]);
    const [, url = ""] = /at (http:\S+)/.exec(await running.says("Serving src/app.ts:app at http"))!;
    const { exitCode, out, err } = await deploy(hello, ["src/app.ts:app", "--url", url], { ...account.env, EDGE_SERVE_TOKEN: TOKEN });
    expect(exitCode, out + err).toBe(0);
    expect(account.uploaded).toEqual(["hello"]);
    expect(err).toMatch(/^Waiting for version [0-9a-f]{12} at http:\/\/localhost:\d+\.\n/m);
    expect(err).toMatch(/^default: RUNNING \(.*World 2\/2.*\)$/m);
    expect(out).toMatch(/^Version [0-9a-f]{12} is RUNNING: default\.$/m);

    // Other code is uploaded, and what answers stays as it was.
    hello.write("src/other.ts", HELLO_APP.replace('"Hello"', '"Goodbye"'));
    const late = await deploy(hello, ["src/other.ts:app", "--url", url, "--timeout", "1"], { ...account.env, EDGE_SERVE_TOKEN: TOKEN });
    expect(late).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/Version \w+ is uploaded\. Not everything is RUNNING after 1 s:\n {2}default: still version \w+\n/),
    });
  });

  it("says how to make it wait where it cannot", async () => {
    await using account = await fakeAccount("someone");
    using hello = project();
    const { exitCode, out, err } = await deploy(hello, ["src/app.ts:app"], account.env);
    expect({ exitCode, uploaded: account.uploaded }).toEqual({ exitCode: 0, uploaded: ["hello"] });
    expect(out).toContain("https://hello.someone.workers.dev");
    expect(err).toContain("Uploaded; not waiting: EDGE_SERVE_TOKEN is not set, so the deploy cannot be verified. Give the Worker a token");
    // An empty name is the top level, whatever the variable says.
    const top = ["src/app.ts:app", "--no-wait", "--env", ""];
    expect(await deploy(hello, top, { ...account.env, EDGE_SERVE_TOKEN: TOKEN, CLOUDFLARE_ENV: "staging" })).toMatchObject({
      exitCode: 0,
      err: "",
    });
  });
});
