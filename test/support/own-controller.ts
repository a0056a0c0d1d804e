/**
 * A project whose own main puts something in front of the control plane's classes, or in their place.
 */
import { CliProject } from "./cli-project.ts";

const HEAD = `name = "controlled"
main = "src/worker.ts"
compatibility_date = "2026-11-01"
compatibility_flags = ["enable_request_signal"]
`;

/** @param classes What main exports besides what is generated; \`generated\` is all of that, and a class of the same name replaces it. */
export function projectWith(app: string, classes: string): CliProject {
  return new CliProject({
    "wrangler.toml": HEAD,
    "src/app.ts": app,
    "src/worker.ts": `import { DurableObject } from "cloudflare:workers";
import * as generated from "../.edge-serve/worker.ts";
export * from "../.edge-serve/worker.ts";
export { default } from "../.edge-serve/worker.ts";
${classes}`,
  });
}
