/** The operator's commands, against a system that runs; and against what is none. */
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, resolve } from "node:path";
import { serve, type Server } from "edge-serve/testing";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { runCli } from "../../src/cli/program.ts";
import { type CliResult, CliProject } from "../support/cli-project.ts";

const TOKEN = "correct horse battery staple";
const CONFIG = resolve("test/e2e/apps/control.yaml");

interface Surroundings {
  readonly url?: string | undefined;
  readonly token?: string | undefined;
  readonly cwd?: string;
}

async function edgeServe(argv: readonly string[], { url, token = TOKEN, cwd = dirname(CONFIG) }: Surroundings): Promise<CliResult> {
  let [out, err] = ["", ""];
  const exitCode = await runCli(argv, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    cwd,
    env: { ...process.env, EDGE_SERVE_TOKEN: token, EDGE_SERVE_URL: url },
    signal: new AbortController().signal,
  });
  return { exitCode, out, err };
}

/** A config file for the three applications, `main`'s model with these options. */
const configWith = (options: object) =>
  JSON.stringify({
    applications: ["main", "elastic", "sleeper"].map((name) => ({
      name,
      route_prefix: name === "main" ? "/" : `/${name}`,
      import_path: `control.ts:${name === "main" ? "app" : name}`,
      ...(name === "main" ? { deployments: [{ name: "Model", ...options }] } : {}),
    })),
  });

