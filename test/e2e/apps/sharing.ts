/** Two deployments that share a number of replicas by a policy of the application. */
import * as serve from "edge-serve";

class Model {
  /** Keeps a replica busy for a while. */
  async work(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
  }

  call(): string {
    return serve.getReplicaContext().replicaId;
  }
}

class Front {
  constructor(private readonly models: { readonly A: serve.DeploymentHandle<Model>; readonly B: serve.DeploymentHandle<Model> }) {}

  call(): string {
    return "ready";
  }

  async load(name: "A" | "B", count: number, ms: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.models[name].work.remote(ms)));
  }
}

const autoscaling = {
  minReplicas: 1,
  maxReplicas: 10,
  metricsIntervalMs: 100,
  lookBackPeriodMs: 500,
  upscaleDelayMs: 0,
  downscaleDelayMs: 0,
  spillover: false,
};

export const app = serve.deployment(Front).bind({
  A: serve.deployment(Model, { name: "A", autoscaling }).bind(),
  B: serve.deployment(Model, { name: "B", autoscaling: { ...autoscaling, policy: () => 9 } }).bind(),
});

export const single = serve.deployment(Model, { name: "Single", autoscaling }).bind();
