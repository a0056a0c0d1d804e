/** What canaries are fed in tests: limits, figures, reports. */
import type { CanaryConfig, TrafficReport } from "../../src/protocol/traffic.ts";
import { count, encodeFigures, type Figures, noFigures } from "../../src/traffic/figures.ts";

export const CANARY: CanaryConfig = {
  stable: "v1",
  candidate: "v2",
  steps: [5, 25, 50, 100],
  stepIntervalMs: 300_000,
  minRequests: 50,
  maxErrorPercent: 1,
  maxP95Ratio: 1.5,
};

/** So many answers, of which some were errors, all equally fast. */
export function answers(requests: number, { errors = 0, ms = 20 }: { errors?: number; ms?: number } = {}): Figures {
  const figures = noFigures();
  for (let index = 0; index < requests; index++) count(figures, ms, index < errors);
  return figures;
}

/** What a source has counted in a window. */
export function report(application: string, window: number, figures: Figures, more: Partial<TrafficReport> = {}): TrafficReport {
  return { source: "controller", run: 0, application, counts: [[window, encodeFigures(figures)]], ...more };
}
