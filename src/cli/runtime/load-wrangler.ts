import { createRequire } from "node:module";
import type * as Wrangler from "wrangler";

/** Loads wrangler when it is needed: it takes more than a second, and `--help` should not. */
export function loadWrangler(): Promise<typeof Wrangler> {
  // Without these wrangler asks the network where the machine is, and writes its debug log to the home directory.
  process.env["CLOUDFLARE_CF_FETCH_ENABLED"] ??= "false";
  process.env["WRANGLER_WRITE_LOGS"] ??= "false";
  return new Promise((resolve) => resolve(createRequire(import.meta.url)("wrangler") as typeof Wrangler));
}