describe("a system that runs", () => {
  let server: Server;
  const operate = (...argv: string[]) => edgeServe(argv, { url: server.url });

  async function applied(options: object, ...flags: string[]): Promise<CliResult> {
    using project = new CliProject({ "night.json": configWith(options) });
    return await edgeServe(["apply", "night.json", ...flags], { url: server.url, cwd: project.root });
  }

  beforeAll(async () => {
    server = await serve(CONFIG, { token: TOKEN });
  });
  afterAll(() => server?.stop());
  beforeEach(async () => {
    expect(await operate("apply", "control.yaml")).toMatchObject({ exitCode: 0, out: "Applied control.yaml: main, elastic, sleeper.\n" });
  });

  it("status shows applications, deployments and replicas, and exits with 0 when all is well", async () => {
    const { exitCode, out, err } = await operate("status", "main");
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
    expect(out).toBe(
      "NAME     STATUS   ROUTE  REPLICAS\nmain     RUNNING  /\n  Model  HEALTHY         1/1\n  Front  HEALTHY         1/1\n",
    );
    const all = await operate("status");
    expect(all).toMatchObject({ exitCode: 0, out: expect.stringMatching(/^elastic +RUNNING +\/elastic$/m) });
    const { out: json } = await operate("status", "--json", "--url", server.url);
    expect(Object.keys((JSON.parse(json) as { applications: object }).applications)).toEqual(["main", "elastic", "sleeper"]);
    expect(JSON.parse((await operate("status", "main", "--json")).out)).toMatchObject({ name: "main", deployments: { Model: {} } });
  });

  it("status says which application does not exist", async () => {
    expect(await operate("status", "mian")).toEqual({
      exitCode: 1,
      out: "",
      err: 'Application "mian" does not exist. Available: main, elastic, sleeper.\n',
    });
  });

  it("apply puts a file in force and waits until it runs", async () => {
    const { exitCode, out, err } = await applied({ num_replicas: 2, user_config: { threshold: 7 } });
    expect({ exitCode, out }).toEqual({ exitCode: 0, out: "Applied night.json: main, elastic, sleeper.\n" });
    expect(err).toMatch(/^main: RUNNING \(Model 2\/2; Front 1\/1\)$/m);
    expect(await (await server.fetch("/")).json()).toMatchObject({ config: { threshold: 7 } });
  });

  it("apply says what is wrong with the file, and where, and changes nothing", async () => {
    const before = (await operate("config")).out;
    const local = await applied({ num_replicas: -1 });
    expect(local).toMatchObject({ exitCode: 1, out: "" });
    expect(local.err).toMatch(
      /^night\.json:1:\d+ {2}Application "main", deployment "Model": applications\[0\]\.deployments\[0\]\.num_replicas must be/,
    );
    using project = new CliProject({
      "serve.yaml":
        "applications:\n  - name: main\n    import_path: control.ts:app\n    deployments:\n      - name: Modell\n        num_replicas: 3\n",
    });
    const far = await edgeServe(["apply"], { url: server.url, cwd: project.root });
    expect(far).toMatchObject({ exitCode: 1, out: "" });
    expect(far.err).toMatch(/refuses the document, and nothing has changed:\nserve\.yaml:5:15 {2}.*Did you mean "Model"\?/);
    expect((await operate("config")).out).toBe(before);
  });

  it("apply ends with the message where a replica refuses its configuration", async () => {
    const { exitCode, err } = await applied({ user_config: { refuse: true } });
    expect(exitCode).toBe(1);
    expect(err).toContain("this configuration is refused");
    expect(await operate("status")).toMatchObject({ exitCode: 1, out: expect.stringContaining("UNHEALTHY (RECONFIGURE_FAILED)") });
  });

  it("apply --no-wait does not wait", async () => {
    expect(await applied({ num_replicas: 2 }, "--no-wait")).toMatchObject({ exitCode: 0, err: "" });
  });

  it("config prints what is in force, and applied again it changes nothing", async () => {
    await applied({ num_replicas: 2, max_ongoing_requests: 7, request_timeout_s: 1.5, user_config: { threshold: 3 } });
    const { exitCode, out } = await operate("config");
    expect(exitCode).toBe(0);
    const model = { num_replicas: 2, max_ongoing_requests: 7, request_timeout_s: 1.5, user_config: { threshold: 3 } };
    expect(parse(out)).toMatchObject({
      applications: [
        {
          name: "main",
          route_prefix: "/",
          deployments: [
            { name: "Model", ...model },
            { name: "Front", num_replicas: 1 },
          ],
        },
        {},
        {},
      ],
    });
    using project = new CliProject({ "serve.yaml": out });
    expect(await edgeServe(["apply"], { url: server.url, cwd: project.root })).toMatchObject({ exitCode: 0 });
    expect((await operate("config")).out).toBe(out);
    const one = await operate("config", "elastic", "--json");
    expect(JSON.parse(one.out)).toMatchObject({
      applications: [{ name: "elastic", deployments: [{ autoscaling_config: { max_replicas: 60 } }, {}] }],
    });
    expect(one.err).toContain("Applied by itself, it takes the others away.");
    expect(await operate("config", "nope")).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining('Application "nope" does not exist.'),
    });
  });

  it("scale sets numbers of replicas, where the load does not decide", async () => {
    expect(await operate("scale", "main/Model=3", "main/Front=1")).toEqual({
      exitCode: 0,
      out: "main/Model: 3 replicas wanted.\nmain/Front: 1 replica wanted.\n",
      err: "",
    });
    await expect.poll(async () => (await operate("status", "main")).out).toMatch(/Model +HEALTHY +3\/3$/m);
    expect(await operate("scale", "elastic/Model=2")).toMatchObject({
      exitCode: 1,
      err: expect.stringContaining("is autoscaled: its load decides"),
    });
    expect(await operate("scale", "main/Modell=2")).toMatchObject({ exitCode: 1, err: expect.stringContaining("It has: Model, Front.") });
  });

  it("delete takes an application away, until it is applied again", async () => {
    expect(await operate("delete", "elastic", "--yes")).toMatchObject({
      exitCode: 0,
      out: expect.stringContaining('"elastic" is being deleted'),
    });
    expect(await (await server.fetch("/-/routes")).json()).not.toHaveProperty("/elastic");
    const again = await operate("delete", "elastic", "-y");
    expect(again).toMatchObject({ exitCode: 1, err: expect.stringContaining('Application "elastic" does not exist.') });
  });

  it("delete deletes nothing where nobody can answer", async () => {
    const { exitCode, err } = await operate("delete", "main");
    expect({ exitCode, err }).toEqual({
      exitCode: 1,
      err: `Delete application "main" at ${new URL(server.url).origin}? Cannot prompt: stdin is not a terminal. Pass --yes.\n`,
    });
    expect((await operate("status", "main")).exitCode).toBe(0);
  });

  it("refuses another token", async () => {
    const { exitCode, err } = await edgeServe(["status"], { url: server.url, token: "wrong" });
    expect(exitCode).toBe(1);
    expect(err).toContain("EDGE_SERVE_TOKEN does not match the Worker's secret at");
  });

  it("status exits with 1 and the message where an application has failed", async () => {
    await using broken = await serve("test/e2e/apps/broken.yaml", { token: TOKEN });
    const { exitCode, err } = await edgeServe(["apply", "broken.yaml"], { url: broken.url });
    expect({ exitCode, err }).toEqual({ exitCode: 1, err: expect.stringContaining('Application "broken" is DEPLOY_FAILED.') });
    const shown = await edgeServe(["status"], { url: broken.url });
    expect(shown).toMatchObject({
      exitCode: 1,
      out: expect.stringMatching(/DEPLOY_FAILED \(REPLICA_STARTUP_FAILED\):\n[^]*there are no weights/),
    });
  });

  it("says what to do where the Worker has no token", async () => {
    await using open = await serve("test/e2e/apps/broken.yaml");
    expect(await edgeServe(["status"], { url: open.url })).toMatchObject({
      exitCode: 1,
      err: expect.stringMatching(/has no token, .*wrangler secret put EDGE_SERVE_TOKEN/),
    });
  });
});

