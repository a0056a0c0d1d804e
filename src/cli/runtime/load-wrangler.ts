import { createRequire } from "node:module";
import type * as Wrangler from "wrangler";
import { Failure } from "../failure.ts";
import { isAtLeast } from "../is-at-least.ts";
import { neededWrangler } from "../project/own-package.ts";

/**
 * Loads wrangler when it is needed: it takes more than a second, and `--help` should not.
 *
 * Rejects with a `Failure` where the project's is too old. npm installs such a one for `npm install wrangler` where the
 * machine's own Node is too old for the newest.
 */
export async function loadWrangler(): Promise<typeof Wrangler> {
  const require = createRequire(import.meta.url);
  const problem = wranglerProblem((require("wrangler/package.json") as { readonly version: string }).version, neededWrangler());
  if (problem !== undefined) throw new Failure(problem);
  // Without these wrangler asks the network where the machine is, and writes its debug log to the home directory.
  process.env["CLOUDFLARE_CF_FETCH_ENABLED"] ??= "false";
  process.env["WRANGLER_WRITE_LOGS"] ??= "false";
  // Its collector of local traces makes a call between objects six to ten times slower.
  process.env["X_LOCAL_OBSERVABILITY"] ??= "false";
  return withoutQuestions(() => require("wrangler") as typeof Wrangler);
}

// Wrangler looks once, when it is loaded, whether anybody could answer. In this process its log is not shown, so neither are its
// questions: where nobody is logged in it would wait in silence for a browser. The wrangler that `deploy` starts still asks.
function withoutQuestions<T>(load: () => T): T {
  const before = process.env["CI"];
  process.env["CI"] = "true";
  try {
    return load();
  } finally {
    if (before === undefined) delete process.env["CI"];
    else process.env["CI"] = before;
  }
}

/** What is wrong with a version of wrangler, if anything. */
export function wranglerProblem(version: string, needed: string): string | undefined {
  if (isAtLeast(version, needed)) return undefined;
  return `edge-serve needs wrangler ${needed} or later, and this project has ${version}. Run npm install --save-dev wrangler@^${needed}.`;
}
