/**
 * The applications that the faults are injected into: a front, and a deployment for each way of passing work on.
 */
import * as serve from "edge-serve";
import { Batcher, Counters, Jobs, Models, Work } from "./deployments.ts";
import { Front } from "./front.ts";

const health = { healthCheckPeriodMs: 500, healthCheckTimeoutMs: 1000, gracefulShutdownTimeoutMs: 3000 } as const;
const keyed = { keyed: true, maxOngoingRequests: 2, maxQueuedRequests: 20, logging: { accessLog: false } } as const;
const small = { ...health, maxOngoingRequests: 2, maxQueuedRequests: 20, logging: { accessLog: false } } as const;

const eager = { ...small, name: "Eager", numReplicas: 2, retries: { attempts: 2, onlyIfNotStarted: false } } as const;
const jobs: serve.DeploymentOptions = {
  ...small,
  numReplicas: 2,
  tasks: { maxAttempts: 50, backoffMs: 20, maxBackoffMs: 200, timeoutMs: 4000 },
};
const elastic: serve.DeploymentOptions = {
  ...small,
  name: "Elastic",
  autoscaling: {
    minReplicas: 0,
    maxReplicas: 3,
    targetOngoingRequests: 2,
    metricsIntervalMs: 300,
    lookBackPeriodMs: 1000,
    upscaleDelayMs: 100,
    downscaleDelayMs: 1000,
  },
};

const applicationOf = (front: serve.DeploymentOptions) =>
  serve.deployment(Front, { ...small, ...front }).bind({
    work: serve.deployment(Work, { ...small, numReplicas: 3 }).bind(),
    eager: serve.deployment(Work, eager).bind(),
    elastic: serve.deployment(Work, elastic).bind(),
    batcher: serve.deployment(Batcher, { ...small, maxOngoingRequests: 8 }).bind(),
    models: serve.deployment(Models, { ...small, numReplicas: 2 }).bind(),
    jobs: serve.deployment(Jobs, jobs).bind(),
    counters: serve.deployment(Counters, keyed).bind(),
  });

/** Its front has room for everybody: what waits, waits behind it. */
export const wide = applicationOf({ numReplicas: 2, maxOngoingRequests: 50 });
/** Its front is small: what comes over HTTP waits for it. */
export const narrow = applicationOf({ numReplicas: 2, maxOngoingRequests: 3 });
