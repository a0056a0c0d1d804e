/** `placement: "inline"`, and what cannot be said with it: contract section 14. */
import { describe, expect, it } from "vitest";
import { deployment } from "../../../src/api/deployment.ts";
import { resolveOptions } from "../../../src/api/resolve-options.ts";
import { validateConfig } from "../../../src/config/system-config.ts";

class Tokenizer {
  reconfigure(): void {}
  call(): string {
    return "";
  }
}

const REFUSED: readonly (readonly [option: string, value: unknown, key: string, inFile: unknown])[] = [
  ["numReplicas", 2, "num_replicas", 2],
  ["numReplicas", "auto", "num_replicas", "auto"],
  ["autoscaling", {}, "autoscaling_config", {}],
  ["requestRouter", "consistentHash", "request_router", "consistentHash"],
  ["healthCheckPeriodMs", 5000, "health_check_period_s", 5],
  ["healthCheckTimeoutMs", 5000, "health_check_timeout_s", 5],
  ["gracefulShutdownTimeoutMs", 5000, "graceful_shutdown_timeout_s", 5],
  ["maxConstructorRetryCount", 3, "max_constructor_retry_count", 3],
  ["retries", { attempts: 1 }, "retries", { attempts: 1 }],
  ["tasks", {}, "tasks", {}],
  ["schedules", [{ cron: "@hourly" }], "schedules", [{ cron: "@hourly" }]],
];

describe("an inline deployment", () => {
  it.each(REFUSED)("takes no %s (%j)", (option, value) => {
    const make = () => deployment(Tokenizer, { placement: "inline", [option]: value });
    expect(make).toThrow(new RegExp(`"Tokenizer".*${option} is .*inline`));
  });

  it.each(REFUSED)("takes no %s (%j) in a config file", (_option, _value, key, inFile) => {
    const deployments = [{ name: "Tokenizer", placement: "inline", [key]: inFile }];
    const { diagnostics } = validateConfig({ applications: [{ name: "main", import_path: "app.ts:app", deployments }] });
    expect(diagnostics.map(({ path, message }) => [path.split(".").at(-1), message.includes("inline")])).toEqual([[key, true]]);
  });

  it("takes what holds for each instance", () => {
    const options = {
      maxOngoingRequests: 3,
      maxQueuedRequests: 4,
      requestTimeoutMs: 5,
      userConfig: 6,
      backpressure: { statusCode: 429 },
    } as const;
    expect(deployment(Tokenizer, { placement: "inline", ...options }).resolve()).toMatchObject({
      ...options,
      backpressure: { statusCode: 429, retryAfterMs: 1000 },
      inline: true,
      numReplicas: 0,
      placement: {},
    });
  });

  it("is none unless it says so", () => {
    expect(resolveOptions({})).not.toHaveProperty("inline");
    expect(resolveOptions({ placement: { locationHints: ["weur"] } })).not.toHaveProperty("inline");
  });
});
