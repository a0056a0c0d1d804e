import { autoscale, type AutoscaleInput, type AutoscaleResult, NEW_AUTOSCALE_STATE } from "../../src/controller/autoscale/autoscale.ts";
import { LoadSum, type SummedLoad } from "../../src/controller/autoscale/load-sum.ts";
import { defaultStaleAfterMs, type Series } from "../../src/controller/autoscale/step-function.ts";
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

/** An input, and the series that its load is made of. */
export interface SeriesInput extends Omit<AutoscaleInput, "load"> {
  readonly series: readonly Series[];
  /** @default two missed reports, and at least 10 s */
  readonly staleAfterMs?: number;
}

/** What the series of an input add up to. */
function loadOf({ series, nowMs, config, staleAfterMs = defaultStaleAfterMs(config) }: SeriesInput): SummedLoad {
  const sum = new LoadSum({ lookBackPeriodMs: config.lookBackPeriodMs, staleAfterMs });
  for (const [index, points] of series.entries()) sum.set(String(index), points, nowMs);
  return sum.at(nowMs);
}

/** Decides from series. */
export function autoscaleSeries(input: SeriesInput): AutoscaleResult {
  return autoscale({ ...input, load: loadOf(input) });
}

/** What an input is made of here: its load as a number that is steady, or as series. */
export interface GivenInput extends Partial<Omit<SeriesInput, "config">> {
  readonly load?: number;
  readonly config?: Partial<AutoscalingConfig>;
}

/** An input with a steady load, and as many replicas running as there should be. */
export function seriesInputOf(given: GivenInput = {}): SeriesInput {
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

/** The same, with its load added up. */
export function inputOf(given: GivenInput = {}): AutoscaleInput {
  const input = seriesInputOf(given);
  return { ...input, load: loadOf(input) };
}
