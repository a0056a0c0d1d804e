/**
 * How options from several places become one: the later one wins, field by field.
 */
import type { DeploymentOptions } from "./option-types.ts";

// Their fields are options of their own. `userConfig` is not among them: it is the user's, and replaced as a whole.
const NESTED = ["autoscaling", "placement", "retries", "backpressure", "logging"] as const;

/**
 * `override` over `base`. A number of replicas and autoscaling exclude each other, so the one that `override` gives
 * removes the other one from `base`.
 */
export function mergeOptions(base: DeploymentOptions, override: DeploymentOptions): DeploymentOptions {
  const merged: Record<string, unknown> = { ...base };
  if (typeof override.numReplicas === "number") delete merged["autoscaling"];
  if (override.autoscaling !== undefined && typeof base.numReplicas === "number") delete merged["numReplicas"];
  for (const [key, value] of Object.entries(override)) {
    const before = merged[key];
    merged[key] = (NESTED as readonly string[]).includes(key) && isObject(before) && isObject(value) ? { ...before, ...value } : value;
  }
  return merged;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
