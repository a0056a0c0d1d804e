import { describe, expect, it } from "vitest";
import { ownVersion } from "../../src/cli/project/own-package.ts";
import { CliProject } from "../support/cli-project.ts";

describe("edge-serve init", () => {
  it("writes a project and says what to do with it", async () => {
    using project = new CliProject();
    const { exitCode, out, err } = await project.run(["init", "My App"]);
    expect({ exitCode, err }).toEqual({ exitCode: 0, err: "" });
    expect(out).toContain("cd My App");
    expect(out).toContain("npm start");
    expect(out).toContain("npm test");
    for (const path of [".gitignore", "README.md", "src/app.ts", "test/app.test.ts", "tsconfig.json", "vitest.config.ts"]) {
      expect(project.read(`My App/${path}`), path).toBeDefined();
    }
    expect(project.read("My App/wrangler.toml")).toContain('name = "my-app"\n');
    expect(JSON.parse(project.read("My App/package.json") ?? "")).toMatchObject({
      name: "my-app",
      type: "module",
      devDependencies: { "edge-serve": `^${ownVersion()}`, node: expect.stringMatching(/^\^24/) },
    });
  });

  it("leaves no placeholder in any file", async () => {
    using project = new CliProject();
    await project.run(["init"]);
    for (const path of ["package.json", "wrangler.toml", "README.md"]) expect(project.read(path)).not.toContain("{{");
  });

  it("takes edge-serve from where it is told to", async () => {
    using project = new CliProject();
    await project.run(["init", "--edge-serve", "file:../edge-serve.tgz"]);
    expect(JSON.parse(project.read("package.json") ?? "")).toHaveProperty(["devDependencies", "edge-serve"], "file:../edge-serve.tgz");
  });

  it("refuses a directory that is not empty", async () => {
    using project = new CliProject({ "notes.txt": "mine" });
    const { exitCode, err } = await project.run(["init"]);
    expect(exitCode).toBe(1);
    expect(err).toContain("is not empty");
    expect(project.read("package.json")).toBeUndefined();
  });
});
