/**
 * Config documents: valid ones of the system below, and what a slip of the pen makes of them.
 */
import * as serve from "../../src/index.ts";
import { stringify } from "yaml";
import { describeSystem } from "../../src/compile/manifest.ts";
import type { Manifest } from "../../src/protocol/manifest.ts";
import type { Choices } from "./choices.ts";
import { mutated, mutatedJson } from "./text.ts";

class Leaf {
  reconfigure(): void {}
  call(): string {
    return "leaf";
  }
}

class Front {
  readonly leaf: serve.DeploymentHandle<Leaf>;
  constructor(leaf: serve.DeploymentHandle<Leaf>) {
    this.leaf = leaf;
  }
  call(): string {
    return "front";
  }
}

const OPTIONS: serve.DeploymentOptions = { maxOngoingRequests: 8, logging: { accessLog: false } };

/** The code of the system that documents are put to. */
export const CODE: Readonly<Record<string, unknown>> = {
  first: serve.deployment(Front, OPTIONS).bind(serve.deployment(Leaf, { ...OPTIONS, numReplicas: 2 }).bind()),
  second: serve.deployment(Leaf, OPTIONS).bind(),
};

const described = describeSystem(
  {
    applications: [
      { name: "first", routePrefix: "/", importPath: "app.ts:first", deployments: [] },
      { name: "second", routePrefix: "/second", importPath: "app.ts:second", deployments: [], rpc: true },
    ],
  },
  CODE,
) as unknown as { readonly manifest: Manifest };

/** What was compiled of it. */
export const COMPILED: Manifest = { ...described.manifest, version: "fuzz" };

/** A document that is accepted. */
export function validDocument(choices: Choices): Record<string, unknown> {
  const applications = [application(choices, "first", ["Front", "Leaf"], "/"), application(choices, "second", ["Leaf"], "/second")];
  return {
    applications: choices.once(4) ? applications.slice(choices.below(2)) : applications,
    ...(choices.once(3) ? { http_options: { request_timeout_s: choices.of([1, 0.5, 60]) } } : {}),
    ...(choices.once(4) ? { target_capacity: choices.of([100, 50, 0]) } : {}),
    ...(choices.once(4) ? { logging_config: { log_level: choices.of(["INFO", "DEBUG"]), enable_access_log: true } } : {}),
  };
}

function application(choices: Choices, name: string, deployments: readonly string[], prefix: string): Record<string, unknown> {
  return {
    name,
    route_prefix: choices.of([prefix, `/${name}/deep`, null]),
    import_path: `app.ts:${name}`,
    ...(choices.once(3) ? {} : { deployments: deployments.map((deployment) => deploymentEntry(choices, deployment)) }),
  };
}

function deploymentEntry(choices: Choices, name: string): Record<string, unknown> {
  const entry: Record<string, unknown> = { name };
  const options: readonly (readonly [string, () => unknown])[] = [
    ["num_replicas", () => choices.of([1, 0, 3, 1000, "auto"])],
    ["max_ongoing_requests", () => choices.of([1, 100])],
    ["max_queued_requests", () => choices.of([0, -1, 1000])],
    ["request_timeout_s", () => choices.of([1, null, 0.25])],
    ["health_check_period_s", () => choices.of([10, 0.1])],
    ["health_check_timeout_s", () => 30],
    ["graceful_shutdown_timeout_s", () => choices.of([0, 20])],
    ["request_router", () => choices.of(["powerOfTwoChoices", "consistentHash"])],
    ["placement", () => ({ location_hints: choices.of([["weur"], ["weur", "enam"], []]) })],
    ["retries", () => ({ attempts: choices.of([0, 2]), only_if_not_started: choices.of([true, false]) })],
    ["backpressure_config", () => ({ status_code: choices.of([503, 429]), retry_after_s: choices.of([1, 0.5, null]) })],
    ["max_constructor_retry_count", () => choices.of([1, 20])],
    ["logging_config", () => ({ log_level: choices.of(["INFO", "ERROR"]) })],
  ];
  for (const [key, value] of options) if (choices.once(4)) entry[key] = value();
  if (name === "Leaf" && choices.once(4)) entry["user_config"] = choices.of<unknown>([{ a: [1, { b: null }] }, "text", null, 0]);
  if (!("num_replicas" in entry) && choices.once(3)) entry["autoscaling_config"] = autoscaling(choices);
  return entry;
}

function autoscaling(choices: Choices): Record<string, unknown> {
  return {
    min_replicas: choices.of([1, 0]),
    max_replicas: choices.of([5, 100]),
    target_ongoing_requests: choices.of([2, 0.5]),
    ...(choices.once(3) ? { upscale_delay_s: choices.of([0, 30]), downscale_delay_s: 600, look_back_period_s: 30 } : {}),
    ...(choices.once(3) ? { initial_replicas: choices.of([2, null]), spillover: choices.of([true, false]) } : {}),
  };
}

/** A document, changed in up to three places. */
export function makeDocument(choices: Choices): unknown {
  return mutatedJson(choices, validDocument(choices));
}

/** A config file's text, changed as structure and as text. */
export function makeYaml(choices: Choices): string {
  const document = choices.once(3) ? makeDocument(choices) : validDocument(choices);
  let text: string;
  try {
    text = choices.once(4) ? JSON.stringify(document) : stringify(document);
  } catch {
    text = "applications: []";
  }
  return mutated(choices, text);
}
