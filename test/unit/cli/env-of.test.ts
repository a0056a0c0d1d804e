import { describe, expect, it } from "vitest";
import { envOf } from "../../../src/cli/project/user-config.ts";

describe("the environment of wrangler's configuration", () => {
  it.each([
    [undefined, {}, undefined],
    ["staging", {}, "staging"],
    [undefined, { CLOUDFLARE_ENV: "staging" }, "staging"],
    ["production", { CLOUDFLARE_ENV: "staging" }, "production"],
    ["", { CLOUDFLARE_ENV: "staging" }, undefined],
    [undefined, { CLOUDFLARE_ENV: "" }, undefined],
  ])("is, with --env %j and %j, %j", (given, variables, expected) => expect(envOf(given, variables)).toBe(expected));
});
