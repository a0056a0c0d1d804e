import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { mergeOptions } from "../../../src/api/resolve-options.ts";
import type { DeploymentOptions } from "../../../src/api/options.ts";
import { optionProblems, resolveOptions } from "../../../src/api/resolve-options.ts";
import { validateConfig } from "../../../src/config/system-config.ts";
import { documentOf } from "../../../src/config/to-document.ts";
import type { ApplicationManifest, DeploymentConfig } from "../../../src/protocol/manifest.ts";

const replicas = fc.integer({ min: 0, max: 50 });
// Down to what the document's seconds tell apart.
const ms = fc.integer({ min: 1, max: 10_000_000_000 }).map((microseconds) => microseconds / 1000);
const factor = fc.double({ min: 0.01, max: 100, noNaN: true });
const some = <T>(shape: { [K in keyof T]: fc.Arbitrary<T[K]> }) => fc.record<T, never>(shape, { requiredKeys: [] });

const autoscaling = some({
  minReplicas: replicas,
  maxReplicas: replicas,
  initialReplicas: replicas,
  targetOngoingRequests: factor,
  metricsIntervalMs: ms,
  lookBackPeriodMs: ms,
  upscaleDelayMs: ms,
  downscaleDelayMs: ms,
  downscaleToZeroDelayMs: ms,
  upscalingFactor: factor,
  downscalingFactor: factor,
  spillover: fc.boolean(),
});

const placement = some({
  locationHints: fc.array(fc.constantFrom("weur", "enam", "apac")),
  jurisdiction: fc.constantFrom("eu" as const, "fedramp" as const),
});

const options: fc.Arbitrary<DeploymentOptions> = some({
  numReplicas: fc.oneof(replicas, fc.constant("auto" as const)),
  autoscaling,
  maxOngoingRequests: fc.constantFrom(1, 100, 7),
  maxQueuedRequests: fc.constantFrom(-1, 0, 1000),
  requestTimeoutMs: ms,
  userConfig: fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown),
  healthCheckPeriodMs: fc.oneof(fc.constant(10_000), ms),
  healthCheckTimeoutMs: fc.oneof(fc.constant(30_000), ms),
  gracefulShutdownTimeoutMs: fc.oneof(fc.constant(20_000), ms),
  requestRouter: fc.constantFrom("powerOfTwoChoices" as const, "consistentHash" as const),
  placement,
  retries: some({ attempts: replicas, onlyIfNotStarted: fc.boolean() }),
  backpressure: some({ statusCode: fc.constantFrom(503 as const, 429 as const), retryAfterMs: fc.oneof(fc.constant(1000), ms) }),
  maxConstructorRetryCount: fc.integer({ min: 1, max: 30 }),
  logging: some({ level: fc.constantFrom("DEBUG" as const, "INFO" as const), accessLog: fc.boolean() }),
}).filter((one) => optionProblems(one).length === 0) as fc.Arbitrary<DeploymentOptions>;

// In code the options may hold functions too.
const codeOptions = fc.tuple(options, fc.boolean(), fc.boolean()).map(([given, hasRouter, hasPolicy]): DeploymentOptions => {
  const { autoscaling: scaled } = given;
  return {
    ...given,
    ...(hasRouter ? { requestRouter: () => 0 } : {}),
    ...(hasPolicy && scaled !== undefined ? { autoscaling: { ...scaled, policy: () => 1 } } : {}),
  };
});

const manifestOf = (config: DeploymentConfig): ApplicationManifest => ({
  name: "main",
  routePrefix: "/",
  importPath: "src/app.ts:app",
  ingress: "Model",
  deployments: { Model: config },
});

/** The options that a document says, after it has been through text. */
function optionsIn(document: unknown): DeploymentOptions {
  const { config, diagnostics } = validateConfig(JSON.parse(JSON.stringify(document)));
  expect(diagnostics).toEqual([]);
  return config!.applications[0]!.deployments[0]!.options;
}

describe("documentOf", () => {
  it("gives a document that comes to the same configuration", () => {
    fc.assert(
      fc.property(options, (given) => {
        const config = resolveOptions(given);
        expect(resolveOptions(optionsIn(documentOf([manifestOf(config)])))).toEqual(config);
      }),
    );
  });

  it("gives a document that, put to the same code, changes nothing, whatever the code says", () => {
    fc.assert(
      fc.property(codeOptions, options, (code, put) => {
        const merged = mergeOptions(code, put);
        fc.pre(optionProblems(merged).length === 0);
        const config = resolveOptions(merged);
        const document = documentOf([manifestOf(config)], [manifestOf(resolveOptions(code))]);
        expect(resolveOptions(mergeOptions(code, optionsIn(document)))).toEqual(config);
      }),
    );
  });

  it("leaves out defaults, and always says how many replicas there are", () => {
    expect(documentOf([manifestOf(resolveOptions({}))])).toEqual({
      applications: [{ name: "main", route_prefix: "/", import_path: "src/app.ts:app", deployments: [{ name: "Model", num_replicas: 1 }] }],
    });
    const [application] = documentOf([manifestOf(resolveOptions({ numReplicas: "auto", requestTimeoutMs: 1100 }))]).applications;
    expect(application?.deployments).toMatchObject([
      { request_timeout_s: 1.1, autoscaling_config: { min_replicas: 1, max_replicas: 100 } },
    ]);
    expect(application?.deployments[0]).not.toHaveProperty("num_replicas");
  });

  it("says a default that the code does not come to by itself", () => {
    const code = manifestOf(resolveOptions({ maxOngoingRequests: 5 }));
    const [application] = documentOf([manifestOf(resolveOptions({}))], [code]).applications;
    expect(application?.deployments).toEqual([{ name: "Model", num_replicas: 1, max_ongoing_requests: 100 }]);
  });

  it("says what belongs to an application and to HTTP", () => {
    const application = {
      ...manifestOf(resolveOptions({})),
      routePrefix: null,
      args: { size: "small" },
      httpTimeoutMs: 2500,
      sessions: { header: "mcp-session-id", generated: true as const },
      deployments: {},
    };
    expect(documentOf([application])).toEqual({
      http_options: { request_timeout_s: 2.5, session_id_header_key: "mcp-session-id", session_id_generated: true },
      applications: [{ name: "main", route_prefix: null, import_path: "src/app.ts:app", args: { size: "small" }, deployments: [] }],
    });
  });
});
