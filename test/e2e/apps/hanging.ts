/** Deployments whose code never ends where a test asks for it: each of what the framework awaits. */
import * as serve from "edge-serve";

const never = () => new Promise<never>(() => {});
const LIMITS = { requestTimeoutMs: 400, healthCheckTimeoutMs: 300, healthCheckPeriodMs: 500 };

const textOf = async (request: Request) => new URL(request.url).searchParams.get("text") ?? (await request.text());

class Batch {
  #upper = serve.batch(
    async (texts: string[]) => {
      if (texts.includes("hang")) await never();
      return texts.map((text) => text.toUpperCase());
    },
    { batchWaitTimeoutMs: 0 },
  );
  async fetch(request: Request) {
    return this.#upper(await textOf(request));
  }
}
export const batch = serve.deployment(Batch, LIMITS).bind();

class Generator {
  #letters = serve.batch(
    async function* (texts: string[]) {
      yield texts;
      if (texts.includes("hang")) await never();
      yield texts;
    },
    { batchWaitTimeoutMs: 0 },
  );
  async fetch(request: Request) {
    const text = await textOf(request);
    const seen: string[] = [];
    for await (const letter of this.#letters(text)) seen.push(letter);
    return seen.join("");
  }
}
export const generator = serve.deployment(Generator, LIMITS).bind();

class Models {
  #model = serve.multiplexed(
    async (id: string) => {
      if (id === "hang") await never();
      return {
        id,
        [Symbol.asyncDispose]: async () => {
          if (id === "sticky") await never();
          if (id === "bad") throw new Error("this model does not go");
        },
      };
    },
    { maxModelsPerReplica: 1 },
  );
  async fetch() {
    const { id } = await this.#model(serve.getMultiplexedModelId());
    return id;
  }
}
export const models = serve.deployment(Models, { ...LIMITS, requestTimeoutMs: 1000 }).bind();

class Configured {
  #config: unknown = "none";
  async reconfigure(config: unknown) {
    if (config === "hang") await never();
    this.#config = config;
  }
  fetch() {
    return { config: this.#config };
  }
}
export const configured = serve.deployment(Configured, { ...LIMITS, userConfig: "first" }).bind();

let checks = 0;

/** Its health check hangs from the second time on, in the first replica. */
class Checked {
  async checkHealth() {
    if (serve.getReplicaContext().replicaId.endsWith(".0") && ++checks > 1) await never();
  }
  async fetch(request: Request) {
    const ms = Number(await textOf(request));
    await new Promise((resolve) => setTimeout(resolve, ms));
    return serve.getReplicaContext().replicaId;
  }
}
export const checked = serve.deployment(Checked, { ...LIMITS, requestTimeoutMs: 10_000 }).bind();

/** Calls what hangs, with the deadline that it is asked for. */
class Late {
  readonly #silent: serve.DeploymentHandle<() => Promise<never>>;
  constructor(silent: serve.DeploymentHandle<() => Promise<never>>) {
    this.#silent = silent;
  }
  async fetch(request: Request) {
    const begunAtMs = Date.now();
    const timeoutMs = Number(await textOf(request));
    const { name } = await this.#silent
      .options({ timeoutMs })
      .remote()
      .result()
      .catch((error: Error) => error);
    return { name, elapsedMs: Date.now() - begunAtMs };
  }
}
const silent = serve.deployment(() => never(), { name: "Silent" }).bind();
export const late = serve.deployment(Late, { healthCheckTimeoutMs: 5000 }).bind(silent);

/** Its method hangs in the first replica, and nobody has set it a deadline. */
class Left {
  #begun = 0;
  async fetch() {
    serve.logger.info(`Left has begun ${++this.#begun}`);
    if (serve.getReplicaContext().replicaId.endsWith(".0")) await never();
    return "answered";
  }
}
const { requestTimeoutMs: _, ...unlimited } = LIMITS;
export const left = serve.deployment(Left, unlimited).bind();

let setups = 0;

/** Its `setup` hangs the first time. */
class Unset {
  async setup() {
    if (++setups === 1) await never();
  }
  fetch() {
    return `set up ${setups}`;
  }
}
export const unset = serve.deployment(Unset, LIMITS).bind();

let slowSetups = 0;

/** Its `setup` takes longer than its callers wait. */
class Slow {
  async setup() {
    slowSetups++;
    await new Promise((resolve) => setTimeout(resolve, 3000));
  }
  fetch() {
    return `set up ${slowSetups}`;
  }
}
export const slow = serve.deployment(Slow, LIMITS).bind();

class Drained {
  fetch() {
    return serve.getReplicaContext().replicaId;
  }
  async [Symbol.asyncDispose]() {
    await never();
  }
}
export const drained = serve.deployment(Drained, { ...LIMITS, numReplicas: 2 }).bind();

class Recorded {
  async recordAutoscalingStats() {
    await never();
  }
  async fetch(request: Request) {
    await new Promise((resolve) => setTimeout(resolve, Number(new URL(request.url).searchParams.get("text"))));
    return "done";
  }
}
export const recorded = serve
  .deployment(Recorded, {
    ...LIMITS,
    requestTimeoutMs: 20_000,
    autoscaling: {
      maxReplicas: 3,
      targetOngoingRequests: 1,
      spillover: false,
      metricsIntervalMs: 300,
      lookBackPeriodMs: 500,
      upscaleDelayMs: 500,
    },
  })
  .bind();

const requestRouter = () => {
  throw new RangeError("which one?");
};
export const routed = serve
  .deployment(
    class Routed {
      fetch() {
        return "routed";
      }
    },
    { name: "Routed", requestRouter, numReplicas: 2 },
  )
  .bind();

export const asynchronous = serve
  .deployment(
    class Asynchronous {
      fetch() {
        return "routed";
      }
    },
    {
      name: "Asynchronous",
      requestRouter: (async () => Promise.reject(new Error("late"))) as never,
      numReplicas: 2,
    },
  )
  .bind();

class Broken {
  constructor() {
    throw new RangeError("no weights here");
  }
  fetch() {
    return "never";
  }
}
export const broken = serve.deployment(Broken).bind();
