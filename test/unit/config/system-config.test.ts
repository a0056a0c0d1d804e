import { describe, expect, it } from "vitest";
import { DEPLOYMENT_OPTIONS } from "../../../src/api/options.ts";
import { DEPLOYMENT_SHAPE } from "../../../src/config/deployment-config.ts";
import { isSeconds, type Shape } from "../../../src/config/shape.ts";
import { validateConfig } from "../../../src/config/system-config.ts";
import { APPLICATION, SYSTEM } from "../../../src/config/system-options.ts";

const APP = { import_path: "src/app.ts:app" };
const withDeployment = (options: object) => ({ applications: [{ ...APP, deployments: [{ name: "Rank", ...options }] }] });
const optionsOf = (document: unknown) => validateConfig(document).config?.applications[0]?.deployments[0]?.options;

/** A deployment with every key there is. */
const FULL_DEPLOYMENT = {
  name: "Rank",
  num_replicas: "auto",
  max_ongoing_requests: 7,
  max_queued_requests: -1,
  request_timeout_s: 1.1,
  user_config: { delay_s: 3, list: [1, null] },
  autoscaling_config: {
    min_replicas: 1,
    max_replicas: 8,
    initial_replicas: 2,
    target_ongoing_requests: 1.5,
    metrics_interval_s: 5,
    look_back_period_s: 20,
    upscale_delay_s: 0,
    downscale_delay_s: 60,
    downscale_to_zero_delay_s: 0.25,
    upscaling_factor: 2,
    downscaling_factor: 0.5,
    spillover: false,
  },
  health_check_period_s: 4,
  health_check_timeout_s: 9,
  graceful_shutdown_timeout_s: 0,
  request_router: "consistentHash",
  placement: { location_hints: ["weur", "enam"], jurisdiction: "eu" },
  retries: { attempts: 0, only_if_not_started: false },
  backpressure_config: { status_code: 429, retry_after_s: 2.5 },
  max_constructor_retry_count: 3,
  logging_config: { log_level: "DEBUG", enable_access_log: false },
};

