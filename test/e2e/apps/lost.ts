/** Replicas that are lost while they work, and callers that count what becomes of their requests. */
import * as serve from "edge-serve";

export class Fragile {
  async run(id: string, ms: number): Promise<string> {
    serve.logger.info("ran", { id });
    await new Promise((resolve) => setTimeout(resolve, ms));
    return id;
  }

  die(): void {
    serve.getReplicaContext().state.abort("the machine is gone");
  }
}

export interface Outcome {
  readonly id: string;
  readonly result: string;
}

class Front {
  constructor(private fragile: serve.DeploymentHandle<Fragile>) {}

  /** Makes `count` calls at once, and loses every replica `losses` times meanwhile. */
  async storm(count: number, losses: number): Promise<Outcome[]> {
    const calls = Array.from({ length: count }, async (_, n): Promise<Outcome> => {
      const id = `${serve.getRequestContext().requestId}-${n}`;
      try {
        return { id, result: (await this.fragile.run.remote(id, 20)) === id ? "ok" : "wrong" };
      } catch (error) {
        return { id, result: (error as Error).name };
      }
    });
    for (let n = 0; n < losses; n++) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      await this.fragile.die.broadcast();
    }
    return await Promise.all(calls);
  }
}

const front = (options: serve.DeploymentOptions) => serve.deployment(Front).bind(serve.deployment(Fragile, options).bind());

const small = { numReplicas: 4, maxOngoingRequests: 3, logging: { accessLog: false } } as const;
export const careful = front(small);
export const eager = front({ ...small, retries: { attempts: 5, onlyIfNotStarted: false } });
