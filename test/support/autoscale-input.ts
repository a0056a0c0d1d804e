import type { AutoscaleInput } from "../../src/controller/autoscale/autoscale.ts";
import { NEW_AUTOSCALE_STATE } from "../../src/controller/autoscale/autoscale.ts";
import type { AutoscalingConfig } from "../../src/protocol/manifest.ts";

/** A time to begin at. */
export const START_MS = 1_000_000;

/** Ray Serve's defaults, but for what is given. */
export function configOf(given: Partial<AutoscalingConfig> = {}): AutoscalingConfig {
  const { minReplicas = 1, downscaleDelayMs = 600_000 } = given;
  return {
    minReplicas,
    maxReplicas: 100,
    initialReplicas: minReplicas,
    targetOngoingRequests: 1,
    metricsIntervalMs: 10_000,
    lookBackPeriodMs: 30_000,
    upscaleDelayMs: 30_000,
    downscaleDelayMs,
    downscaleToZeroDelayMs: downscaleDelayMs,
    upscalingFactor: 1,
    downscalingFactor: 1,
    spillover: true,
    customPolicy: false,
    ...given,
  };
}

/** An input with a steady load, and as many replicas running as there should be. */
export function inputOf(
  given: Partial<Omit<AutoscaleInput, "config">> & { readonly load?: number; readonly config?: Partial<AutoscalingConfig> } = {},
): AutoscaleInput {
  const { load = 0, config, nowMs = START_MS, targetReplicas = 1, ...rest } = given;
  return {
    app: "news",
    deployment: "Rank",
    nowMs,
    targetReplicas,
    runningReplicas: targetReplicas,
    series: [[{ atMs: nowMs, value: load }]],
    state: NEW_AUTOSCALE_STATE,
    ...rest,
    config: configOf(config),
  };
}
