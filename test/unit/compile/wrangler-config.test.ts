/**
 * Against wrangler's own reader: what is generated for an environment means what the user's file means with `--env`.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unstable_readConfig as read } from "wrangler";
import { describe, expect, it } from "vitest";
import { assetWarnings, compatibilityOf, flatten, generatedConfig, unfitSetting } from "../../../src/compile/wrangler-config.ts";

// Settings of all kinds: those that an environment inherits, those that it does not, those of the top level alone.
const SETTINGS: Readonly<Record<string, unknown>> = {
  account_id: "abc",
  compatibility_flags: ["nodejs_compat"],
  routes: [{ pattern: "a.example.com/*", zone_name: "example.com" }],
  workers_dev: false,
  preview_urls: false,
  triggers: { crons: ["* * * * *"] },
  assets: { directory: "./public", run_worker_first: true },
  observability: { enabled: true, head_sampling_rate: 0.5 },
  limits: { cpu_ms: 100 },
  placement: { mode: "smart" },
  rules: [{ type: "Text", globs: ["**/*.md"] }],
  logpush: true,
  minify: true,
  keep_names: false,
  define: { A: "1" },
  vars: { A: "1", B: { deep: [1] } },
  kv_namespaces: [{ binding: "KV", id: "1" }],
  d1_databases: [{ binding: "DB", database_id: "1", database_name: "one", migrations_dir: "./sql" }],
  r2_buckets: [{ binding: "R2", bucket_name: "one" }],
  queues: { producers: [{ binding: "Q", queue: "q" }], consumers: [{ queue: "q" }] },
  services: [{ binding: "S", service: "other" }],
  durable_objects: { bindings: [{ name: "C", class_name: "Counter" }] },
  workflows: [{ binding: "W", name: "w", class_name: "Flow" }],
  send_email: [{ name: "MAIL" }],
  vectorize: [{ binding: "V", index_name: "v" }],
  hyperdrive: [{ binding: "H", id: "1", localConnectionString: "postgres://u:p@localhost:5432/d" }],
  ai: { binding: "AI" },
  browser: { binding: "BROWSER" },
  version_metadata: { binding: "VERSION" },
  analytics_engine_datasets: [{ binding: "AE", dataset: "d" }],
  tail_consumers: [{ service: "tail" }],
  alias: { x: "./y.ts" },
  keep_vars: true,
  send_metrics: false,
  upload_source_maps: true,
  tsconfig: "./tsconfig.json",
};
// These say where the configuration was read, or are edge-serve's to say.
const OURS = [
  "configPath",
  "userConfigPath",
  "main",
  "exports",
  "migrations",
  "build",
  "compatibility_flags",
  "topLevelName",
  "definedEnvironments",
  "targetEnvironment",
  "tsconfig",
];

function meaning(config: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([key, value]) => !OURS.includes(key) && value !== undefined));
}

const base = { name: "app", compatibility_date: "2026-11-01" };
const half = Object.fromEntries(Object.entries(SETTINGS).filter((_, index) => index % 2 === 0));
const otherHalf = Object.fromEntries(Object.entries(SETTINGS).filter((_, index) => index % 2 === 1));
const forEnvironment = (settings: Readonly<Record<string, unknown>>) =>
  Object.fromEntries(Object.entries(settings).filter(([key]) => !["alias", "keep_vars", "send_metrics"].includes(key)));

