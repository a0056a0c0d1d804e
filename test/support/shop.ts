/**
 * A project with environments and bindings, and wrangler's real commands in it.
 */
import { expect } from "vitest";
import { CliProject } from "./cli-project.ts";
import { type ProcessGroup, startNode } from "./process-group.ts";

/** An application that answers what its environment says. */
export const SHOP_APP = `import * as serve from "edge-serve";

class Greeter {
  call() {
    const { GREETING, SECRET } = serve.getReplicaContext().env as { GREETING?: string; SECRET?: string };
    return [GREETING, SECRET].join(" ");
  }
}
export const app = serve.deployment(Greeter).bind();
`;
/** Its configuration, with comments, environments and a binding that they do not inherit. */
export const SHOP_CONFIG = `{
  // Mine.
  "name": "shop",
  "compatibility_date": "2026-11-01",
  "vars": { "GREETING": "top" },
  "d1_databases": [{ "binding": "DB", "database_name": "shop", "database_id": "0" }],
  "env": {
    "staging": { "vars": { "GREETING": "staged" }, "routes": [{ "pattern": "staging.example.com/*", "zone_name": "example.com" }] },
    "production": { "name": "the-shop" },
  },
}
`;

/** The project, with edge-serve and wrangler installed. */
export function shop(files: Readonly<Record<string, string>> = {}): CliProject {
  const project = new CliProject({ "wrangler.jsonc": SHOP_CONFIG, "src/app.ts": SHOP_APP, ...files });
  project.install("edge-serve", "wrangler");
  return project;
}

/** Starts a command of wrangler. */
export function wrangler({ root }: CliProject, args: readonly string[], cwd = root): ProcessGroup {
  return startNode(`${root}/node_modules/wrangler/bin/wrangler.js`, args, cwd);
}

/** Runs a command of wrangler to its end. */
export async function ended(
  project: CliProject,
  args: readonly string[],
  cwd?: string,
): Promise<{ exitCode: number | null; said: string }> {
  await using running = wrangler(project, args, cwd);
  return await running.ended;
}

/** Builds without a complaint. */
export async function build(project: CliProject, ...args: readonly string[]): Promise<void> {
  expect(await project.run(["build", "src/app.ts:app", ...args])).toMatchObject({ exitCode: 0, err: "" });
}
