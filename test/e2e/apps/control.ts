/** What the control plane is tested with. */
import * as serve from "edge-serve";

/** Says which replica it is and what it is configured with. */
class Model {
  #config: unknown = "none";
  #healthy = true;

  reconfigure(config: unknown): void {
    if ((config as { refuse?: boolean } | null)?.refuse === true) throw new Error("this configuration is refused");
    this.#config = config;
  }

  checkHealth(): void {
    if (!this.#healthy) throw new Error("the model is ill");
  }

  fallIll(): void {
    this.#healthy = false;
  }

  call(): { replica: string; config: unknown } {
    return { replica: serve.getReplicaContext().replicaId, config: this.#config };
  }

  crash(): void {
    serve.getReplicaContext().state.abort("the machine is gone");
  }

  async work(ms: number): Promise<string> {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return serve.getReplicaContext().replicaId;
  }

  /** Hangs, whether anybody waits or not. */
  hang(): Promise<never> {
    return new Promise(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    serve.logger.info("disposed");
  }
}

class Front {
  constructor(private readonly model: serve.DeploymentHandle<Model>) {}

  async call(): Promise<unknown> {
    return this.model.remote();
  }

  async act(method: "fallIll" | "crash" | "hang"): Promise<unknown> {
    return this.model[method].remote();
  }

  /** Calls as many at once, and says which replica each ran on. */
  async burst(count: number, ms: number): Promise<string[]> {
    return Promise.all(Array.from({ length: count }, () => this.model.work.remote(ms)));
  }

  async hangs(count: number): Promise<string[]> {
    const model = this.model.options({ timeoutMs: 100 });
    const calls = Array.from({ length: count }, () => model.hang.remote());
    const settled = await Promise.allSettled(calls.map((call) => call.result()));
    return settled.map((one) => (one.status === "rejected" ? (one.reason as Error).name : "answered"));
  }
}

export const app = serve
  .deployment(Front)
  .bind(serve.deployment(Model, { userConfig: { threshold: 1 }, healthCheckPeriodMs: 100, healthCheckTimeoutMs: 1000 }).bind());

export const elastic = serve.deployment(Front).bind(
  serve
    .deployment(Model, {
      maxOngoingRequests: 2,
      autoscaling: {
        minReplicas: 1,
        maxReplicas: 60,
        targetOngoingRequests: 2,
        metricsIntervalMs: 200,
        lookBackPeriodMs: 1000,
        upscaleDelayMs: 100,
        downscaleDelayMs: 300,
      },
    })
    .bind(),
);

export const sleeper = serve.deployment(Front).bind(
  serve
    .deployment(Model, {
      autoscaling: {
        minReplicas: 0,
        maxReplicas: 3,
        metricsIntervalMs: 200,
        lookBackPeriodMs: 1000,
        downscaleDelayMs: 300,
        spillover: false,
      },
    })
    .bind(),
);

class Broken {
  constructor() {
    throw new Error("there are no weights");
  }
  call(): string {
    return "never";
  }
}

export const broken = serve.deployment(Broken).bind();
