/**
 * Static assets of the user's beside the applications.
 */
import { afterAll, describe, expect, it } from "vitest";
import { shop, wrangler } from "../support/shop.ts";

describe("static assets", () => {
  const project = shop({ "public/index.html": "<h1>front</h1>", "public/style.css": "" });
  afterAll(() => project[Symbol.dispose]());

  it.each([
    ["a page application", { not_found_handling: "single-page-application" }, "/api", /default.*\["\/api","\/api\/\*","\/-\/\*"\]/],
    ["a file at the application's path", {}, "/", /default \(\/\).*\["\/\*"\]/],
    ["files elsewhere only", {}, "/api", undefined],
    [
      "a page application, with the Worker first where it matters",
      { not_found_handling: "404-page", run_worker_first: ["/api", "/api/*"] },
      "/api",
      undefined,
    ],
    ["the Worker always first", { run_worker_first: true }, "/", undefined],
  ])("are kept: %s", async (_, settings, prefix, warning) => {
    const assets = { directory: "./public", binding: "ASSETS", ...settings };
    project.write("wrangler.jsonc", JSON.stringify({ name: "front", compatibility_date: "2026-11-01", assets }));
    project.write("serve.yaml", `applications:\n  - import_path: src/app.ts:app\n    route_prefix: ${prefix}\n`);
    const { exitCode, err } = await project.run(["build"]);
    expect(exitCode, err).toBe(0);
    expect(JSON.parse(project.read("wrangler.edge-serve.json") ?? "")).toMatchObject({ assets });
    if (warning === undefined) expect(err).toBe("");
    else expect(err).toMatch(warning);
  });

  it("answer beside the application under wrangler dev", async () => {
    const assets = { directory: "./public", not_found_handling: "single-page-application", run_worker_first: ["/api", "/api/*", "/-/*"] };
    project.write(
      "wrangler.jsonc",
      JSON.stringify({ name: "front", compatibility_date: "2026-11-01", assets, vars: { GREETING: "from the api" } }),
    );
    expect(await project.run(["build"])).toMatchObject({ exitCode: 0 });
    await using dev = wrangler(project, ["dev", "--port", "0"]);
    const [, url = ""] = await dev.says(/Ready on (http:\/\/\S+)/);
    const get = async (path: string) => (await fetch(new URL(path, url), { headers: { "sec-fetch-mode": "navigate" } })).text();
    expect(await get("/")).toContain("front");
    expect(await get("/some/page")).toContain("front");
    expect(await get("/api")).toBe("from the api ");
  });
});