describe("validateConfig", () => {
  it("fills in the name and the prefix of an application", () => {
    expect(validateConfig({ applications: [APP] })).toEqual({
      config: { applications: [{ name: "default", routePrefix: "/", importPath: "src/app.ts:app", deployments: [] }], httpOptions: {} },
      diagnostics: [],
    });
  });

  it("accepts a system without applications", () => {
    expect(validateConfig({ applications: [] })).toEqual({ config: { applications: [], httpOptions: {} }, diagnostics: [] });
  });

  it("reads everything around the deployments", () => {
    const document = {
      http_options: {
        host: "0.0.0.0",
        port: 8000,
        request_timeout_s: 0.5,
        session_id_header_key: "Mcp-Session-Id",
        session_id_generated: true,
      },
      logging_config: { log_level: "WARNING" },
      applications: [
        { ...APP, name: "a", route_prefix: null, args: { model: "m" }, deployments: null, logging_config: { enable_access_log: false } },
        { import_path: "/abs/b.ts", name: "b", route_prefix: "/b" },
      ],
    };
    expect(validateConfig(document)).toEqual({
      config: {
        httpOptions: { host: "0.0.0.0", port: 8000, requestTimeoutMs: 500, sessionIdHeaderKey: "Mcp-Session-Id", sessionIdGenerated: true },
        logging: { level: "WARNING" },
        applications: [
          {
            name: "a",
            routePrefix: null,
            importPath: APP.import_path,
            args: { model: "m" },
            deployments: [],
            logging: { accessLog: false },
          },
          { name: "b", routePrefix: "/b", importPath: "/abs/b.ts", deployments: [] },
        ],
      },
      diagnostics: [],
    });
  });

  it("turns every key of a deployment into its option, and seconds into milliseconds", () => {
    expect(optionsOf(withDeployment(FULL_DEPLOYMENT))).toEqual({
      numReplicas: "auto",
      maxOngoingRequests: 7,
      maxQueuedRequests: -1,
      requestTimeoutMs: 1100,
      userConfig: { delay_s: 3, list: [1, null] },
      autoscaling: {
        minReplicas: 1,
        maxReplicas: 8,
        initialReplicas: 2,
        targetOngoingRequests: 1.5,
        metricsIntervalMs: 5000,
        lookBackPeriodMs: 20_000,
        upscaleDelayMs: 0,
        downscaleDelayMs: 60_000,
        downscaleToZeroDelayMs: 250,
        upscalingFactor: 2,
        downscalingFactor: 0.5,
        spillover: false,
      },
      healthCheckPeriodMs: 4000,
      healthCheckTimeoutMs: 9000,
      gracefulShutdownTimeoutMs: 0,
      requestRouter: "consistentHash",
      placement: { locationHints: ["weur", "enam"], jurisdiction: "eu" },
      retries: { attempts: 0, onlyIfNotStarted: false },
      backpressure: { statusCode: 429, retryAfterMs: 2500 },
      maxConstructorRetryCount: 3,
      logging: { level: "DEBUG", accessLog: false },
    });
  });

  it("takes null as left out where Ray Serve does", () => {
    const nulls = { num_replicas: null, autoscaling_config: null, request_timeout_s: null, logging_config: null };
    expect(optionsOf(withDeployment(nulls))).toEqual({});
  });

  it.each([
    { max_queued_requests: -1 },
    { max_queued_requests: 0 },
    { max_queued_requests: 100 },
    { num_replicas: 0 },
    { num_replicas: "auto", autoscaling_config: { max_replicas: 99 } },
    { autoscaling_config: { min_replicas: 0, max_replicas: 1 } },
    { graceful_shutdown_timeout_s: 0 },
    { user_config: null },
  ])("accepts a deployment with %j", (options) => {
    expect(validateConfig(withDeployment(options)).diagnostics).toEqual([]);
  });

  it("[C1] never has a config beside an error, whatever the document", () => {
    for (const document of [null, 1, "a", [], {}, { applications: {} }, { applications: [null, 3, []] }, undefined, () => 1]) {
      const { config, diagnostics } = validateConfig(document);
      expect(config).toBeUndefined();
      expect(diagnostics).not.toEqual([]);
    }
  });

  it("[C2] reports every problem in one go", () => {
    const document = {
      applications: [
        {
          name: "9",
          route_prefix: "x",
          import_path: "a:b:c",
          deployments: [{ name: "A", num_replicas: -1, max_ongoing_requests: 0 }, { nme: "B" }],
        },
        { route_prefix: "/" },
      ],
      http_options: { port: "80" },
    };
    expect(validateConfig(document).diagnostics.map(({ path }) => path)).toEqual([
      "http_options.port",
      "applications[0].name",
      "applications[0].route_prefix",
      "applications[0].import_path",
      "applications[0].deployments[0].num_replicas",
      "applications[0].deployments[0].max_ongoing_requests",
      "applications[0].deployments[1].nme",
      "applications[0].deployments[1].name",
      "applications[1].import_path",
    ]);
  });

  it("[C2] survives keys that name parts of every object", () => {
    const document: unknown = JSON.parse('{"applications": [{"import_path": "a:b", "__proto__": {"x": 1}, "constructor": 1}]}');
    expect(validateConfig(document).diagnostics.map(({ path }) => path)).toEqual([
      "applications[0].__proto__",
      "applications[0].constructor",
    ]);
  });
});

describe("the keys of a document", () => {
  function check({ fields }: Shape): void {
    const keys = fields.map(({ yaml }) => yaml);
    expect(new Set(keys).size).toBe(keys.length);
    for (const field of fields) {
      expect(field.yaml).toMatch(/^[a-z]+(_[a-z]+)*$/);
      expect(field.option.endsWith("Ms"), field.yaml).toBe(isSeconds(field));
      if (field.shape !== undefined) check(field.shape);
    }
  }

  it("are in snake case, one for each option, with seconds for milliseconds", () => {
    for (const shape of [SYSTEM.shape, APPLICATION.shape, DEPLOYMENT_SHAPE]) check(shape);
    // Whether a deployment is keyed is said in code only.
    expect(DEPLOYMENT_SHAPE.fields.map(({ option }) => option)).toEqual(Object.keys(DEPLOYMENT_OPTIONS).filter((name) => name !== "keyed"));
  });
});
