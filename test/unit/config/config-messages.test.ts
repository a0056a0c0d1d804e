import { describe, expect, it } from "vitest";
import type { Diagnostic } from "../../../src/config/diagnostics.ts";
import { validateConfig } from "../../../src/config/system-config.ts";
import { expectMentions } from "../../support/mentions.ts";

const APP = { import_path: "src/app.ts:app" };

/** The one thing that there is to say about a document. */
function problemOf(document: unknown): Diagnostic {
  const { config, diagnostics } = validateConfig(document);
  expect(config).toBeUndefined();
  expect(diagnostics).toHaveLength(1);
  expect(diagnostics[0]?.severity).toBe("error");
  return diagnostics[0]!;
}

describe("a deployment that is refused", () => {
  it.each<[object, string, string[]]>([
    [{ num_replicas: "random_str" }, "num_replicas", ["0", "1000", '"auto"', '"random_str"']],
    [{ num_replicas: -1 }, "num_replicas", ["0", "1000", '"auto"', "-1"]],
    [{ num_replicas: 1001 }, "num_replicas", ["0", "1000", '"auto"', "1001"]],
    [{ num_replicas: 1e9 }, "num_replicas", ["0", "1000", '"auto"', "1000000000"]],
    [{ autoscaling_config: { max_replicas: 1001 } }, "autoscaling_config.max_replicas", ["0", "1000", "1001"]],
    [{ autoscaling_config: { min_replicas: 1e9 } }, "autoscaling_config.min_replicas", ["0", "1000", "1000000000"]],
    [{ autoscaling_config: { initial_replicas: 1001 } }, "autoscaling_config.initial_replicas", ["0", "1000", "1001"]],
    [
      { autoscaling_config: { target_ongoing_requests: 1_000_001 } },
      "autoscaling_config.target_ongoing_requests",
      ["0", "1000000", "1000001"],
    ],
    [
      { autoscaling_config: { look_back_period_s: 2_147_484 } },
      "autoscaling_config.look_back_period_s",
      ["0", "2147483.647", "seconds", "2147484"],
    ],
    [{ max_ongoing_requests: 1_000_001 }, "max_ongoing_requests", ["1", "1000000", "1000001"]],
    [{ max_queued_requests: 1e12 }, "max_queued_requests", ["0", "1000000", "-1", "1000000000000"]],
    [{ request_timeout_s: 2_147_484 }, "request_timeout_s", ["0", "2147483.647", "seconds", "2147484"]],
    [{ retries: { attempts: 101 } }, "retries.attempts", ["0", "100", "101"]],
    [{ max_constructor_retry_count: 1e9 }, "max_constructor_retry_count", ["1", "1000000", "1000000000"]],
    [{ max_ongoing_requests: 0 }, "max_ongoing_requests", ["1", "1000000", "0"]],
    [{ max_ongoing_requests: 0.5 }, "max_ongoing_requests", ["1", "1000000", "0.5"]],
    [{ max_ongoing_requests: null }, "max_ongoing_requests", ["1", "1000000", "null"]],
    [{ max_queued_requests: "hi" }, "max_queued_requests", ["0", "1000000", "-1", '"hi"']],
    [{ max_queued_requests: 1.5 }, "max_queued_requests", ["0", "1000000", "-1", "1.5"]],
    [{ max_queued_requests: -2 }, "max_queued_requests", ["0", "1000000", "-1", "-2"]],
    [{ health_check_period_s: 0 }, "health_check_period_s", ["0", "2147483.647", "seconds", "0"]],
    [{ health_check_timeout_s: "30" }, "health_check_timeout_s", ["0", "2147483.647", "seconds", '"30"']],
    [{ request_timeout_s: Number.POSITIVE_INFINITY }, "request_timeout_s", ["0", "2147483.647", "seconds", "Infinity"]],
    [{ graceful_shutdown_timeout_s: -1.5 }, "graceful_shutdown_timeout_s", ["0", "2147483.647", "seconds", "-1.5"]],
    [{ max_constructor_retry_count: 0 }, "max_constructor_retry_count", ["1", "1000000", "0"]],
    [{ request_router: "random" }, "request_router", ['"powerOfTwoChoices"', '"consistentHash"', '"random"']],
    [{ placement: { location_hints: ["weur", 1] } }, "placement.location_hints[1]", ["location hint", "1"]],
    [{ placement: { jurisdiction: "de" } }, "placement.jurisdiction", ['"eu"', '"us"', '"fedramp"', '"fedramp-high"', '"de"']],
    [{ placement: "weur" }, "placement", ["object", '"weur"']],
    [{ retries: { only_if_not_started: "yes" } }, "retries.only_if_not_started", ["true", "false", '"yes"']],
    [{ backpressure_config: { status_code: 500 } }, "backpressure_config.status_code", ["503", "429", "500"]],
    [{ backpressure_config: { retry_after_s: -1 } }, "backpressure_config.retry_after_s", ["0", "2147483.647", "seconds", "-1"]],
    [{ logging_config: { log_level: "info" } }, "logging_config.log_level", ['"DEBUG"', '"INFO"', '"WARNING"', '"ERROR"', '"info"']],
    [{ autoscaling_config: { upscale_delay_s: -0.5 } }, "autoscaling_config.upscale_delay_s", ["0", "2147483.647", "seconds", "-0.5"]],
    [{ user_config: { when: new Date(0) } }, "user_config", ["JSON", '{"when":a Date}']],
    [{ num_replicas: 3, autoscaling_config: {} }, "num_replicas", ["3", "autoscaling_config", "num_replicas", '"auto"']],
    [
      { autoscaling_config: { min_replicas: 8, max_replicas: 4 } },
      "autoscaling_config.min_replicas",
      ["8", "max_replicas", "4", "min_replicas"],
    ],
    [
      { autoscaling_config: { min_replicas: 2, max_replicas: 4, initial_replicas: 1 } },
      "autoscaling_config.initial_replicas",
      ["1", "min_replicas", "2", "initial_replicas"],
    ],
    [
      { autoscaling_config: { max_replicas: 4, initial_replicas: 5 } },
      "autoscaling_config.initial_replicas",
      ["5", "max_replicas", "4", "initial_replicas"],
    ],
    [{ name: "a#b" }, "name", ["62", "letter", '"a#b"']],
    [{ name: undefined }, "name", ["62", "letter", "missing"]],
    [{ num_replica: 1 }, "num_replica", ["num_replicas", "unknown"]],
    [{ numReplicas: 1 }, "numReplicas", ["num_replicas", "unknown"]],
    [{ placement: { zzzzzzzzzz: 1 } }, "placement.zzzzzzzzzz", ["location_hints", "unknown"]],
    [{ max_concurrent_queries: 1 }, "max_concurrent_queries", ["max_ongoing_requests"]],
    [{ autoscaling_config: { smoothing_factor: 1 } }, "autoscaling_config.smoothing_factor", ["upscaling_factor", "downscaling_factor"]],
    [{ autoscaling_config: { policy: "a:b" } }, "autoscaling_config.policy", ["object", '"a:b"']],
    [
      { autoscaling_config: { policy: { policy_function: "a:b:c" } } },
      "autoscaling_config.policy.policy_function",
      ['"<module>:<export>"', '"src/policies.ts:share"', '"<module>"', '"a:b:c"'],
    ],
    [
      { autoscaling_config: { policy: { policy_function: "a:b", policy_kwargs: [1] } } },
      "autoscaling_config.policy.policy_kwargs",
      ["object", "JSON", "[1]"],
    ],
    [
      { autoscaling_config: { policy: { policy_kwargs: {} } } },
      "autoscaling_config.policy.policy_function",
      ['"<module>:<export>"', '"src/policies.ts:share"', '"<module>"', "missing"],
    ],
  ])("for %j is told where, what was seen, and what is accepted", (options, path, names) => {
    const { path: at, message } = problemOf({ applications: [{ ...APP, deployments: [{ name: "Rank", ...options }] }] });
    expect(at).toBe(`applications[0].deployments[0].${path}`);
    expectMentions(message, at, '"default"', ...("name" in options ? [] : ['"Rank"']), ...names);
  });

  it("is named with its whole path", () => {
    const document = {
      applications: [APP, { ...APP, name: "b", route_prefix: "/b", deployments: [{ name: "A" }, { name: "B", num_replicas: 1.5 }] }],
    };
    const { path, message } = problemOf(document);
    expect(path).toBe("applications[1].deployments[1].num_replicas");
    expectMentions(message, path, '"b"', '"B"', "0", "1000", '"auto"', "1.5");
  });
});