describe("[W1] the generated configuration", () => {
  it.each([
    ["everything at the top level", { ...base, ...SETTINGS, env: { staging: {} } }],
    ["everything in the environment", { ...base, env: { staging: forEnvironment(SETTINGS) } }],
    ["half here, half there", { ...base, ...half, env: { staging: forEnvironment(otherHalf), other: {} } }],
    ["half there, half here", { ...base, ...otherHalf, env: { staging: { name: "own-name", ...forEnvironment(half) } } }],
    ["what is empty", { ...base, triggers: { crons: [] }, vars: {}, env: { staging: { triggers: { crons: [] }, routes: [] } } }],
    ...Object.entries(SETTINGS).map(([key, value]) => [key, { ...base, [key]: value, env: { staging: {} } }] as const),
  ] as [string, Record<string, unknown>][])("means what the user's means: %s", (_, written) => {
    const folder = mkdtempSync(join(tmpdir(), "edge-serve-config-"));
    try {
      const [mine, generated] = [join(folder, "wrangler.json"), join(folder, "wrangler.edge-serve.json")];
      writeFileSync(mine, JSON.stringify(written));
      for (const env of ["staging", undefined]) {
        const complete = read({ config: mine, env: env ?? "" }, { hideWarnings: true });
        const text = generatedConfig({
          users: flatten(written, env, complete as unknown as Record<string, unknown>),
          env,
          written,
          name: complete.name!,
          main: ".edge-serve/worker.ts",
          compatibility: { date: "2026-11-01", flags: [] },
          declared: { exports: {} },
          triggers: undefined,
          build: { command: "true", watch_dir: ["src"] },
        });
        writeFileSync(generated, text);
        expect(meaning(read({ config: generated, env: "" }, { hideWarnings: true }))).toEqual(meaning(complete));
        expect(JSON.parse(text)).toMatchObject({ targetEnvironment: env ?? "(top level)" });
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("compatibilityOf", () => {
  it.each([
    [{}, { date: "2026-11-01", flags: ["enable_request_signal"] }],
    [
      { compatibility_date: "2026-11-01", compatibility_flags: ["nodejs_compat"] },
      { date: "2026-11-01", flags: ["nodejs_compat", "enable_request_signal"] },
    ],
    [{ compatibility_date: "2026-11-17" }, { date: "2026-11-17", flags: [] }],
    [
      { compatibility_date: "2026-11-01", compatibility_flags: ["disable_request_signal"] },
      { date: "2026-11-01", flags: ["disable_request_signal"] },
    ],
    [{ compatibility_date: "2026-08-03" }, { problem: expect.stringContaining("2026-08-04") }],
  ])("of %j is %j", (config, expected) => expect(compatibilityOf(config, "wrangler.toml")).toEqual(expected));
});

describe("a setting that no build can live with", () => {
  it.each([
    [{ no_bundle: true }, "Remove no_bundle"],
    [{ pages_build_output_dir: "./dist" }, "assets.directory"],
  ])("is said with what to write: %j", (config, says) => {
    expect(unfitSetting(config, "wrangler.toml")).toMatch(new RegExp(`^wrangler\\.toml: ${Object.keys(config)[0]}.*${says}`));
  });

  it("is none of the others", () => {
    expect(unfitSetting({ ...SETTINGS, no_bundle: false }, "wrangler.toml")).toBeUndefined();
  });
});

describe("assetWarnings", () => {
  const one = (routePrefix: string | null) => [{ name: "app", routePrefix }];
  it.each([
    ["no file in the way", { runWorkerFirst: undefined, notFoundHandling: undefined, paths: ["/a.css"] }, one("/api"), []],
    [
      "a file below the prefix",
      { runWorkerFirst: undefined, notFoundHandling: undefined, paths: ["/api/docs"] },
      one("/api"),
      ["/api/docs", '"/api/*"'],
    ],
    ["a file beside the prefix", { runWorkerFirst: undefined, notFoundHandling: undefined, paths: ["/apidocs"] }, one("/api"), []],
    [
      "pages for what is not found",
      { runWorkerFirst: false, notFoundHandling: "404-page", paths: [] },
      one("/api"),
      ["not_found_handling", '"/-/*"'],
    ],
    ["the Worker first for the prefix alone", { runWorkerFirst: ["/api"], notFoundHandling: "404-page", paths: [] }, one("/api"), ["/api"]],
    ["an exception", { runWorkerFirst: ["/*", "!/api/*"], notFoundHandling: "404-page", paths: [] }, one("/api"), ["/api"]],
    ["the Worker first everywhere", { runWorkerFirst: ["/*"], notFoundHandling: "404-page", paths: ["/api/docs"] }, one("/api"), []],
    ["an application without HTTP", { runWorkerFirst: undefined, notFoundHandling: "404-page", paths: ["/"] }, one(null), []],
  ])("with %s", (_, assets, applications, says) => {
    const warnings = assetWarnings(assets, applications);
    expect(warnings).toHaveLength(says.length === 0 ? 0 : 1);
    for (const part of says) expect(warnings[0]).toContain(part);
  });
});
