import { describe, expect, it } from "vitest";
import { bundleRuntime } from "../../../bench/bundle.ts";

/** What the rooms weigh is in docs/benchmarks.md. Whoever makes it lighter lowers this. */
const BUDGET_BYTES = 106_500;

/** What may be in the bundle besides edge-serve itself. */
const PACKAGES = ["devalue", "itty-router", "valibot"];

describe("the runtime in a bundle", async () => {
  const { bytes, gzippedBytes, files } = await bundleRuntime();

  it(`takes at most ${BUDGET_BYTES / 1000} kB, minified and gzipped`, () => {
    console.info(`bundle: ${bytes} bytes minified, ${gzippedBytes} gzipped, budget ${BUDGET_BYTES}`);
    expect(gzippedBytes).toBeLessThanOrEqual(BUDGET_BYTES);
  });

  it.each([
    ["tasks and schedules", /src\/tasks\/|croner/],
    ["inline deployments", /inline/],
    ["keyed deployments", /keyed/],
    ["what both of these ask", /renewal/],
  ])("holds nothing of %s where no deployment has any", (_, ofThem) => {
    expect([...files.keys()].filter((path) => ofThem.test(path))).toEqual([]);
  });

  it("holds no package but those agreed on, and no tool", () => {
    const packages = new Set([...files.keys()].flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []));
    expect([...packages].filter((name) => !PACKAGES.includes(name))).toEqual([]);
    expect([...files.keys()].filter((path) => /^src\/(cli|testing|client|local)\b/.test(path))).toEqual([]);
  });
});