describe("an application that is refused", () => {
  it.each<[{ readonly name?: string; readonly [key: string]: unknown }, string, string[]]>([
    [{ import_path: 3 }, "import_path", ['"src/app.ts:app"', "3"]],
    [{ import_path: null }, "import_path", ['"src/app.ts:app"', "null"]],
    [{}, "import_path", ["missing", '"<module>:<export>"', '"src/app.ts:app"', '"<module>"']],
    [{ import_path: "a:b:c" }, "import_path", ['"a:b:c"', "one colon", '"<module>:<export>"', '"src/app.ts:app"']],
    [{ ...APP, name: "" }, "name", ["letter", "62", '""']],
    [{ ...APP, route_prefix: "/hello/" }, "route_prefix", ['"/"', '"/hello/"']],
    [{ ...APP, deployments: { name: "A" } }, "deployments", ["array", '{"name":"A"}']],
    [{ ...APP, deployments: ["A"] }, "deployments[0]", ["object", '"A"']],
    [{ ...APP, port: 80 }, "port", ["http_options"]],
    [{ ...APP, importpath: "x" }, "importpath", ["import_path"]],
  ])("for %j is told where, what was seen, and what is accepted", (application, path, names) => {
    const problem = problemOf({ applications: [application] });
    expect(problem.path).toBe(`applications[0].${path}`);
    expectMentions(problem.message, problem.path, JSON.stringify(application.name ?? "default"), ...names);
  });

  it("may not share its name", () => {
    const prefix = (path: string) => ({ ...APP, route_prefix: path });
    const { path, message } = problemOf({ applications: [{ ...prefix("/a"), name: "default" }, prefix("/b")] });
    expect(path).toBe("applications[1].name");
    expectMentions(message, path, '"default"', "applications[0]", "unique");
  });

  it("may not share its route prefix", () => {
    const { path, message } = problemOf({
      applications: [
        { ...APP, name: "a" },
        { ...APP, name: "b", route_prefix: "/" },
      ],
    });
    expect(path).toBe("applications[1].route_prefix");
    expectMentions(message, path, '"/"', '"a"', '"b"', "applications[0]", "null");
  });

  it("may be one of many without HTTP", () => {
    const application = (name: string) => ({ ...APP, name, route_prefix: null });
    expect(validateConfig({ applications: [application("a"), application("b")] }).diagnostics).toEqual([]);
  });

  it("may not have two deployments of one name", () => {
    const deployments = [{ name: "A" }, { name: "B" }, { name: "A" }];
    const { path, message } = problemOf({ applications: [{ ...APP, deployments }] });
    expect(path).toBe("applications[0].deployments[2].name");
    expectMentions(message, path, '"default"', '"A"', "applications[0].deployments[0]", "unique");
  });
});

