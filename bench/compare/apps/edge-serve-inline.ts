/**
 * The compared applications on edge-serve with `placement: "inline"`: whoever calls a deployment has an instance of it, so the ingress
 * deployment runs in the Worker. What collects requests into batches stays an object: in a Worker no request waits for another.
 */
import * as serve from "edge-serve";
import { upperInBatches } from "./edge-serve-batch.ts";
import { Compute, Hello, Ingress, Noop, Stream, Wait, World } from "./edge-serve.ts";

const objects = { maxOngoingRequests: 512 };
const options = { ...objects, placement: "inline" } as const;

class Batch {
  readonly #upper = upperInBatches();

  call(text: string): Promise<string> {
    return this.#upper(text);
  }
}

class Front {
  readonly #batch: serve.DeploymentHandle<Batch>;

  constructor(batch: serve.DeploymentHandle<Batch>) {
    this.#batch = batch;
  }

  async call(request: Request): Promise<string[]> {
    const { texts } = await request.json<{ texts: [string] }>();
    return [await this.#batch.remote(texts[0])];
  }
}

export const noop = serve.deployment(Noop, options).bind();
export const compose = serve
  .deployment(Ingress, options)
  .bind(serve.deployment(Hello, options).bind(), serve.deployment(World, options).bind());
export const wait = serve.deployment(Wait, options).bind();
export const stream = serve.deployment(Stream, options).bind();
export const cpu = serve.deployment(Compute, options).bind();
export const batch = serve.deployment(Front, options).bind(serve.deployment(Batch, objects).bind());
