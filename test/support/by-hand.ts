/**
 * A Worker written by hand, without edge-serve, on the same local server: what an application is compared with.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { readUserConfig } from "../../src/cli/project/user-config.ts";
import { startRuntime } from "../../src/cli/runtime/worker-runtime.ts";
import { startRelay } from "../../src/testing/tcp-proxy.ts";

/** A hand-written Worker that serves. */
export interface ByHand extends AsyncDisposable {
  readonly url: URL;
}

/** Serves a Durable Object whose `fetch` is `handler` of `file`. */
export async function serveByHand(file: string, handler: string): Promise<ByHand> {
  const root = mkdtempSync(join(tmpdir(), "by-hand-"));
  const main = join(root, "worker.ts");
  writeFileSync(
    main,
    `import { DurableObject } from "cloudflare:workers";
import { ${handler} } from ${JSON.stringify(resolve(file))};
export class Hand extends DurableObject {
  fetch(request) { return ${handler}(request); }
}
export default {
  fetch: (request, env) => env.HAND.getByName("one").fetch(request),
};
`,
  );
  const wranglerFile = join(root, "wrangler.json");
  const settings = {
    name: "by-hand",
    main,
    compatibility_date: "2026-11-01",
    compatibility_flags: ["enable_request_signal"],
    durable_objects: { bindings: [{ name: "HAND", class_name: "Hand" }] },
    migrations: [{ tag: "v1", new_sqlite_classes: ["Hand"] }],
  };
  writeFileSync(wranglerFile, JSON.stringify(settings));
  const { complete: config } = await readUserConfig({ root, wranglerFile }, undefined);
  const runtime = await startRuntime({ root, config, host: "127.0.0.1", persist: false });
  const { url } = await startRelay(0, () => runtime.directUrl);
  return {
    url,
    async [Symbol.asyncDispose]() {
      await runtime.dispose();
      rmSync(root, { recursive: true, force: true });
    },
  };
}
