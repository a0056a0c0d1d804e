/** Ray Serve's unit test test_schema.py, translated: what a config file may say. */
import { describe, expect, it } from "vitest";
import { validateConfig } from "../../../src/config/system-config.ts";

const APP = { import_path: "src/app.ts:app" };

/** The problems of a deployment with these options, without where they are. */
function problemsOf(options: object): { errors: string[]; warnings: string[] } {
  const { diagnostics } = validateConfig({ applications: [{ ...APP, deployments: [{ name: "D", ...options }] }] });
  const of = (severity: string) =>
    diagnostics
      .filter((one) => one.severity === severity)
      .map(({ message }) => message.replace(/^Application .*?: /, "").replace("applications[0].deployments[0].", ""));
  return { errors: of("error"), warnings: of("warning") };
}

describe("a deployment in a config file", () => {
  it.each([
    ["max_ongoing_requests", 0],
    ["health_check_period_s", 0],
    ["health_check_timeout_s", 0],
    ["graceful_shutdown_timeout_s", -1],
    ["max_queued_requests", "hi"],
    ["max_queued_requests", 1.5],
    ["max_queued_requests", -2],
    ["num_replicas", "random_str"],
    ["num_replicas", -1],
  ])("is refused with %s: %j, by name and value", (key, value) => {
    expect(problemsOf({ [key]: value }).errors).toEqual([
      expect.stringMatching(new RegExp(`^${key} must be .*, got ${JSON.stringify(value)}\\.$`)),
    ]);
  });

  it.each([
    { max_queued_requests: -1 },
    { max_queued_requests: 1 },
    { max_queued_requests: 100 },
    { graceful_shutdown_timeout_s: 0 },
    { num_replicas: "auto" },
    { num_replicas: "auto", autoscaling_config: { max_replicas: 99 } },
    { autoscaling_config: { min_replicas: 1, max_replicas: 2 } },
  ])("is accepted with %j", (options) => {
    expect(problemsOf(options)).toEqual({ errors: [], warnings: [] });
  });

  it.each([{ num_replicas: 0 }, { max_queued_requests: 0 }])("is accepted with %j, which Ray Serve refuses", (options) => {
    expect(problemsOf(options)).toEqual({ errors: [], warnings: [] });
  });

  it("is refused with a number of replicas and autoscaling", () => {
    expect(problemsOf({ num_replicas: 3, autoscaling_config: {} }).errors).toEqual([
      'num_replicas is 3, and autoscaling_config is given too. Leave num_replicas out, or make it "auto".',
    ]);
  });

  it("is accepted with a warning for each thing that only a cluster has", () => {
    const { errors, warnings } = problemsOf({ max_replicas_per_node: 5, placement_group_bundles: [{ CPU: 0.1 }], ray_actor_options: {} });
    expect(errors).toEqual([]);
    expect(warnings.map((text) => text.split(" ")[0]).toSorted()).toEqual([
      "max_replicas_per_node",
      "placement_group_bundles",
      "ray_actor_options",
    ]);
  });

  it("is refused with a key that nobody knows", () => {
    expect(problemsOf({ fake_field: 1 }).errors).toEqual([expect.stringMatching(/^fake_field is an unknown key\./)]);
  });
});

describe("an application in a config file", () => {
  const messagesOf = (application: object) => validateConfig({ applications: [application] }).diagnostics;

  it.each(["module", "module.py", "src/app.ts:app", "./a/b.ts:c", "pkg/app.ts:default"])("accepts the import path %s", (importPath) => {
    expect(messagesOf({ import_path: importPath })).toEqual([]);
  });

  it.each(["", ":", ":app", "src/app.ts:", "a:b:c"])("refuses the import path %j", (importPath) => {
    expect(messagesOf({ import_path: importPath })).toEqual([
      expect.objectContaining({
        severity: "error",
        message: expect.stringMatching(/^Application "default": applications\[0\]\.import_path must /) as string,
      }),
    ]);
  });

  it("ignores a runtime_env, also one with a local working directory, with a warning", () => {
    const [only, ...rest] = messagesOf({ ...APP, runtime_env: { working_dir: "/local" } });
    expect([rest, only?.severity, only?.message]).toEqual([[], "warning", expect.stringContaining("runtime_env")]);
  });

  it("refuses a host and a port, which belong to http_options", () => {
    expect(messagesOf({ ...APP, host: "0.0.0.0", port: 8000 }).map(({ message }) => message)).toEqual([
      'Application "default": applications[0].host does not belong here. Put it in http_options.',
      'Application "default": applications[0].port does not belong here. Put it in http_options.',
    ]);
  });
});
