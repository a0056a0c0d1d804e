/** What limits are tested with: slow work, nested calls, and what a request knows of itself. */
import * as serve from "edge-serve";

const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

export class Work {
  async slow(ms: number): Promise<string> {
    await after(ms);
    return "late";
  }

  async *items(ms: number): AsyncGenerator<number, void, undefined> {
    try {
      for (let item = 1; ; item++) {
        yield item;
        await after(ms);
      }
    } finally {
      serve.logger.info("items stopped");
    }
  }

  context(): Record<string, unknown> {
    const { requestId, routePrefix, key, multiplexedModelId, traceparent, tracestate, deadline } = serve.getRequestContext();
    return { requestId, routePrefix, key, multiplexedModelId, traceparent, tracestate, deadline };
  }

  /** Calls itself until it is refused. */
  async nest(depth: number): Promise<number> {
    if (depth === 0) return 0;
    return 1 + (await serve.getDeploymentHandle<Work>("Work").nest.remote(depth - 1));
  }

  async lookUp(name: string, app?: string): Promise<string> {
    try {
      await serve.getDeploymentHandle<Work>(name, app).context.remote();
      return "found";
    } catch (error) {
      return `${(error as { code?: string }).code}: ${(error as Error).message}`;
    }
  }

  call(): string {
    return "worked";
  }

  fetch(): Response {
    return Response.json(this.context());
  }

  _hidden(): void {}
}

/** Its deadline is in the code. */
export const app = serve.deployment(Work, { requestTimeoutMs: 700, numReplicas: 2 }).bind();

/** Its deadline is in the config file, or in no place. */
export const patient = serve.deployment(Work).bind();

class Leaf {
  call(): string {
    return "leaf";
  }
}
class Named {
  constructor(private readonly leaf: serve.DeploymentHandle<Leaf>) {}
  async call(): Promise<string> {
    return this.leaf.remote();
  }
}

/** Called what every object has, and so is its deployment. */
export const named = serve.deployment(Named, { name: "toString" }).bind(serve.deployment(Leaf, { name: "hasOwnProperty" }).bind());
