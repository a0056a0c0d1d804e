/**
 * Config documents and options: refused as a whole with every problem said, or accepted within the bounds that the contract names.
 */
import { deployment } from "../../../src/api/deployment.ts";
import { resolveOptions } from "../../../src/api/options.ts";
import { documentInForce, planDocument } from "../../../src/compile/plan-document.ts";
import { parseConfigText } from "../../../src/config/parse-file.ts";
import { ConfigError } from "../../../src/protocol/errors.ts";
import type { ApplicationManifest, DeploymentConfig } from "../../../src/protocol/manifest.ts";
import type { Choices } from "../choices.ts";
import { CODE, COMPILED, makeDocument, makeYaml } from "../documents.ts";
import { holds, type Kind } from "../kind.ts";
import { oddJson, scrap } from "../text.ts";
import { makeValue } from "../values.ts";

const PLANNED_ON = { manifest: COMPILED, code: CODE };

/** The body of `PUT /-/api/applications`. */
export const DOCUMENT: Kind = {
  name: "document",
  weight: 8,
  make: makeDocument,
  check(document) {
    const { applications, diagnostics } = planDocument(document, PLANNED_ON);
    const errors = diagnostics.filter(({ severity }) => severity === "error");
    holds((applications === undefined) === errors.length > 0, "a document is accepted exactly if it has no error");
    for (const { message, path } of errors) {
      holds(message.length > 0 && message.length < 20_000, "a diagnostic is a sentence", () => message.length);
      const name = applicationAt(document, path);
      holds(name === undefined || message.includes(name), "a diagnostic names its application", () => `${path}: ${message}`);
    }
    if (applications === undefined) return;
    for (const application of applications) inBounds(application);
    // What `GET /-/api/config` shows is a document that comes to the same.
    const shown = documentInForce(applications, CODE);
    const again = planDocument(JSON.parse(JSON.stringify(shown)), PLANNED_ON);
    holds(again.applications !== undefined, "what is shown of an accepted document is accepted", () => again.diagnostics[0]?.message);
    const [before, after] = [applications, again.applications].map((one) => JSON.stringify(one));
    holds(before === after, "what is shown of a document comes to the same", () => `${before} against ${after}`);
  },
};

// The name, where the problem is inside of an application that has one.
function applicationAt(document: unknown, path: string): string | undefined {
  const index = /^applications\[(\d+)\]\.deployments\[\d+\]/.exec(path)?.[1];
  if (index === undefined) return undefined;
  const name: unknown = (document as { applications: { name?: unknown }[] }).applications[Number(index)]?.name;
  return typeof name === "string" && /^[A-Za-z][A-Za-z0-9_-]{0,62}$/.test(name) ? name : undefined;
}

const MAX_REPLICAS = 1000;
const MAX_COUNT = 1_000_000;
const MAX_MS = 2_147_483_647;

/** @throws Broken if a number is above what the contract allows. */
export function inBounds({ name, deployments }: Pick<ApplicationManifest, "name" | "deployments">): void {
  for (const [deployment, config] of Object.entries(deployments)) {
    for (const [what, number, most] of numbersOf(config)) {
      const seen = () => `${name}/${deployment} ${what} ${number}`;
      holds(number === null || (Number.isFinite(number) && number <= most), `an accepted ${what} is within its bounds`, seen);
    }
  }
}

