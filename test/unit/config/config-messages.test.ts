import { describe, expect, it } from "vitest";
import { validateConfig } from "../../../src/config/system-config.ts";

const APP = { import_path: "src/app.ts:app" };
const messagesOf = (document: unknown) => validateConfig(document).diagnostics.map(({ message }) => message);
/** Every message names the application and the deployment first. */
const NAMES = /^Application "default"(?:, deployment "(?:Rank|a#b)")?: /;
const ofDeployment = (options: object) =>
  messagesOf({ applications: [{ ...APP, deployments: [{ name: "Rank", ...options }] }] }).map((text) =>
    text.replace(NAMES, "").replace("applications[0].deployments[0].", ""),
  );

describe("a deployment that is refused", () => {
  it.each<[object, string]>([
    [{ num_replicas: "random_str" }, 'num_replicas must be an integer from 0 to 1000, or "auto", got "random_str".'],
    [{ num_replicas: -1 }, 'num_replicas must be an integer from 0 to 1000, or "auto", got -1.'],
    [{ num_replicas: 1001 }, 'num_replicas must be an integer from 0 to 1000, or "auto", got 1001.'],
    [{ num_replicas: 1e9 }, 'num_replicas must be an integer from 0 to 1000, or "auto", got 1000000000.'],
    [{ autoscaling_config: { max_replicas: 1001 } }, "autoscaling_config.max_replicas must be an integer from 0 to 1000, got 1001."],
    [{ autoscaling_config: { min_replicas: 1e9 } }, "autoscaling_config.min_replicas must be an integer from 0 to 1000, got 1000000000."],
    [
      { autoscaling_config: { initial_replicas: 1001 } },
      "autoscaling_config.initial_replicas must be an integer from 0 to 1000, got 1001.",
    ],
    [
      { autoscaling_config: { target_ongoing_requests: 1_000_001 } },
      "autoscaling_config.target_ongoing_requests must be a number above 0 and at most 1000000, got 1000001.",
    ],
    [
      { autoscaling_config: { look_back_period_s: 2_147_484 } },
      "autoscaling_config.look_back_period_s must be a number above 0 and at most 2147483.647 seconds, got 2147484.",
    ],
    [{ max_ongoing_requests: 1_000_001 }, "max_ongoing_requests must be an integer from 1 to 1000000, got 1000001."],
    [{ max_queued_requests: 1e12 }, "max_queued_requests must be an integer from 0 to 1000000, or -1 for no limit, got 1000000000000."],
    [{ request_timeout_s: 2_147_484 }, "request_timeout_s must be a number above 0 and at most 2147483.647 seconds, got 2147484."],
    [{ retries: { attempts: 101 } }, "retries.attempts must be an integer from 0 to 100, got 101."],
    [{ max_constructor_retry_count: 1e9 }, "max_constructor_retry_count must be an integer from 1 to 1000000, got 1000000000."],
    [{ max_ongoing_requests: 0 }, "max_ongoing_requests must be an integer from 1 to 1000000, got 0."],
    [{ max_ongoing_requests: 0.5 }, "max_ongoing_requests must be an integer from 1 to 1000000, got 0.5."],
    [{ max_ongoing_requests: null }, "max_ongoing_requests must be an integer from 1 to 1000000, got null."],
    [{ max_queued_requests: "hi" }, 'max_queued_requests must be an integer from 0 to 1000000, or -1 for no limit, got "hi".'],
    [{ max_queued_requests: 1.5 }, "max_queued_requests must be an integer from 0 to 1000000, or -1 for no limit, got 1.5."],
    [{ max_queued_requests: -2 }, "max_queued_requests must be an integer from 0 to 1000000, or -1 for no limit, got -2."],
    [{ health_check_period_s: 0 }, "health_check_period_s must be a number above 0 and at most 2147483.647 seconds, got 0."],
    [{ health_check_timeout_s: "30" }, 'health_check_timeout_s must be a number above 0 and at most 2147483.647 seconds, got "30".'],
    [
      { request_timeout_s: Number.POSITIVE_INFINITY },
      "request_timeout_s must be a number above 0 and at most 2147483.647 seconds, got Infinity.",
    ],
    [{ graceful_shutdown_timeout_s: -1.5 }, "graceful_shutdown_timeout_s must be a number from 0 to 2147483.647 seconds, got -1.5."],
    [{ max_constructor_retry_count: 0 }, "max_constructor_retry_count must be an integer from 1 to 1000000, got 0."],
    [
      { request_router: "random" },
      'request_router must be "powerOfTwoChoices" or "consistentHash"; a function belongs in code, got "random".',
    ],
    [{ placement: { location_hints: ["weur", 1] } }, "placement.location_hints[1] must be a location hint, got 1."],
    [{ placement: { jurisdiction: "de" } }, 'placement.jurisdiction must be one of "eu", "us", "fedramp", "fedramp-high", got "de".'],
    [{ placement: "weur" }, 'placement must be an object, got "weur".'],
    [{ retries: { only_if_not_started: "yes" } }, 'retries.only_if_not_started must be true or false, got "yes".'],
    [{ backpressure_config: { status_code: 500 } }, "backpressure_config.status_code must be 503 or 429, got 500."],
    [
      { backpressure_config: { retry_after_s: -1 } },
      "backpressure_config.retry_after_s must be a number from 0 to 2147483.647 seconds, got -1.",
    ],
    [{ logging_config: { log_level: "info" } }, 'logging_config.log_level must be one of "DEBUG", "INFO", "WARNING", "ERROR", got "info".'],
    [
      { autoscaling_config: { upscale_delay_s: -0.5 } },
      "autoscaling_config.upscale_delay_s must be a number from 0 to 2147483.647 seconds, got -0.5.",
    ],
    [
      { user_config: { when: new Date(0) } },
      "user_config must be JSON: null, booleans, finite numbers, strings, arrays and plain objects, at most 10000000 characters in all, got " +
        '{"when":"1970-01-01T00:00:00.000Z"}.',
    ],
    [
      { num_replicas: 3, autoscaling_config: {} },
      'num_replicas is 3, and autoscaling_config is given too. Leave num_replicas out, or make it "auto".',
    ],
    [
      { autoscaling_config: { min_replicas: 8, max_replicas: 4 } },
      "autoscaling_config.min_replicas is 8, but max_replicas is 4. min_replicas must not be larger.",
    ],
    [
      { autoscaling_config: { min_replicas: 2, max_replicas: 4, initial_replicas: 1 } },
      "autoscaling_config.initial_replicas is 1, but min_replicas is 2. initial_replicas must not be smaller.",
    ],
    [
      { autoscaling_config: { max_replicas: 4, initial_replicas: 5 } },
      "autoscaling_config.initial_replicas is 5, but max_replicas is 4. initial_replicas must not be larger.",
    ],
    [{ name: "a#b" }, 'name must be a letter, then at most 62 letters, digits, _ or -, got "a#b".'],
    [{ name: undefined }, "name is missing. It must be a letter, then at most 62 letters, digits, _ or -."],
    [{ num_replica: 1 }, "num_replica is an unknown key. Did you mean num_replicas?"],
    [{ numReplicas: 1 }, "numReplicas is an unknown key. Did you mean num_replicas?"],
    [{ placement: { zzzzzzzzzz: 1 } }, "placement.zzzzzzzzzz is an unknown key. Accepted: location_hints, jurisdiction."],
    [{ max_concurrent_queries: 1 }, "max_concurrent_queries is called max_ongoing_requests here. Rename it."],
    [
      { autoscaling_config: { smoothing_factor: 1 } },
      "autoscaling_config.smoothing_factor is called upscaling_factor and downscaling_factor here. Rename it.",
    ],
    [{ autoscaling_config: { policy: "a:b" } }, 'autoscaling_config.policy must be an object, got "a:b".'],
    [
      { autoscaling_config: { policy: { policy_function: "a:b:c" } } },
      'autoscaling_config.policy.policy_function must be "<module>:<export>", such as "src/policies.ts:share", or "<module>" for its default export, got "a:b:c".',
    ],
    [
      { autoscaling_config: { policy: { policy_function: "a:b", policy_kwargs: [1] } } },
      "autoscaling_config.policy.policy_kwargs must be a JSON object, got [1].",
    ],
    [
      { autoscaling_config: { policy: { policy_kwargs: {} } } },
      'autoscaling_config.policy.policy_function is missing. It must be "<module>:<export>", such as "src/policies.ts:share", or "<module>" for its default export.',
    ],
  ])("for %j is told what is accepted", (options, message) => {
    expect(ofDeployment({ name: "Rank", ...options })).toEqual([message]);
  });

  it("is named with its whole path", () => {
    const document = {
      applications: [APP, { ...APP, name: "b", route_prefix: "/b", deployments: [{ name: "A" }, { name: "B", num_replicas: 1.5 }] }],
    };
    expect(messagesOf(document)).toEqual([
      'Application "b", deployment "B": applications[1].deployments[1].num_replicas must be an integer from 0 to 1000, or "auto", got 1.5.',
    ]);
  });
});