describe("what is no system", () => {
  async function at(listener: RequestListener, argv: readonly string[]): Promise<CliResult> {
    const server = createServer(listener);
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    try {
      return await edgeServe(argv, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
    } finally {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
  }

  it("is told apart from one", async () => {
    const page = await at((_, response) => response.end("<html>"), ["status"]);
    expect(page).toMatchObject({ exitCode: 1, err: expect.stringContaining("with 200, and not as an operator's API does. Check --url") });
    const json = await at((_, response) => response.end("{}"), ["status"]);
    expect(json).toMatchObject({ exitCode: 1, err: expect.stringContaining("and not as an operator's API does") });
    const missing = await at((_, response) => response.writeHead(404).end("no"), ["delete", "main", "--yes"]);
    expect(missing).toMatchObject({ exitCode: 1, err: expect.stringContaining("DELETE /-/api/applications/main with 404, and not as") });
    const guarded = await at((_, response) => response.writeHead(403).end("Forbidden"), ["status"]);
    expect(guarded).toMatchObject({ exitCode: 1, err: expect.stringContaining("with 403: Forbidden. Whatever stands before the Worker") });
  });

  it("never gets the token by a redirect", async () => {
    const asked: (string | undefined)[] = [];
    const elsewhere = createServer(({ headers }, response) => {
      asked.push(headers.authorization);
      response.end("{}");
    });
    await new Promise<void>((done) => elsewhere.listen(0, "127.0.0.1", done));
    const url = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`;
    const { exitCode, err } = await at((_, response) => response.writeHead(302, { location: `${url}/x` }).end(), ["status"]);
    await new Promise((done) => elsewhere.close(done));
    expect({ exitCode, asked }).toEqual({ exitCode: 1, asked: [] });
    expect(err).toContain(`redirects to ${url}, and the token is not sent there unasked.`);
  });

  it("is reported where nothing listens", async () => {
    const { exitCode, err } = await edgeServe(["status"], { url: "http://127.0.0.1:9" });
    expect(exitCode).toBe(1);
    expect(err).toMatch(
      /^http:\/\/127\.0\.0\.1:9 cannot be reached: .+\. Start it with edge-serve run, or name another system with --url\.\n$/,
    );
  });
});

describe("usage", () => {
  it.each([
    [
      ["status", "--url", "localhost:8787"],
      2,
      '--url must be an address such as https://my-app.my-account.workers.dev, without a path, got "localhost:8787".',
    ],
    [["status", "--url", "http://a/b"], 2, "without a path"],
    [["scale", "main/Model"], 2, '"main/Model" does not say what to scale. Write <app>/<deployment>=<number>'],
    [["scale", "main/Model=1001"], 2, "a number from 0 to 1000"],
    [["apply", "--timeout", "soon"], 2, '--timeout must be a number of seconds above 0, got "soon".'],
    [["deploy", "--timeout", "0"], 2, "--timeout must be"],
    [["apply", "nope.yaml"], 1, "There is no file nope.yaml in"],
  ])("answers %j", async (argv, exitCode, message) => {
    const result = await edgeServe(argv, {});
    expect(result).toMatchObject({ exitCode, out: "" });
    expect(result.err).toContain(message);
  });

  it.each(["status", "config", "apply", "scale", "delete"])("shows examples of %s in its help", async (command) => {
    const { exitCode, out } = await edgeServe([command, "--help"], {});
    expect(exitCode).toBe(0);
    expect(out).toContain(`$ edge-serve ${command}`);
    expect(out).toContain("--url <url>");
  });

  it("says where the token comes from when there is none", async () => {
    for (const command of [["status"], ["config"], ["apply", "control.yaml"], ["scale", "a/B=1"], ["delete", "a", "--yes"]]) {
      const { exitCode, err } = await edgeServe(command, { token: "" });
      expect(exitCode).toBe(1);
      expect(err).toContain(
        "EDGE_SERVE_TOKEN is not set, and the operator's API of http://localhost:8787 answers nobody without the token.",
      );
      expect(err).toContain('"wrangler secret put EDGE_SERVE_TOKEN"');
    }
  });
});
