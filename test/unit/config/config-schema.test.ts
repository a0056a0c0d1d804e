import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { generatedFiles } from "../../../scripts/options/write.ts";
import { validateConfig } from "../../../src/config/system-config.ts";

interface Schema {
  readonly [keyword: string]: unknown;
}

const FILES = generatedFiles();
const ROOT = JSON.parse(FILES["schema/serve.schema.json"]!) as Schema;
const ANNOTATIONS = ["$schema", "$defs", "title", "description", "default", "deprecated"];

const typeOf = (value: unknown): string[] => {
  if (value === null) return ["null"];
  if (Array.isArray(value)) return ["array"];
  return Number.isInteger(value) ? ["integer", "number"] : [typeof value];
};

/** Each keyword of the draft that the schema uses; another one is an error, so that no test passes by ignorance. */
const KEYWORDS: Readonly<Record<string, (argument: never, value: never, schema: Schema) => boolean>> = {
  $ref: (ref: string, value) => accepts((ROOT["$defs"] as Record<string, Schema>)[ref.split("/").at(-1)!]!, value),
  type: (types: string | string[], value) => typeOf(value).some((type) => [types].flat().includes(type)),
  enum: (options: unknown[], value) => options.includes(value),
  const: (literal, value) => literal === value,
  anyOf: (options: Schema[], value) => options.some((option) => accepts(option, value)),
  minimum: (limit: number, value) => typeof value !== "number" || value >= limit,
  exclusiveMinimum: (limit: number, value) => typeof value !== "number" || value > limit,
  maximum: (limit: number, value) => typeof value !== "number" || value <= limit,
  maxItems: (limit: number, value) => !Array.isArray(value) || (value as unknown[]).length <= limit,
  minLength: (limit: number, value: string) => typeof value !== "string" || value.length >= limit,
  pattern: (pattern: string, value) => typeof value !== "string" || new RegExp(pattern, "u").test(value),
  items: (item: Schema, value) => !Array.isArray(value) || (value as unknown[]).every((one) => accepts(item, one)),
  required: (keys: string[], value) => !typeOf(value).includes("object") || keys.every((key) => Object.hasOwn(value, key)),
  properties: (properties: Record<string, Schema>, value) =>
    !typeOf(value).includes("object") ||
    Object.entries(value).every(([key, one]) => properties[key] === undefined || accepts(properties[key], one)),
  additionalProperties: (allowed: boolean, value, schema) =>
    allowed || !typeOf(value).includes("object") || Object.keys(value).every((key) => Object.hasOwn(schema["properties"] as object, key)),
};

function accepts(schema: Schema, value: unknown): boolean {
  return Object.entries(schema).every(([keyword, argument]) => {
    if (ANNOTATIONS.includes(keyword)) return true;
    const check = KEYWORDS[keyword];
    if (check === undefined) throw new Error(`The test does not know the keyword ${keyword}.`);
    return check(argument as never, value as never, schema);
  });
}

const withDeployment = (options: object) => ({ applications: [{ import_path: "a:b", deployments: [{ name: "A", ...options }] }] });

describe("what is made of the tables of options", () => {
  it.each(Object.entries(FILES))("is up to date in %s; `npm run options` writes it", (file, text) => {
    expect(readFileSync(file, "utf8")).toBe(text);
  });
});

describe("the JSON Schema of the config", () => {
  it.each<unknown>([
    { applications: [] },
    {
      applications: [{ import_path: "src/app.ts:app", route_prefix: null, args: { a: 1 }, logging_config: null }],
      proxy_location: "HeadOnly",
    },
    { applications: [], http_options: { host: "localhost", port: 8000, request_timeout_s: null } },
    withDeployment({ num_replicas: "auto", autoscaling_config: { min_replicas: 0, max_replicas: 4, upscale_delay_s: 0 } }),
    withDeployment({ num_replicas: null, max_queued_requests: -1, user_config: [1, "a", null], request_router: "consistentHash" }),
    withDeployment({
      placement: { location_hints: ["weur"], jurisdiction: "eu" },
      backpressure_config: { status_code: 429, retry_after_s: 0 },
    }),
    withDeployment({ ray_actor_options: { num_cpus: 1 } }),
  ])("accepts what the code accepts: %j", (document) => {
    expect(validateConfig(document).config).toBeDefined();
    expect(accepts(ROOT, document)).toBe(true);
  });

  it.each<unknown>([
    [],
    {},
    { applications: [{}] },
    { applications: [{ import_path: "" }] },
    { applications: [{ import_path: "a", name: "1" }] },
    { applications: [{ import_path: "a", route_prefix: "a" }] },
    { applications: [{ import_path: "a", rout_prefix: "/a" }] },
    { applications: [], http_options: { port: 65_536 } },
    withDeployment({ num_replica: 1 }),
    withDeployment({ num_replicas: "many" }),
    withDeployment({ num_replicas: 1.5 }),
    withDeployment({ max_ongoing_requests: 0 }),
    withDeployment({ max_queued_requests: -2 }),
    withDeployment({ health_check_period_s: 0 }),
    withDeployment({ graceful_shutdown_timeout_s: -1 }),
    withDeployment({ request_router: "random" }),
    withDeployment({ logging_config: { log_level: "info" } }),
    withDeployment({ autoscaling_config: { policy: "a:b" } }),
    withDeployment({ placement: { location_hints: [""] } }),
    withDeployment({ retries: { attempts: -1 } }),
  ])("refuses what the code refuses: %j", (document) => {
    expect(validateConfig(document).config).toBeUndefined();
    expect(accepts(ROOT, document)).toBe(false);
  });

  it("describes every key and gives the defaults of the code", () => {
    const deployment = (ROOT["$defs"] as Record<string, { properties: Record<string, Schema> }>)["deployment"]!.properties;
    for (const [key, { description }] of Object.entries(deployment)) expect(description, key).toEqual(expect.any(String));
    expect(deployment["num_replicas"]!["default"]).toBe(1);
    expect(deployment["health_check_period_s"]!["default"]).toBe(10);
    const autoscaling = deployment["autoscaling_config"]!["properties"] as Record<string, Schema>;
    expect(autoscaling["downscale_delay_s"]!["default"]).toBe(600);
    expect(autoscaling["initial_replicas"]!["default"]).toBeUndefined();
  });
});