describe("an application that is refused", () => {
  it.each<[{ readonly name?: string; readonly [key: string]: unknown }, string]>([
    [{ import_path: 3 }, 'applications[0].import_path must be text such as "src/app.ts:app", got 3.'],
    [{ import_path: null }, 'applications[0].import_path must be text such as "src/app.ts:app", got null.'],
    [
      {},
      "applications[0].import_path is missing. " +
        'It must be "<module>:<export>", such as "src/app.ts:app", or "<module>" for its default export.',
    ],
    [
      { import_path: "a:b:c" },
      'applications[0].import_path must have at most one colon, got "a:b:c". ' +
        'Write "<module>:<export>", such as "src/app.ts:app", or "<module>" for its default export.',
    ],
    [{ ...APP, name: "" }, 'applications[0].name must be a letter, then at most 62 letters, digits, _ or -, got "".'],
    [{ ...APP, route_prefix: "/hello/" }, 'applications[0].route_prefix must not end with "/", unless it is just "/", got "/hello/".'],
    [{ ...APP, deployments: { name: "A" } }, 'applications[0].deployments must be an array of deployments, got {"name":"A"}.'],
    [{ ...APP, deployments: ["A"] }, 'applications[0].deployments[0] must be an object, got "A".'],
    [{ ...APP, port: 80 }, "applications[0].port does not belong here. Put it in http_options."],
    [{ ...APP, importpath: "x" }, "applications[0].importpath is an unknown key. Did you mean import_path?"],
  ])("for %j is told what is accepted", (application, message) => {
    expect(messagesOf({ applications: [application] })).toEqual([
      `Application ${JSON.stringify(application.name ?? "default")}: ${message}`,
    ]);
  });

  it("may not share its name", () => {
    const prefix = (path: string) => ({ ...APP, route_prefix: path });
    expect(messagesOf({ applications: [{ ...prefix("/a"), name: "default" }, prefix("/b")] })).toEqual([
      'Application "default": applications[1].name is "default", and so is the name of applications[0]. Application names must be unique.',
    ]);
  });

  it("may not share its route prefix", () => {
    expect(
      messagesOf({
        applications: [
          { ...APP, name: "a" },
          { ...APP, name: "b", route_prefix: "/" },
        ],
      }),
    ).toEqual([
      'Application "b": applications[1].route_prefix is "/", and so is that of application "a" (applications[0]). ' +
        'Give application "b" another, or null for no HTTP.',
    ]);
  });

  it("may be one of many without HTTP", () => {
    const application = (name: string) => ({ ...APP, name, route_prefix: null });
    expect(messagesOf({ applications: [application("a"), application("b")] })).toEqual([]);
  });

  it("may not have two deployments of one name", () => {
    const deployments = [{ name: "A" }, { name: "B" }, { name: "A" }];
    expect(messagesOf({ applications: [{ ...APP, deployments }] })).toEqual([
      'Application "default", deployment "A": applications[0].deployments[2].name is "A", and so is the name of applications[0].deployments[0]. ' +
        "Deployment names must be unique within an application.",
    ]);
  });
});

describe("a document that is refused", () => {
  it.each<[unknown, string]>([
    [null, "The config must be an object, got null."],
    [[], "The config must be an object, got []."],
    [{}, "applications is missing. It must be an array of applications."],
    [{ applications: null }, "applications must be an array of applications, got null."],
    [{ applications: [], http_options: { port: 70_000 } }, "http_options.port must be an integer from 0 to 65535, got 70000."],
    [
      { applications: [], http_options: { request_timeout_s: 0 } },
      "http_options.request_timeout_s must be a number above 0 and at most 2147483.647 seconds, got 0.",
    ],
    [{ applications: [], application: [] }, "application is an unknown key. Did you mean applications?"],
    [{ applications: [], import_path: "a" }, "import_path does not belong here. Put it in an entry of applications."],
  ])("for %j is told what is accepted", (document, message) => {
    expect(messagesOf(document)).toEqual([message]);
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