function numbersOf(config: DeploymentConfig): (readonly [string, number | null, number])[] {
  const { autoscaling } = config;
  return [
    ["numReplicas", config.numReplicas, MAX_REPLICAS],
    ["maxReplicas", autoscaling?.maxReplicas ?? null, MAX_REPLICAS],
    ["maxOngoingRequests", config.maxOngoingRequests, MAX_COUNT],
    ["maxQueuedRequests", config.maxQueuedRequests, MAX_COUNT],
    ["requestTimeoutMs", config.requestTimeoutMs, MAX_MS],
    ["healthCheckPeriodMs", config.healthCheckPeriodMs, MAX_MS],
    ["healthCheckTimeoutMs", config.healthCheckTimeoutMs, MAX_MS],
    ["gracefulShutdownTimeoutMs", config.gracefulShutdownTimeoutMs, MAX_MS],
    ["retries.attempts", config.retries.attempts, 100],
    ["backpressure.retryAfterMs", config.backpressure.retryAfterMs, MAX_MS],
    ["maxConstructorRetryCount", config.maxConstructorRetryCount, MAX_COUNT],
    ["lookBackPeriodMs", autoscaling?.lookBackPeriodMs ?? null, MAX_MS],
    ["upscaleDelayMs", autoscaling?.upscaleDelayMs ?? null, MAX_MS],
    ["metricsIntervalMs", autoscaling?.metricsIntervalMs ?? null, MAX_MS],
  ];
}

/** A config file. */
export const YAML: Kind<string> = {
  name: "yaml",
  weight: 4,
  make: makeYaml,
  check(text) {
    const { config, diagnostics } = parseConfigText(text, "serve.yaml");
    const errors = diagnostics.filter(({ severity }) => severity === "error");
    holds((config === undefined) === errors.length > 0, "a file is accepted exactly if it has no error");
    for (const { file, line = 0, column = 0 } of diagnostics)
      holds(file === "serve.yaml" && line >= 1 && column >= 1, "a diagnostic has its place", () => `${file}:${line}:${column}`);
  },
};

interface OptionsInput {
  readonly target: unknown;
  readonly options: unknown;
}

class Model {
  call(): void {}
}

const OPTION_NAMES = [
  "name", "numReplicas", "autoscaling", "maxOngoingRequests", "maxQueuedRequests", "requestTimeoutMs", "userConfig", "healthCheckPeriodMs",
  "healthCheckTimeoutMs", "gracefulShutdownTimeoutMs", "requestRouter", "placement", "retries", "backpressure", "maxConstructorRetryCount",
  "logging", "constructor", "numreplicas", "minReplicas", "maxReplicas", "attempts", "level",
] as const; // prettier-ignore

/** What an author gives to `deployment()`. */
export const OPTIONS: Kind<OptionsInput> = {
  name: "options",
  weight: 6,
  make: (choices) => ({
    target: choices.weighted<() => unknown>([
      [12, () => Model],
      [1, () => makeValue(choices).value],
    ])(),
    options: choices.once(12) ? makeValue(choices).value : someOptions(choices, 3),
  }),
  check({ target, options }) {
    try {
      const made = deployment(target as typeof Model, options as object);
      holds(made.name.length <= 63, "a deployment's name is within its bounds", () => made.name.length);
      inBounds({ name: "-", deployments: { [made.name]: resolveOptions(made.given) } });
    } catch (error) {
      const isOfTheValue = error instanceof Error && /hostile value|has been revoked|on proxy:/.test(error.message);
      if (!(error instanceof ConfigError) && !isOfTheValue) throw error;
      holds(error.message.length < 20_000, "a ConfigError is a sentence", () => error.message.length);
    }
  },
};

function someOptions(choices: Choices, depth: number): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (let count = choices.below(4); count > 0; count--) options[choices.of(OPTION_NAMES)] = optionValue(choices, depth);
  return options;
}

function optionValue(choices: Choices, depth: number): unknown {
  return choices.weighted<() => unknown>([
    [6, () => choices.of([1, 0, -1, 2, 100, 1001, 1e6, 1e7, 2 ** 31 - 1, 2 ** 31, 0.5, NaN, Infinity, -0, 2 ** 53, "auto"])],
    [2, () => oddJson(choices)],
    [2, () => scrap(choices)],
    [2, () => (depth > 0 ? someOptions(choices, depth - 1) : {})],
    [1, () => makeValue(choices).value],
  ])();
}
