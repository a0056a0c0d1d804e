/**
 * The Durable Object class of a deployment that is gone: it keeps what its objects have stored, and nothing else of them.
 */
import { DurableObject } from "cloudflare:workers";
import type { OrderOutcome } from "../src/protocol/control.ts";
import { releaseHoldings } from "./replica-memory.ts";

/** Makes the class. @param version Of the code that no longer has the deployment. */
export function retiredClass(version: string): new (state: DurableObjectState, env: Cloudflare.Env) => DurableObject {
  return class extends DurableObject {
    /** RPC. The application's controller takes it out of service: it has nothing to finish. */
    async assign(): Promise<OrderOutcome> {
      await releaseHoldings(this.ctx);
      return { kind: "done", version };
    }

    /** One that the class had set rings for nobody. Without a handler the platform would try it again and again. */
    override alarm(): void {}
  };
}
