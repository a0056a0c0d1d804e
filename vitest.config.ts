import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

// Tests start wrangler and edge-serve a hundred times. What Node has compiled once it need not compile again.
process.env["NODE_COMPILE_CACHE"] ??= join(import.meta.dirname, "node_modules/.cache/node");

// What collects local traces makes a call between objects six to ten times slower.
process.env["X_LOCAL_OBSERVABILITY"] ??= "false";

// Fast first. Each project runs where its claim is true: pure code in Node, Durable Objects in workerd, and what
// was built, over HTTP, in a workerd of its own.
export default defineConfig({
  test: {
    maxWorkers: 2,
    // What a passing test logged is noise.
    silent: "passed-only",
    projects: [
      {
        // Property tests take their time on a busy machine; none waits for a clock.
        test: { name: "unit", include: ["test/unit/**/*.test.ts"], environment: "node", testTimeout: 30_000 },
      },
      {
        test: {
          name: "types",
          include: [],
          typecheck: { enabled: true, only: true, checker: "tsc", tsconfig: "tsconfig.test.json", include: ["test/types/**/*.test-d.ts"] },
        },
      },
      {
        plugins: [cloudflareTest({ wrangler: { configPath: "./test/workerd/wrangler.toml" } })],
        test: { name: "workerd", include: ["test/workerd/**/*.test.ts"], testTimeout: 30_000 },
      },
      {
        test: {
          name: "e2e",
          include: ["test/{e2e,cli,docs}/**/*.test.ts", "examples/**/*.test.ts"],
          environment: "node",
          // Each file starts servers of its own, and nothing that it shares with others changes: loading wrangler once is enough.
          isolate: false,
          maxWorkers: 2,
          // How long a busy machine may take to get there; a test waits no longer than it must.
          testTimeout: 180_000,
          hookTimeout: 180_000,
          expect: { poll: { timeout: 30_000 } },
          // Real processes on a machine that others use too: one more try tells a fault from a moment. The run prints which test needed it,
          // and that test is to be mended.
          retry: process.env["CI"] === undefined ? 0 : 1,
        },
      },
    ],
  },
});
