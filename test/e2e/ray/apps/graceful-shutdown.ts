/** What Ray's test_graceful_shutdown.py shuts down: replicas that hold requests until a test lets them go. */
import * as serve from "edge-serve";
import { signals } from "./signals.ts";

class Held {
  /** Waits for the test's word, unless nobody is to wait any more. */
  async hold(name: string): Promise<string> {
    await signals().wait.remote(name);
    return serve.getReplicaContext().replicaId;
  }

  /** Says that it has begun, and never ends, whoever asks it to. */
  async hang(name: string): Promise<never> {
    void signals().wait.remote(name);
    return new Promise(() => {});
  }

  call(): string {
    return serve.getReplicaContext().replicaId;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    serve.logger.info("disposed");
  }
}

export const patient = serve.deployment(Held, { gracefulShutdownTimeoutMs: 20_000 }).bind();
export const hasty = serve.deployment(Held, { gracefulShutdownTimeoutMs: 0 }).bind();
