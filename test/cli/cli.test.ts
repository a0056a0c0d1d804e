import { describe, expect, it } from "vitest";
import { runtimeFailure } from "../../src/cli/runtime/runtime-failure.ts";
import { CliProject } from "../support/cli-project.ts";

describe("edge-serve", () => {
  it("lists its commands", async () => {
    using project = new CliProject();
    const { exitCode, out, err } = await project.run(["--help"]);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
    for (const command of ["init", "run", "build", "deploy"]) expect(out).toMatch(new RegExp(`^  ${command} `, "m"));
    expect((await project.run([])).out).toBe(out);
  });

  it.each([
    [["buidl"], "(Did you mean build?)"],
    [["build", "--dry-rum"], "(Did you mean --dry-run?)"],
    [["build", "a", "b"], "too many arguments"],
    [["build"], "There is no serve.yaml in"],
    [["run"], "no target is given"],
    [["run", "app.ts:app", "--port", "no"], '--port must be an integer from 0 to 65535, got "no".'],
    ...["", " 80 ", "1e3", "0x50", "-1", "65536"].map((port): [string[], string] => [
      ["run", "app.ts:app", "--port", port],
      `--port must be an integer from 0 to 65535, got ${JSON.stringify(port)}.`,
    ]),
    [["run", "app.ts:app", "model"], 'Invalid builder argument "model". Write key=value.'],
    [["build", "a:b:c"], "must have at most one colon"],
    [["run", "serve.yaml", "a=b"], "serve.yaml gives each application its args itself"],
    [["run", "app.ts:app", "--route-prefix", "api"], '--route-prefix must start with "/", got "api".'],
    [["build", "app.ts:app", "--route-prefix", "/-/x"], '--route-prefix must not be "/-"'],
    [["build", "serve.yaml", "--route-prefix", "/api"], "serve.yaml gives each application its route_prefix itself"],
  ])("answers %j as a usage error, on stderr", async (argv, message) => {
    using project = new CliProject({ "app.ts": "", "notes.txt": "" });
    const { exitCode, out, err } = await project.run(argv);
    expect(err).toContain(message);
    expect({ exitCode, out }).toEqual({ exitCode: 2, out: "" });
  });

  it.each(["init", "run", "build", "deploy"])("shows examples of %s in its help", async (command) => {
    using project = new CliProject();
    const { exitCode, out } = await project.run([command, "--help"]);
    expect(exitCode).toBe(0);
    expect(out).toContain(`$ edge-serve ${command}`);
  });

  it("says which file is missing", async () => {
    using project = new CliProject();
    const { exitCode, err } = await project.run(["build", "src/nope.ts:app"]);
    expect(exitCode).toBe(1);
    expect(err).toContain(`The target names "src/nope.ts", but there is no file ${project.root}/src/nope.ts.`);
  });

  it("prints every diagnostic of a config file with its place, before it builds anything", async () => {
    using project = new CliProject({
      "serve.yaml":
        "applications:\n  - import_path: src/app.ts:app\n    route_prefx: /a\n    deployments:\n      - name: A\n        num_replicas: -1\n",
    });
    const { exitCode, err } = await project.run(["build"]);
    expect(exitCode).toBe(1);
    expect(err).toMatch(/serve\.yaml:3:5 .*route_prefx.*route_prefix/);
    expect(err).toMatch(/serve\.yaml:6:23 .*num_replicas/);
    expect(project.read(".edge-serve/worker.ts")).toBeUndefined();
  });
});

describe("runtimeFailure", () => {
  it("says what to do about a compatibility date that is newer than the runtime", () => {
    const said =
      'This Worker requires compatibility date \\"2026-11-17\\", but the newest date supported by this server binary is \\"2026-11-09\\".';
    expect(
      runtimeFailure(new Error(`Runtime stderr:\n{"message":"service core:user:a: ${said}"}`), undefined, {
        root: "/app",
        config: {} as never,
      }),
    ).toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(
        /says compatibility_date "2026-11-17", and .* knows dates until "2026-11-09"\. Set compatibility_date to/,
      ),
    });
  });
});
