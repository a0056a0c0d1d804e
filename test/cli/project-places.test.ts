/** Where a project may be: beside others, and at a path of any characters. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { CliProject, HELLO_APP } from "../support/cli-project.ts";

const WRITTEN = [".edge-serve/worker.ts", "wrangler.edge-serve.json", ".wrangler/deploy/config.json", "edge-serve.lock.json"];

it("takes the configuration that stands with the target where there is none above, and builds there", async () => {
  using project = new CliProject({
    "apps/my shop/wrangler.jsonc": `{ // Ours.
      "name": "shop", "compatibility_date": "2026-11-01", "build": { "command": "node make.mjs" }, }`,
    "apps/my shop/make.mjs": 'import { writeFileSync } from "node:fs";\nwriteFileSync("src/made.ts", "export {};");\n',
    "apps/my shop/src/app.ts": `import "./made.ts";\n${HELLO_APP}`,
    "apps/my shop/serve.yaml": "applications:\n  - import_path: src/app.ts:app\n",
  });
  expect(await project.run(["build", "apps/my shop/serve.yaml"])).toMatchObject({ exitCode: 0, err: "" });
  const built = WRITTEN.map((path) => project.read(`apps/my shop/${path}`));
  expect(JSON.parse(built[1] ?? "")).toMatchObject({ name: "shop", build: { command: expect.stringContaining("check") } });
  expect([built.includes(undefined), WRITTEN.some((path) => project.read(path) !== undefined)]).toEqual([false, false]);
  // From above and from within it is the same project.
  const within = await project.run(["build"], { cwd: join(project.root, "apps/my shop") });
  for (const path of WRITTEN.slice(1)) expect(within.out).toContain(`${path} unchanged`);
});

it("has wrangler check the build, whatever characters the project's path has", async () => {
  using folder = new CliProject();
  const root = join(folder.root, 'it\'s $HOME, `pwd`; "all" é#%20');
  mkdirSync(root);
  writeFileSync(join(root, "app.ts"), HELLO_APP);
  expect(await folder.run(["build", "app.ts:app"], { cwd: root })).toMatchObject({ exitCode: 0, err: "" });
  const { build } = JSON.parse(readFileSync(join(root, "wrangler.edge-serve.json"), "utf8")) as { build: { command: string } };
  expect(spawnSync("sh", ["-c", build.command], { encoding: "utf8" })).toMatchObject({ status: 0, stderr: "" });
});
