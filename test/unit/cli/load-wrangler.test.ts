import { describe, expect, it } from "vitest";
import { neededWrangler } from "../../../src/cli/project/own-package.ts";
import { loadWrangler, wranglerProblem } from "../../../src/cli/runtime/load-wrangler.ts";

describe("the project's wrangler", () => {
  it.each(["4.86.0", "3.200.0", "4.156.1"])("%s is refused, with the command that mends it", (version) => {
    expect(wranglerProblem(version, "4.156.2")).toBe(
      `edge-serve needs wrangler 4.156.2 or later, and this project has ${version}. Run npm install --save-dev wrangler@^4.156.2.`,
    );
  });

  it.each(["4.156.2", "4.156.10", "4.164.0", "5.0.0"])("%s is taken", (version) => {
    expect(wranglerProblem(version, "4.156.2")).toBeUndefined();
  });

  it("is compared with the version that package.json asks for, and loaded", async () => {
    expect(neededWrangler()).toMatch(/^\d+\.\d+\.\d+$/);
    const before = process.env["CI"];
    expect(await loadWrangler()).toHaveProperty("unstable_DevEnv");
    expect(process.env["CI"]).toBe(before);
  });
});
