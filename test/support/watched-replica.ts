/**
 * What a replica tells whose work a test makes up, and all that they have told.
 */
import type { DeploymentOptions } from "../../src/api/options.ts";
import { after } from "../../src/context/with-timeout.ts";
import type { LoadReport, ReplicaEvent } from "../../src/protocol/control.ts";
import type { MetricsSnapshot } from "../../src/protocol/metrics.ts";
import type { Running } from "../../src/replica/health.ts";
import { LoadMeter } from "../../src/replica/load-meter.ts";
import { LoadReporter } from "../../src/replica/load-reporter.ts";
import { configOf } from "./controlled-world.ts";

export const AUTOSCALED: DeploymentOptions = { autoscaling: { maxReplicas: 10, metricsIntervalMs: 1000 }, healthCheckPeriodMs: 1000 };

/** A reporter by the timers of the test; `load` is the work. */
export function watched(options: DeploymentOptions = {}) {
  const told: { readonly atMs: number; readonly event: ReplicaEvent; readonly metrics: MetricsSnapshot | undefined }[] = [];
  const startedAtMs = Date.now();
  const world = {
    told,
    running: [] as Running[],
    lastFinishedAtMs: 0,
    checks: 0,
    checkHealth: async () => {},
    recordStats: async (): Promise<unknown> => undefined,
    isReached: true,
    /** Whether the controller never answers. */
    isUnanswered: false,
    startingStep: undefined as string | undefined,
    warnings: [] as string[],
    contactedAtMs: 0,
    /** How long the controller wants it to wait between two reports. */
    reportMs: 0,
    random: 0.5,
    meter: {
      hasNews: false,
      hasNewSeries: false,
      snapshots: 0,
      counted: undefined as (() => void) | undefined,
      heard: () => {},
      snapshot: (): MetricsSnapshot => {
        world.meter.hasNews = world.meter.hasNewSeries = false;
        return { startedAtMs, series: { requests: [[[""], [++world.meter.snapshots]]] } };
      },
    },
    loads: () => told.flatMap(({ event }) => (event.kind === "load" ? [event.load] : [])) as LoadReport[],
    times: () => told.map(({ atMs }) => atMs),
  };
  const load = new LoadMeter(Date.now);
  const reporter = new LoadReporter({
    load,
    membership: {
      config: configOf({ healthCheckPeriodMs: 10_000, ...options }),
      get contactedAtMs() {
        return world.contactedAtMs;
      },
      get reportMs() {
        return world.reportMs;
      },
      async report(event, metrics) {
        if (!world.isReached) throw new Error("The controller is gone.");
        told.push({ atMs: Date.now() - startedAtMs, event, metrics });
        if (world.isUnanswered) await new Promise(() => {});
        world.contactedAtMs = Date.now();
      },
    },
    now: Date.now,
    after,
    sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    random: () => world.random,
    running: () => world.running,
    lastFinishedAtMs: () => world.lastFinishedAtMs,
    meter: world.meter,
    checkHealth: async () => {
      world.checks++;
      await world.checkHealth();
    },
    recordStats: () => world.recordStats(),
    startingStep: () => world.startingStep,
    warn: (message) => void world.warnings.push(message),
  });
  reporter.watch();
  return { ...world, world, load };
}