describe("a document that is refused", () => {
  it.each<[unknown, string, string[]]>([
    [null, "", ["object", "null"]],
    [[], "", ["object", "[]"]],
    [{}, "applications", ["missing", "array"]],
    [{ applications: null }, "applications", ["array", "null"]],
    [{ applications: [], http_options: { port: 70_000 } }, "http_options.port", ["0", "65535", "70000"]],
    [{ applications: [], http_options: { request_timeout_s: 0 } }, "http_options.request_timeout_s", ["above 0", "2147483.647 seconds"]],
    [{ applications: [], application: [] }, "application", ["applications"]],
    [{ applications: [], import_path: "a" }, "import_path", ["applications"]],
  ])("for %j is told where, what was seen, and what is accepted", (document, path, names) => {
    const problem = problemOf(document);
    expect(problem.path).toBe(path);
    expectMentions(problem.message, path === "" ? "config" : path, ...names);
  });
});

describe("what Ray Serve has and edge-serve has not", () => {
  it.each([
    { proxy_location: "EveryNode" },
    { grpc_options: { port: 9000 } },
    { http_options: { root_path: "/x" } },
    { http_options: { keep_alive_timeout_s: 90 } },
    { logging_config: { encoding: "JSON" } },
    { applications: [{ ...APP, runtime_env: { working_dir: "." } }] },
    ...["ray_actor_options", "placement_group_bundles", "placement_group_strategy", "max_replicas_per_node"].map((key) => ({
      applications: [{ ...APP, deployments: [{ name: "A", [key]: 1 }] }],
    })),
    { applications: [{ ...APP, deployments: [{ name: "A", graceful_shutdown_wait_loop_s: 2 }] }] },
    { applications: [{ ...APP, deployments: [{ name: "A", autoscaling_config: { aggregation_function: "max" } }] }] },
  ])("is ignored with a warning: %j", (document) => {
    const { config, diagnostics } = validateConfig({ applications: [], ...document });
    expect(config).toBeDefined();
    expect(diagnostics).toEqual([{ severity: "warning", path: expect.any(String), message: expect.stringContaining("is ignored here: ") }]);
  });
});
